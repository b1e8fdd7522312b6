// Numerical derivatives: central differences of a function's outputs, element by element or along
// a direction. Inputs are changed in place and put back; nothing is recorded here.
import type { TypedArray } from "../dtype.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Values of all outputs of a function, at the inputs as they are. */
export type Evaluate = () => readonly TypedArray[];

/** Positions of a tensor's elements in its storage, in row-major order. */
function positions({ shape, strides, offset }: Tensor): number[] {
  let found = [offset];
  shape.forEach((size, dim) => {
    found = found.flatMap((start) =>
      Array.from({ length: size }, (_, i) => start + i * strides[dim]));
  });
  return found;
}

/**
 * The derivative of all outputs with respect to each element of `input`: one entry per element,
 * with one array per output.
 */
export function jacobianColumns(
  evaluate: Evaluate, input: Tensor, eps: number,
): readonly (readonly Float64Array[])[] {
  const { data } = input.storage;
  return positions(input).map((position) => {
    const value = data[position];
    try {
      data[position] = value + eps;
      const [above, up] = [evaluate(), data[position]];
      data[position] = value - eps;
      const [below, down] = [evaluate(), data[position]];
      // The step that was really taken: float32 rounds `value ± eps`.
      return quotients(above, below, up - down);
    } finally {
      data[position] = value;
    }
  });
}

/** The derivative of all outputs along a direction of `input`, one number per element. */
export function directionalDerivative(
  evaluate: Evaluate, input: Tensor, direction: Float64Array, eps: number,
): readonly Float64Array[] {
  const { data } = input.storage;
  const where = positions(input);
  const values = where.map((position) => data[position]);
  const move = (step: number): void => where.forEach((position, i) => {
    data[position] = values[i] + step * direction[i];
  });
  try {
    move(eps);
    const above = evaluate();
    move(-eps);
    return quotients(above, evaluate(), 2 * eps);
  } finally {
    where.forEach((position, i) => { data[position] = values[i]; });
  }
}

function quotients(
  above: readonly TypedArray[], below: readonly TypedArray[], step: number,
): Float64Array[] {
  return above.map((values, k) =>
    Float64Array.from(values, (value, i) => (value - below[k][i]) / step));
}
