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

/**
 * Loops over `dims` (ascending; by default all) with fewer of them: size 1 is dropped, and
 * neighbours that every operand walks without a gap become one.
 */
export function collapse(
  shape: Shape, operands: readonly Operand[], dims?: readonly number[],
): Loops {
  const sizes: number[] = [];
  const strides: number[][] = [];
  for (let k = 0; k < operands.length; k++) strides.push([]);
  const count = dims === undefined ? shape.length : dims.length;
  for (let i = 0; i < count; i++) {
    const dim = dims === undefined ? i : dims[i];
    const size = shape[dim];
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && joins(strides, last, operands, dim, size)) {
      sizes[last] *= size;
      for (let k = 0; k < operands.length; k++) strides[k][last] = operands[k].strides[dim];
    } else {
      sizes.push(size);
      for (let k = 0; k < operands.length; k++) strides[k].push(operands[k].strides[dim]);
    }
  }
  return { shape: sizes, strides };
}

/** Whether every operand reaches the end of dimension `dim` where loop `last` takes a step. */
function joins(
  strides: readonly (readonly number[])[], last: number, operands: readonly Operand[],
  dim: number, size: number,
): boolean {
  for (let k = 0; k < operands.length; k++) {
    if (strides[k][last] !== operands[k].strides[dim] * size) return false;
  }
  return true;
}

/**
 * The step between neighbours where an operand over `shape` is walked in one line: 1 without gaps,
 * 0 where it shows one element everywhere; -1 where it is neither.
 */
export function stepOf(shape: Shape, strides: readonly number[]): number {
  let isDense = true;
  let isStill = true;
  let step = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    const size = shape[dim];
    if (size === 1) continue;
    const stride = strides[dim];
    if (stride !== step) isDense = false;
    if (stride !== 0) isStill = false;
    step *= size;
  }
  return isDense ? 1 : isStill ? 0 : -1;
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
