// Arithmetic of two inputs, element by element, with broadcasting.
import type { Tensor } from "../tensor/tensor.ts";
import type { Op } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import { distinct, real } from "./sample.ts";

/** An op of a tensor and a tensor or number. */
export interface Binary<Options = Record<string, never>> {
  (input: Tensor | number, other: Tensor | number, options?: Options): Tensor;
  /** The method form. */
  readonly method: (other: Tensor | number, options?: Options) => Tensor;
}

const pairs = [
  [real([2, 3]), real([2, 3])], [real([3, 1, 2]), real([4, 2])], [real([2, 2]), 1.5],
  [real([]), real([3])], [real([0, 2]), real([2])],
];
const nonzero = [
  [real([2, 3]), real([2, 3], 0.5, 3)], [real([3, 1, 2]), real([4, 2], 0.5, 3)],
  [real([2, 2]), -1.5], [2.5, real([3], 0.5, 3)],
];
const mismatched = [{
  args: [real([3]), real([4])],
  message: "The size of tensor a (3) must match the size of tensor b (4) " +
    "at non-singleton dimension 0",
}];

/** Sum; `alpha` scales the second input. */
export const add: Op<Binary<{
  /** Factor of `other`. Default 1. */
  readonly alpha?: number;
}>> = pointwise({
  name: "add", inputs: ["input", "other"], scalars: { alpha: 1 }, formula: "x + α y",
  expression: ({ input, other, alpha }) => input.add(other.mul(alpha)),
  samples: [...pairs, [real([2, 2]), real([2]), { alpha: -2 }]], rejects: mismatched,
});

/** Product. */
export const mul: Op<Binary> = pointwise({
  name: "mul", inputs: ["input", "other"], formula: "x y",
  expression: ({ input, other }) => input.mul(other),
  samples: pairs, rejects: mismatched,
});

/** Power. The gradient of the exponent is 0 where the base is 0 and the exponent not negative. */
export const pow: Op<Binary> = pointwise({
  name: "pow", inputs: ["input", "other"], formula: "xʸ",
  expression: ({ input, other }) => input.pow(other),
  samples: [
    [real([2, 3], 0.3, 2), real([2, 3])], [real([3, 1], 0.3, 2), real([2])],
    [real([2, 2]), 3], [real([2, 2], 0.5, 2), -1.5], [1.5, real([3])],
  ],
  rejects: mismatched,
});

/** The larger of both; equal ones share the gradient, NaN wins. */
export const maximum: Op<Binary> = pointwise({
  name: "maximum", inputs: ["input", "other"], formula: "max(x, y)",
  expression: ({ input, other }) => input.max(other),
  samples: [[distinct([2, 3]), distinct([2, 3])], [distinct([3, 1]), distinct([2])]],
  rejects: mismatched,
});

void nonzero;
