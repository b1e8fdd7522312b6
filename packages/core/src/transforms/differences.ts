// Numerical derivatives: central differences of a function's outputs, element by element or along
// a direction, once or extrapolated. Inputs are changed in place and put back; nothing is recorded.
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

/** A step, and whether derivatives are extrapolated from it and its halves. */
export interface Step {
  readonly eps: number;
  readonly isExtrapolated: boolean;
}

/** The derivative of all outputs, one array each. */
export interface Derivative {
  readonly values: readonly Float64Array[];
  /** The same from steps half as long, which tells how far off the values may be. */
  readonly finer: readonly Float64Array[];
  /** What rounding the outputs to float32 may do to the values; zeros without extrapolation. */
  readonly noise: readonly Float64Array[];
}

/** The derivative with respect to each element of `input`. */
export function jacobianColumns(
  evaluate: Evaluate, input: Tensor, step: Step,
): readonly Derivative[] {
  const { data } = input.storage;
  return positions(input).map((position) => {
    const value = data[position];
    try {
      return derivative(step, (eps) => {
        data[position] = value + eps;
        const [above, up] = [evaluate(), data[position]];
        data[position] = value - eps;
        const [below, down] = [evaluate(), data[position]];
        // The step that was really taken: float32 rounds `value ± eps`.
        return [above, below, up - down];
      });
    } finally {
      data[position] = value;
    }
  });
}

/** The derivative along a direction of `input`. */
export function directionalDerivative(
  evaluate: Evaluate, input: Tensor, direction: Float64Array, step: Step,
): Derivative {
  const { data } = input.storage;
  const where = positions(input);
  const values = where.map((position) => data[position]);
  const move = (amount: number): void => where.forEach((position, i) => {
    data[position] = values[i] + amount * direction[i];
  });
  try {
    return derivative(step, (eps) => {
      move(eps);
      const above = evaluate();
      move(-eps);
      return [above, evaluate(), 2 * eps];
    });
  } finally {
    where.forEach((position, i) => { data[position] = values[i]; });
  }
}

/**
 * A central difference; or Richardson's extrapolation of two to step 0, which cancels the term in
 * `eps²`, and that of steps half as long.
 */
function derivative(
  { eps, isExtrapolated }: Step, evaluate: (eps: number) => Sides,
): Derivative {
  const [above, below, step] = evaluate(eps);
  const whole = quotients(above, below, step);
  if (!isExtrapolated) {
    const none = whole.map(({ length }) => new Float64Array(length));
    return { values: whole, finer: whole, noise: none };
  }
  const [half, quarter] = [quotients(...evaluate(eps / 2)), quotients(...evaluate(eps / 4))];
  const limit = (long: readonly Float64Array[], short: readonly Float64Array[]) =>
    short.map((values, k) => values.map((value, i) => (4 * value - long[k][i]) / 3));
  // half an ulp, 2⁻²⁴, on each side of a step of eps / 2, times 4/3, and a third of that of eps
  const noise = above.map((values) => Float64Array.from(values, (value) =>
    1.5 * 2 ** -23 * Math.abs(value) / eps));
  return { values: limit(whole, half), finer: limit(half, quarter), noise };
}

/** The outputs on both sides of a point, and the distance between these. */
type Sides = readonly [
  above: readonly TypedArray[], below: readonly TypedArray[], step: number,
];

function quotients(...[above, below, step]: Sides): Float64Array[] {
  return above.map((values, k) =>
    Float64Array.from(values, (value, i) => (value - below[k][i]) / step));
}
