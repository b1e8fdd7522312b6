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

/** One letter for each array's class: kernels are compiled once per combination. */
export function signature(operands: readonly Operand[]): string {
  let letters = "";
  for (const { data } of operands) {
    letters += data instanceof Float32Array ? "f"
      : data instanceof Float64Array ? "d"
      : data instanceof Int32Array ? "i" : "b";
  }
  return letters;
}
