// Operands of kernels: typed arrays with strides, and the simplification of their common shape.
import type { TypedArray } from "../dtype.ts";
import type { Shape } from "../shape/dims.ts";

/** Memory as a kernel sees it: element `[i, j, …]` at `offset + i * strides[0] + …`. */
export interface Operand {
  readonly data: TypedArray;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A shape with the strides of several operands over it. */
export interface Loops {
  readonly shape: Shape;
  readonly strides: readonly (readonly number[])[];
}

/** Sizes of the loops that `collapse` is finding, and the dimension that each of them ends with. */
const sizes: number[] = [];
const ends: number[] = [];

const none: readonly number[] = [];

/**
 * Loops over `dims` (ascending; by default all) with fewer of them: size 1 is dropped, and
 * neighbours that every operand walks without a gap become one.
 */
export function collapse(
  shape: Shape, operands: readonly Operand[], dims?: readonly number[],
): Loops {
  let loops = 0;
  const count = dims === undefined ? shape.length : dims.length;
  if (count === 0) return nothing(operands.length);
  for (let i = 0; i < count; i++) {
    const dim = dims === undefined ? i : dims[i];
    const size = shape[dim];
    if (size === 1) continue;
    if (loops > 0 && joins(operands, ends[loops - 1], dim, size)) sizes[loops - 1] *= size;
    else sizes[loops++] = size;
    ends[loops - 1] = dim;
  }
  const strides = new Array<readonly number[]>(operands.length);
  for (let k = 0; k < operands.length; k++) strides[k] = stridesAt(operands[k].strides, loops);
  const size = loops === 0 ? none : loops === 1 ? [sizes[0]] : sizes.slice(0, loops);
  return { shape: size, strides };
}

/** No loops over several operands. */
function nothing(operands: number): Loops {
  return noLoops[operands] ??= { shape: none, strides: new Array(operands).fill(none) };
}

const noLoops: Loops[] = [];

/** The steps of loops: those of the dimensions they end with. */
function stridesAt(strides: readonly number[], loops: number): readonly number[] {
  // Written out, because small tensors have no more and a loop takes five times as long.
  if (loops === 0) return none;
  if (loops === 1) return [strides[ends[0]]];
  if (loops === 2) return [strides[ends[0]], strides[ends[1]]];
  return ends.slice(0, loops).map((dim) => strides[dim]);
}

/** Whether every operand reaches the end of dimension `dim` where a loop over `outer` steps. */
function joins(operands: readonly Operand[], outer: number, dim: number, size: number): boolean {
  for (let k = 0; k < operands.length; k++) {
    const { strides } = operands[k];
    if (strides[outer] !== strides[dim] * size) return false;
  }
  return true;
}

/** The letters of the classes of arrays, by `classOf`. */
export const classes = "fdib";

/** The class of an array as a number. */
export function classOf(data: TypedArray): number {
  return data instanceof Float32Array ? 0 : data instanceof Float64Array ? 1
    : data instanceof Int32Array ? 2 : 3;
}

/** One letter for each array's class: kernels are compiled once per combination. */
export function signature(operands: readonly Operand[]): string {
  let letters = "";
  for (const { data } of operands) letters += classes[classOf(data)];
  return letters;
}

/** Whether a kernel for these classes computes in 32-bit integers: the first one, and no float. */
export function computesIntegers(classes: string): boolean {
  return classes.startsWith("i") && !/[fd]/.test(classes);
}
