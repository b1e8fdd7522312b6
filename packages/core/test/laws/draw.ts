// Drawing the arguments of an op from its samples: plain data first, so that a failing property
// prints and shrinks it; tensors of any dtype and memory layout are built from that data.
import fc from "fast-check";
import {
  allocate, isSampleTensor, numel, type Sample, type SampleTensor,
} from "../../src/internal.ts";
import { Generator, Tensor, type DType } from "../../src/index.ts";
import { Storage } from "../../src/storage/storage.ts";
import { contiguousStrides, type Layout } from "../../src/shape/layout.ts";

/** A tensor as data: its values in row-major order. */
export interface Drawn {
  readonly drawn: "float" | "int32" | "bool";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** The arguments of one call, tensors as data, and a seed for everything else that is random. */
export interface Call {
  readonly args: readonly unknown[];
  readonly seed: number;
}

/** How elements lie in memory. `expanded` repeats the first slice of the first dimension. */
export type MemoryLayout = "contiguous" | "transposed" | "stepped" | "offset" | "expanded";

/** Every layout but the plain one. */
export const strided: readonly MemoryLayout[] = ["transposed", "stepped", "offset", "expanded"];

/** Distance kept from kinks: far beyond the steps of central differences, and exact in float32. */
const margin = 2 ** -8;

/** Grid of drawn numbers: middle of the domain at 0, so that values shrink towards it. */
const grid = 2 ** 20;

/** Whether a value is a drawn tensor. */
export function isDrawn(value: unknown): value is Drawn {
  return typeof value === "object" && value !== null && "drawn" in value;
}

/** The same arguments with each tensor, inside lists and options too, replaced in order. */
export function mapTensors<T>(
  value: unknown, isTensor: (value: unknown) => value is T, replace: (tensor: T) => unknown,
): unknown {
  if (isTensor(value)) return replace(value);
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, isTensor, replace));
  if (typeof value !== "object" || value === null || value instanceof Tensor) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value)
    .map(([name, item]) => [name, mapTensors(item, isTensor, replace)]));
}

/** All tensors of a kind among arguments, in order. */
export function tensorsIn<T>(value: unknown, isTensor: (value: unknown) => value is T): T[] {
  const found: T[] = [];
  mapTensors(value, isTensor, (tensor) => found.push(tensor));
  return found;
}

/**
 * Calls drawn from a sample. Numbers are exact in float32, keep away from `kinks`, and those of
 * `distinct` tensors differ within the whole call.
 */
export function calls(sample: Sample, kinks: readonly number[] = []): fc.Arbitrary<Call> {
  const described = tensorsIn(sample, isSampleTensor);
  const distinctCount = described.reduce((count, tensor) =>
    tensor.sample === "distinct" ? count + numel(tensor.shape) : count, 0);
  const order = [...Array(distinctCount).keys()];
  return fc.record({
    grids: fc.tuple(...described.map((tensor) => gridValues(tensor))),
    ranks: fc.shuffledSubarray(order, { minLength: distinctCount, maxLength: distinctCount }),
    seed: fc.noBias(fc.integer({ min: 0, max: 2 ** 31 })),
  }).map(({ grids, ranks, seed }) => {
    let next = 0;
    let rank = 0;
    const args = mapTensors(sample, isSampleTensor, (tensor) => {
      const fractions = grids[next++].map((k) => tensor.sample === "distinct"
        ? (ranks[rank++] + 0.5 + 0.2 * k / grid) / distinctCount : (k / grid + 1) / 2);
      return drawnFrom(tensor, fractions, kinks);
    });
    return { args: args as unknown[], seed };
  });
}

/** One call with values from a seed, for tensors too large to be drawn one by one. */
export function seededCall(sample: Sample, seed: number, kinks: readonly number[] = []): Call {
  const generator = new Generator(seed);
  const distinctCount = tensorsIn(sample, isSampleTensor).reduce((count, tensor) =>
    tensor.sample === "distinct" ? count + numel(tensor.shape) : count, 0);
  const ranks = Array.from({ length: distinctCount }, (_, i) => i);
  for (let i = distinctCount - 1; i > 0; i--) {
    const k = Math.floor(generator.uniform24() * (i + 1));
    [ranks[i], ranks[k]] = [ranks[k], ranks[i]];
  }
  let rank = 0;
  const args = mapTensors(sample, isSampleTensor, (tensor) => drawnFrom(tensor,
    Array.from({ length: numel(tensor.shape) }, () => tensor.sample === "distinct"
      ? (ranks[rank++] + 0.5) / distinctCount : generator.uniform24()), kinks));
  return { args: args as unknown[], seed };
}

function gridValues(tensor: SampleTensor): fc.Arbitrary<number[]> {
  const count = numel(tensor.shape);
  return fc.array(fc.noBias(fc.integer({ min: 1 - grid, max: grid - 1 })),
    { minLength: count, maxLength: count });
}

function drawnFrom(
  { sample, shape, low, high }: SampleTensor, fractions: readonly number[],
  kinks: readonly number[],
): Drawn {
  const values = fractions.map((fraction) => low + fraction * (high - low));
  if (sample === "boolean") return { drawn: "bool", shape, values: values.map(Math.floor) };
  if (sample === "integer") return { drawn: "int32", shape, values: values.map(Math.floor) };
  return { drawn: "float", shape, values: values.map((value) => away(Math.fround(value), kinks)) };
}

function away(value: number, kinks: readonly number[]): number {
  const kink = kinks.find((position) => Math.abs(value - position) < margin);
  if (kink === undefined) return value;
  return Math.fround(kink + (value < kink ? -margin : margin));
}

/** A tensor with drawn values, laid out as asked; what lies between its elements is NaN. */
export function laidOut(drawn: Drawn, dtype: DType, memory: MemoryLayout = "contiguous"): Tensor {
  const { shape } = drawn;
  const { strides, offset } = layoutOf(shape, memory);
  const last = shape.reduce((sum, size, dim) => sum + (size - 1) * strides[dim], offset);
  const data = allocate(dtype, shape.includes(0) ? 0 : last + 2);
  data.fill(dtype === "bool" ? 1 : dtype === "int32" ? 1 << 30 : NaN);
  const values = memory === "expanded" ? repeated(drawn, strides) : drawn.values;
  positions(shape, strides, offset).forEach((at, i) => { data[at] = values[i]; });
  return new Tensor(new Storage(dtype, data), shape, strides, offset);
}

/** The values that a tensor laid out like that shows. */
export function valuesIn(drawn: Drawn, memory: MemoryLayout): Drawn {
  if (memory !== "expanded") return drawn;
  return { ...drawn, values: repeated(drawn, layoutOf(drawn.shape, memory).strides) };
}

function layoutOf(shape: readonly number[], memory: MemoryLayout): Layout {
  const plain = contiguousStrides(shape);
  switch (memory) {
    case "contiguous": return { shape, strides: plain, offset: 0 };
    case "offset": return { shape, strides: plain, offset: 3 };
    case "stepped": return { shape, strides: plain.map((step) => 2 * step), offset: 1 };
    case "transposed":
      return { shape, strides: contiguousStrides(shape.toReversed()).toReversed(), offset: 0 };
    case "expanded": {
      const dim = shape.findIndex((size) => size > 1);
      return { shape, strides: plain.map((step, i) => i === dim ? 0 : step), offset: 0 };
    }
  }
}

function repeated({ shape, values }: Drawn, strides: readonly number[]): number[] {
  const plain = contiguousStrides(shape)
    .map((step, dim) => strides[dim] === 0 ? 0 : step);
  return positions(shape, plain, 0).map((at) => values[at]);
}

/** Positions of all elements, in row-major order. */
function positions(
  shape: readonly number[], strides: readonly number[], offset: number,
): number[] {
  return shape.reduce<number[]>((starts, size, dim) =>
    starts.flatMap((start) =>
      Array.from({ length: size }, (_, i) => start + i * strides[dim])), [offset]);
}
