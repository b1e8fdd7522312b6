// What the loader takes: samples by position (map-style), or samples one after the other.
import { fail, show } from "@chainrule/core/internal";
import type { Collated } from "./collate.ts";

/**
 * Samples that are fetched by position; any object with `length` and `get` is one.
 *
 * `get` may return promises; such a dataset is iterated with `for await`.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.Dataset
 */
export interface Dataset<T> {
  /** Number of samples. */
  readonly length: number;
  /** The sample at an index from 0 to `length − 1`. */
  get(index: number): T;
  /** The batch that `defaultCollate` makes of the samples at `indices`, gathered at once. */
  getBatch?(indices: ArrayLike<number>): Collated<Awaited<T>>;
}

/**
 * Samples that come one after the other: an array, a generator, an asynchronous stream.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset
 */
export type IterableDataset<T> = (Iterable<T> | AsyncIterable<T>) & { readonly length?: number };

/** Whether a value has what `Dataset` asks for. */
export function isMapStyle(value: unknown): value is Dataset<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const { get, length } = value as Partial<Dataset<unknown>>;
  return typeof get === "function" && Number.isInteger(length) && length! >= 0;
}

/**
 * Checks that an argument can be fetched from by position.
 * @throws ChainruleError when it cannot
 */
export function checkDataset(op: string, value: unknown): asserts value is Dataset<unknown> {
  if (!isMapStyle(value)) fail(op, `expected a dataset with length and get, got ${show(value)}`);
}

/**
 * The position an index means; negative ones count from the end.
 * @throws ChainruleError for an index that is no integer or out of range
 */
export function checkIndex(op: string, index: number, length: number): number {
  if (!Number.isInteger(index)) fail(op, `index must be an integer, got ${show(index)}`);
  if (index < -length || index >= length) {
    fail(op, `index ${index} is out of bounds for a dataset of ${length} samples`, { index });
  }
  return index < 0 ? index + length : index;
}

/** Whether `for … of` works on a value. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Iterable<unknown> | null)?.[Symbol.iterator] === "function";
}

/** Whether a value is made for `for await … of`. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] === "function";
}
