// Shapes and dimension numbers: counting, normalising, showing.
import { fail, show } from "../errors.ts";

/** Sizes of a tensor's dimensions, outermost first. */
export type Shape = readonly number[];

/** Number of elements of a tensor of this shape; 1 for a scalar. */
export function numel(shape: Shape): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i];
  return count;
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A shape as messages show it: `[2, 3]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/**
 * Checks that sizes given by a user are whole and not negative.
 * @throws when one is not, naming `op`
 */
export function checkShape(op: string, shape: unknown): Shape {
  if (!Array.isArray(shape)) fail(op, `a shape is an array of sizes, got ${show(shape)}`);
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      fail(op, `sizes must be whole numbers ≥ 0, got shape ${show(shape)}`, { shape });
    }
  }
  return shape.slice();
}

/**
 * Dimension number in `[0, rank)` from one in `[-rank, rank)`; scalars accept 0 and -1.
 * @throws when it is out of range
 */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const size = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -size || dim >= size) {
    fail(op, "Dimension out of range (expected to be in range of " +
      `[${-size}, ${size - 1}], but got ${show(dim)})`, { dim, rank });
  }
  return dim < 0 ? dim + size : dim;
}

/** One dimension, several, or (`undefined`, `null`) all of them. */
export type Dims = number | readonly number[] | null | undefined;

/**
 * Sorted dimension numbers from what a user gave.
 * @throws when one is out of range or appears twice
 */
export function normalizeDims(op: string, dims: Dims, rank: number): readonly number[] {
  if (dims === undefined || dims === null) return allDims(rank);
  if (typeof dims === "number") {
    const dim = normalizeDim(op, dims, rank);
    return rank === 0 ? [] : [dim];
  }
  if (!Array.isArray(dims)) fail(op, `dim must be a number or an array, got ${show(dims)}`);
  if (dims.length === 0) {
    fail(op, "an empty list of dims is ambiguous: leave dim out to reduce all, or name the dims");
  }
  const seen = dims.map((dim: number) => normalizeDim(op, dim, rank)).sort((a, b) => a - b);
  for (let i = 1; i < seen.length; i++) {
    if (seen[i] === seen[i - 1]) {
      fail(op, `dim ${seen[i]} appears multiple times in the list of dims`, { dims });
    }
  }
  return rank === 0 ? [] : seen;
}

/** `[0, 1, …, rank - 1]`. */
export function allDims(rank: number): readonly number[] {
  if (rank === 1) return [0]; // literals: arrays that grow take five times the memory
  if (rank === 2) return [0, 1];
  const dims: number[] = [];
  for (let i = 0; i < rank; i++) dims.push(i);
  return dims;
}

/** The shape that is left when `dims` (sorted) are reduced. */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): Shape {
  if (dims.length === shape.length && !keepdim) return [];
  if (dims.length === 1 && shape.length === 2) { // literals: see `allDims`
    const kept = shape[1 - dims[0]];
    return !keepdim ? [kept] : dims[0] === 0 ? [1, kept] : [kept, 1];
  }
  const result: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    if (!dims.includes(i)) result.push(shape[i]);
    else if (keepdim) result.push(1);
  }
  return result;
}
