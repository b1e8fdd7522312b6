// What stands between the brackets of `x[…]`, and the elements it selects.
import { fail, show } from "../errors.ts";
import { allNumbers, offsetsOf } from "../kernels/gather.ts";
import { broadcastShapes, broadcastStrides } from "../shape/broadcast.ts";
import { numel, showShape, type Shape } from "../shape/dims.ts";
import { contiguousStrides, type Layout } from "../shape/layout.ts";
import { resolveRange } from "../shape/range.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isBatched } from "./batching.ts";
import { tensor, type Values } from "./creation.ts";
import { asIntegers } from "./integer.ts";

/** A range as an object; a string such as `"1:3"` or `"::2"` says the same. */
export interface IndexRange {
  /** First position. Default 0. */
  readonly start?: number | null;
  /** Position to stop before. Default: the end. */
  readonly stop?: number | null;
  /** Distance of neighbours, positive. Default 1. */
  readonly step?: number | null;
}

/** Positions or truth values in nested arrays. */
export type NestedIndex = readonly (number | boolean | NestedIndex)[];

/**
 * One item of an index: a position, `null` (new axis), `"..."`, a range, a truth value, positions
 * as an array or tensor, or a mask.
 */
export type IndexItem = number | null | string | boolean | IndexRange | NestedIndex | Tensor;

/** One dimension of what an index shows: positions of `dim`, or (`dim` null) a new axis. */
interface Axis { readonly dim: number | null; readonly step: number; readonly size: number }

/** Elements looked up: row-major numbers within `count` dimensions, from `dim`, of the window. */
export interface Rows {
  readonly numbers: Int32Array;
  readonly shape: Shape;
  readonly dim: number;
  readonly count: number;
}

/** The elements that an index selects, for tensors of one shape. */
export interface Selection {
  /** First position in each dimension of the tensor. */
  readonly starts: readonly number[];
  /** The window in which elements are looked up, or which is the result. */
  readonly axes: readonly Axis[];
  readonly rows: Rows | null;
  /** Shape of the result. */
  readonly shape: Shape;
}

/** Whether indices were parsed already. */
export function isSelection(indices: readonly IndexItem[] | Selection): indices is Selection {
  return !Array.isArray(indices);
}

/** Where the elements of the window lie. */
export function windowLayout({ starts, axes }: Selection, layout: Layout): Layout {
  const strides: number[] = [];
  for (let i = axes.length - 1; i >= 0; i--) {
    const { dim, step } = axes[i];
    strides[i] = dim !== null ? layout.strides[dim] * step
      : i + 1 < axes.length ? axes[i + 1].size * strides[i + 1] : 1;
  }
  return {
    shape: axes.map(({ size }) => size), strides,
    offset: starts.reduce((sum, start, dim) => sum + start * layout.strides[dim], layout.offset),
  };
}

/** Elements at positions of some neighbouring dimensions, numbered row-major. */
export function rowsSelection(
  shape: Shape, dim: number, count: number, numbers: Int32Array, numbersShape: Shape,
): Selection {
  return {
    starts: shape.map(() => 0), axes: shape.map((size, d) => ({ dim: d, step: 1, size })),
    rows: { numbers, shape: numbersShape, dim, count },
    shape: [...shape.slice(0, dim), ...numbersShape, ...shape.slice(dim + count)],
  };
}

/** Positions given for some dimensions together: numbers within the product of their sizes. */
interface Lookup { readonly numbers: Int32Array; readonly shape: Shape; readonly size: number }

/** An index while it is read, item by item. */
class Reader {
  private readonly op: string;
  private readonly shape: Shape;
  private dim = 0;
  readonly starts: number[];
  readonly axes: Axis[] = [];
  /** Positions in `axes` of the dimensions that are looked up. */
  readonly looked: number[] = [];
  readonly lookups: Lookup[] = [];

  constructor(op: string, shape: Shape) {
    this.op = op;
    this.shape = shape;
    this.starts = shape.map(() => 0);
  }

  position(index: number): void {
    const size = this.shape[this.dim];
    if (!Number.isInteger(index)) {
      fail(this.op, "only integers, slices (`:`), ellipsis (`...`), null and tensors are valid " +
        `indices (got ${show(index)})`);
    }
    this.starts[this.dim] = wrapped(this.op, index, this.dim, size);
    this.dim++;
  }

  range({ start, stop, step }: IndexRange): void {
    const found = resolveRange(this.op, start, stop, step ?? 1, this.shape[this.dim]);
    this.starts[this.dim] = found.length === 0 ? 0 : found.start;
    this.axes.push({ dim: this.dim++, step: found.step, size: found.length });
  }

  whole(count: number): void {
    for (let i = 0; i < count; i++) this.range({});
  }

  newAxis(): void { this.axes.push({ dim: null, step: 0, size: 1 }); }

  /** A mask over the next dimensions; a single truth value acts on a new axis. */
  mask(mask: Tensor): void {
    const { shape } = mask;
    if (shape.some((size, i) => size !== this.shape[this.dim + i])) {
      fail(this.op, `The shape of the mask ${showShape(shape)} at index ${this.dim} does not ` +
        `match the shape of the indexed tensor ${showShape(this.shape)} at index ${this.dim}`);
    }
    const numbers = trueNumbers(mask);
    const first = this.axes.length;
    if (shape.length === 0) this.newAxis();
    else this.whole(shape.length);
    this.lookup({ numbers, shape: [numbers.length], size: numel(shape) }, first);
  }

  positions(given: Tensor): void {
    const { dim } = this;
    const size = this.shape[dim];
    const numbers = asIntegers(this.op, "index", given).toTypedArray() as Int32Array;
    for (let i = 0; i < numbers.length; i++) numbers[i] = wrapped(this.op, numbers[i], dim, size);
    const first = this.axes.length;
    this.whole(1);
    this.lookup({ numbers, shape: given.shape, size }, first);
  }

  rest(): void { this.whole(this.shape.length - this.dim); }

  private lookup(lookup: Lookup, first: number): void {
    this.lookups.push(lookup);
    for (let i = first; i < this.axes.length; i++) this.looked.push(i);
  }
}

function wrapped(op: string, index: number, dim: number, size: number): number {
  if (index < -size || index >= size) {
    fail(op, `index ${index} is out of bounds for dimension ${dim} with size ${size}`,
      { index, dim, size });
  }
  return index < 0 ? index + size : index;
}

/** Row-major numbers of the elements that are not zero. */
export function trueNumbers(mask: Tensor): Int32Array {
  if (isBatched(mask)) {
    fail("vmap", "We do not support batching operators that can output dynamic shape: how many " +
      "elements there are differs between samples. where(mask, a, b) or maskedFill keep the shape");
  }
  const values = mask.toTypedArray();
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) count++;
  const numbers = new Int32Array(count);
  for (let i = 0, next = 0; i < values.length; i++) if (values[i] !== 0) numbers[next++] = i;
  return numbers;
}

const rangePattern = /^\s*([+-]?\d+)?\s*:\s*([+-]?\d+)?\s*(?::\s*([+-]?\d+)?\s*)?$/;

/** A range from a string such as `"1:3"`, `"::2"` or `":"`. */
function parseRange(op: string, text: string): IndexRange {
  const match = rangePattern.exec(text);
  if (match === null) {
    return fail(op, `${show(text)} is no index: write a range such as "1:3", "::2" or ":", ` +
      "or \"...\" for all dimensions between");
  }
  const [start, stop, step] = match.slice(1).map((part) =>
    part === undefined ? null : Number(part));
  return { start, stop, step };
}

/** An item in the form that is read: arrays become tensors, single positions numbers. */
function normalized(op: string, item: IndexItem): Exclude<IndexItem, NestedIndex> {
  if (Array.isArray(item)) {
    const dtype = isMask(item) ? "bool" : "float64";
    return asLookup(op, tensor(item as Values, { dtype }));
  }
  if (typeof item === "boolean") return tensor(item, { dtype: "bool" });
  if (!(item instanceof Tensor)) return item as Exclude<IndexItem, NestedIndex>;
  return item.ndim === 0 && item.dtype !== "bool" ? item.item() : asLookup(op, item);
}

/** Whether the innermost items of nested arrays are truth values. */
function isMask(item: unknown): boolean {
  return Array.isArray(item) ? item.length > 0 && item.every(isMask) : typeof item === "boolean";
}

function asLookup(op: string, item: Tensor): Tensor {
  return item.dtype === "bool" ? item : asIntegers(op, "index", item);
}

/** Number of dimensions of the tensor that an item uses up. */
function dimsOf(item: IndexItem): number {
  if (item === null || item === "...") return 0;
  return item instanceof Tensor && item.dtype === "bool" ? item.ndim : 1;
}

/**
 * The elements that items select from a tensor of `shape`, by PyTorch's rules: positions are taken
 * first; what is looked up lies where it was if all of it is adjacent, else in front.
 * @throws when an item is none, is out of range, or there are too many
 */
export function select(op: string, shape: Shape, given: readonly IndexItem[]): Selection {
  const items = given.map((item) => normalized(op, item));
  const used = items.reduce<number>((sum, item) => sum + dimsOf(item), 0);
  if (shape.length === 0 && items.length === 1 && used === 1) {
    fail(op, "invalid index of a 0-dim tensor. Use tensor.item() to convert it to a number");
  }
  if (used > shape.length) fail(op, `too many indices for tensor of dimension ${shape.length}`);
  if (items.indexOf("...") !== items.lastIndexOf("...")) {
    fail(op, "an index can only have a single ellipsis (\"...\")");
  }
  const reader = new Reader(op, shape);
  for (const item of items) {
    if (item === null) reader.newAxis();
    else if (item === "...") reader.whole(shape.length - used);
    else if (typeof item === "number") reader.position(item);
    else if (typeof item === "string") reader.range(parseRange(op, item));
    else if (!(item instanceof Tensor)) reader.range(checkRange(op, item));
    else if (item.dtype === "bool") reader.mask(item);
    else reader.positions(item);
  }
  reader.rest();
  return arrange(op, reader);
}

function checkRange(op: string, item: unknown): IndexRange {
  const known = ["start", "stop", "step"];
  if (typeof item === "object" && item !== null &&
    Object.keys(item).every((key) => known.includes(key))) return item;
  return fail(op, "only integers, slices (`:`), ellipsis (`...`), null and tensors are valid " +
    `indices (got ${show(item)})`);
}

function arrange(op: string, { starts, axes, looked, lookups }: Reader): Selection {
  if (lookups.length === 0) {
    return { starts, axes, rows: null, shape: axes.map(({ size }) => size) };
  }
  const adjacent = looked.every((position, i) => position === looked[0] + i);
  const dim = adjacent ? looked[0] : 0;
  const kept = axes.filter((_, i) => !looked.includes(i));
  const { numbers, shape } = combined(op, lookups);
  const sizes = kept.map(({ size }) => size);
  return {
    starts, axes: kept.toSpliced(dim, 0, ...looked.map((i) => axes[i])),
    rows: { numbers, shape, dim, count: looked.length },
    shape: sizes.toSpliced(dim, 0, ...shape),
  };
}

/** Several lookups as one, broadcast to each other and numbered within all their dimensions. */
function combined(op: string, lookups: readonly Lookup[]): Omit<Lookup, "size"> {
  if (lookups.length === 1) return lookups[0];
  const shape = lookups.map((lookup) => lookup.shape).reduce((a, b) => {
    try {
      return broadcastShapes(op, a, b);
    } catch {
      return fail(op, "shape mismatch: indexing tensors could not be broadcast together with " +
        `shapes ${lookups.map((lookup) => showShape(lookup.shape)).join(", ")}`);
    }
  });
  const numbers = new Int32Array(numel(shape));
  const places = allNumbers(numbers.length);
  for (const lookup of lookups) {
    const strides = broadcastStrides(lookup.shape, contiguousStrides(lookup.shape), shape);
    const at = offsetsOf(places, shape, strides);
    for (let i = 0; i < numbers.length; i++) {
      numbers[i] = numbers[i] * lookup.size + lookup.numbers[at[i]];
    }
  }
  return { numbers, shape };
}
