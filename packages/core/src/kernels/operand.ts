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
 * The same loops with fewer dimensions: size 1 is dropped, and neighbours that every operand walks
 * without a gap become one.
 */
export function collapse(shape: Shape, operands: readonly Operand[]): Loops {
  const sizes: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let dim = 0; dim < shape.length; dim++) {
    const size = shape[dim];
    if (size === 1) continue;
    const last = sizes.length - 1;
    const joins = last >= 0 &&
      operands.every((operand, k) => strides[k][last] === operand.strides[dim] * size);
    if (joins) {
      sizes[last] *= size;
      for (let k = 0; k < operands.length; k++) strides[k][last] = operands[k].strides[dim];
    } else {
      sizes.push(size);
      for (let k = 0; k < operands.length; k++) strides[k].push(operands[k].strides[dim]);
    }
  }
  return { shape: sizes, strides };
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
