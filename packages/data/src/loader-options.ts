// The options of DataLoader, and which of them contradict each other.
import type { Generator } from "@chainrule/core";
import { checkOptions, fail, show } from "@chainrule/core/internal";
import { isIterable } from "./dataset.ts";
import { checkGenerator, type Sized } from "./samplers.ts";

/** Options of `DataLoader`. */
export interface DataLoaderOptions<T, Size extends number | null, Batch> {
  /** Samples per batch; `null` gives single samples, which are not collated. Default 1. */
  readonly batchSize?: Size;
  /** Whether every epoch has a random order of its own. Default `false`. */
  readonly shuffle?: boolean;
  /** Indices of the samples in the order to visit them, instead of `shuffle`. */
  readonly sampler?: Iterable<number> & Partial<Sized>;
  /** Indices of each batch, instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  readonly batchSampler?: Iterable<ArrayLike<number>> & Partial<Sized>;
  /** Whether a last batch that is not full is left out. Default `false`. */
  readonly dropLast?: boolean;
  /** Makes a batch of a list of samples. Default: `defaultCollate`. */
  readonly collateFn?: (samples: Size extends null ? Awaited<T> : Awaited<T>[]) => Batch;
  /** Source of the order. Default: the default generator. */
  readonly generator?: Generator;
}

/** Options whatever the dataset holds. */
export type AnyLoaderOptions = DataLoaderOptions<never, number | null, unknown>;

const op = "DataLoader";
const optionNames = [
  "batchSize", "shuffle", "sampler", "batchSampler", "dropLast", "collateFn", "generator",
];

/**
 * Checks the options of a loader; `BatchSampler` checks `batchSize` and `dropLast`.
 * @throws for values of the wrong kind and for contradictions, with PyTorch's phrases
 */
export function checkLoaderOptions(options: AnyLoaderOptions, mapStyle: boolean): void {
  checkOptions(op, options, optionNames);
  const { shuffle = false, sampler, batchSampler, collateFn, generator } = options;
  if (typeof shuffle !== "boolean") fail(op, `shuffle must be a boolean, got ${show(shuffle)}`);
  for (const [name, value] of Object.entries({ sampler, batchSampler })) {
    if (value === undefined || isIterable(value)) continue;
    fail(op, `${name} must be iterable, got ${show(value)}`);
  }
  if (collateFn !== undefined && typeof collateFn !== "function") {
    fail(op, `collateFn must be a function, got ${show(collateFn)}`);
  }
  checkGenerator(op, generator);
  if (!mapStyle) checkIterableOptions(options);
  checkExclusive(options);
}

function checkIterableOptions({ shuffle, sampler, batchSampler }: AnyLoaderOptions): void {
  for (const [name, value] of Object.entries({ shuffle, sampler, batchSampler })) {
    if (value === undefined || value === false) continue;
    const expected = `expected unspecified ${name} option`;
    fail(op, `with IterableDataset: ${expected}, but got ${name}=${show(value)}`);
  }
}

function checkExclusive(options: AnyLoaderOptions): void {
  const { batchSize = 1, shuffle = false, sampler, batchSampler, dropLast = false } = options;
  if (sampler !== undefined && shuffle) {
    fail(op, "sampler option is mutually exclusive with shuffle");
  }
  if (batchSampler !== undefined) {
    if (batchSize === 1 && !shuffle && sampler === undefined && !dropLast) return;
    const others = "batchSize, shuffle, sampler, and dropLast";
    fail(op, `batchSampler option is mutually exclusive with ${others}`);
  }
  if (batchSize === null && dropLast) {
    const reason = "disables auto-batching and is mutually exclusive with dropLast";
    fail(op, `batchSize=null option ${reason}`);
  }
}
