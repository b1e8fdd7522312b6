// Ops of one input that compute each element by itself.
import type { Tensor } from "../tensor/tensor.ts";
import type { Op } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import { real } from "./sample.ts";

/** An op of one tensor. */
export type Unary = (input: Tensor) => Tensor;

const anywhere = [[real([2, 3])], [real([4])], [real([])], [real([0, 2])]];
const positive = [[real([2, 3], 0.2, 3)], [real([4], 0.5, 20)], [real([], 0.2, 3)]];
const inside = [[real([2, 3], -0.9, 0.9)], [real([4], -0.5, 0.5)], [real([], -0.9, 0.9)]];

/** Negative of each element. */
export const neg: Op<Unary> = pointwise({
  name: "neg", inputs: ["input"], formula: "-x",
  expression: ({ input }) => input.neg(),
  samples: anywhere,
});

/** Absolute value; its gradient at 0 is 0. */
export const abs: Op<Unary> = pointwise({
  name: "abs", inputs: ["input"], formula: "|x|",
  expression: ({ input }) => input.abs(),
  samples: anywhere, kinks: [0],
});

/** Sign: -1, 0 or 1; 0 for NaN. */
export const sign: Op<Unary> = pointwise({
  name: "sign", inputs: ["input"], formula: "sign x",
  expression: ({ input }) => input.sign(),
  samples: anywhere, kinks: [0],
});

/** Square of each element. */
export const square: Op<Unary> = pointwise({
  name: "square", inputs: ["input"], formula: "x²",
  expression: ({ input }) => input.square(),
  samples: anywhere,
});

/** Square root; NaN below 0. */
export const sqrt: Op<Unary> = pointwise({
  name: "sqrt", inputs: ["input"], result: "float", formula: "√x",
  expression: ({ input }) => input.sqrt(),
  samples: positive,
});

/** One over the square root. */
export const rsqrt: Op<Unary> = pointwise({
  name: "rsqrt", inputs: ["input"], result: "float", formula: "1/√x",
  expression: ({ input }) => input.sqrt().reciprocal(),
  gradients: { input: ({ grad, output }) => grad.mul(-0.5).mul(output.mul(output).mul(output)) },
  samples: positive,
});

/** One over each element. */
export const reciprocal: Op<Unary> = pointwise({
  name: "reciprocal", inputs: ["input"], result: "float", formula: "1/x",
  expression: ({ input }) => input.reciprocal(),
  gradients: { input: ({ grad, output }) => grad.neg().mul(output.mul(output)) },
  samples: positive,
});

/** Exponential function. */
export const exp: Op<Unary> = pointwise({
  name: "exp", inputs: ["input"], result: "float", formula: "eˣ",
  expression: ({ input }) => input.exp(),
  samples: anywhere,
});

/** `exp(x) - 1`, exact near 0. */
export const expm1: Op<Unary> = pointwise({
  name: "expm1", inputs: ["input"], result: "float", formula: "eˣ - 1",
  expression: ({ input }) => input.expm1(),
  samples: anywhere,
});

/** Natural logarithm; -∞ at 0, NaN below. */
export const log: Op<Unary> = pointwise({
  name: "log", inputs: ["input"], result: "float", formula: "ln x",
  expression: ({ input }) => input.log(),
  samples: positive,
});

/** `log(1 + x)`, exact near 0. */
export const log1p: Op<Unary> = pointwise({
  name: "log1p", inputs: ["input"], result: "float", formula: "ln(1 + x)",
  expression: ({ input }) => input.log1p(),
  samples: positive,
});

/** Logarithm to base 2. */
export const log2: Op<Unary> = pointwise({
  name: "log2", inputs: ["input"], result: "float", formula: "log₂ x",
  expression: ({ input }) => input.log2(),
  samples: positive,
});

/** Logarithm to base 10. */
export const log10: Op<Unary> = pointwise({
  name: "log10", inputs: ["input"], result: "float", formula: "log₁₀ x",
  expression: ({ input }) => input.log10(),
  samples: positive,
});

/** Sine of an angle in radians. */
export const sin: Op<Unary> = pointwise({
  name: "sin", inputs: ["input"], result: "float", formula: "sin x",
  expression: ({ input }) => input.sin(),
  samples: anywhere,
});

/** Cosine of an angle in radians. */
export const cos: Op<Unary> = pointwise({
  name: "cos", inputs: ["input"], result: "float", formula: "cos x",
  expression: ({ input }) => input.cos(),
  samples: anywhere,
});

/** Hyperbolic tangent. */
export const tanh: Op<Unary> = pointwise({
  name: "tanh", inputs: ["input"], result: "float", formula: "tanh x",
  expression: ({ input }) => input.tanh(),
  samples: anywhere,
});

/** Logistic function; saturates at 0 and 1 without overflow. */
export const sigmoid: Op<Unary> = pointwise({
  name: "sigmoid", inputs: ["input"], result: "float", formula: "1/(1 + e⁻ˣ)",
  expression: ({ input }) => input.neg().exp().add(1).reciprocal(),
  gradients: {
    input: ({ grad, output }) => grad.mul(output.mul(output.neg().add(1))),
  },
  samples: anywhere,
});

/** `max(x, 0)`; its gradient at 0 is 0. */
export const relu: Op<Unary> = pointwise({
  name: "relu", inputs: ["input"], formula: "max(x, 0)",
  expression: ({ input }) => input.le(0).select(0, input),
  gradients: { input: ({ grad, output }) => output.le(0).select(0, grad) },
  samples: anywhere, kinks: [0],
});

/** Error function. */
export const erf: Op<Unary> = pointwise({
  name: "erf", inputs: ["input"], result: "float", formula: "erf x",
  expression: ({ input }) => input.erf(),
  samples: anywhere,
});

/** Largest whole number that is not larger. */
export const floor: Op<Unary> = pointwise({
  name: "floor", inputs: ["input"], formula: "⌊x⌋",
  expression: ({ input }) => input.floor(),
  samples: anywhere, kinks: [-2, -1, 0, 1, 2],
});

/** Inverse sine; NaN outside `[-1, 1]`. */
export const asin: Op<Unary> = pointwise({
  name: "asin", inputs: ["input"], result: "float", formula: "asin x",
  expression: ({ input }) => input.asin(),
  samples: inside,
});
