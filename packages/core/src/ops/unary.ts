// Ops of one input that compute each element by itself, but for trigonometry and rounding.
import { fail } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { constant } from "../expression/expression.ts";
import { anywhere, positive as aboveZero } from "./domain.ts";
import { checkOptions, checkTensor, type Op } from "./op.ts";
import { checkNumber, pointwise } from "./pointwise.ts";
import { booleans, real } from "./sample.ts";

/** An op of one tensor. */
export type Unary = (input: Tensor) => Tensor;

/** Negative of each element. */
export const neg: Op<Unary> = pointwise({
  name: "neg", inputs: ["input"], formula: "-x",
  expression: ({ input }) => input.neg(),
  check: ([input]) => {
    if (input instanceof Tensor && input.dtype === "bool") {
      fail("neg", "Negation, the `-` operator, on a bool tensor is not supported. " +
        "If you are trying to invert a mask, use logicalNot() instead");
    }
  },
  samples: anywhere,
  rejects: [{ args: [booleans([2])], message: "on a bool tensor is not supported" }],
});

/** A copy: the unary plus. */
export const positive: Op<Unary> = pointwise({
  name: "positive", inputs: ["input"], formula: "x",
  expression: ({ input }) => input,
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
  samples: aboveZero,
});

/** One over the square root. */
export const rsqrt: Op<Unary> = pointwise({
  name: "rsqrt", inputs: ["input"], result: "float", formula: "1/√x",
  expression: ({ input }) => input.sqrt().reciprocal(),
  gradients: { input: ({ grad, output }) => grad.mul(-0.5).mul(output.mul(output).mul(output)) },
  samples: aboveZero,
});

/** One over each element. */
export const reciprocal: Op<Unary> = pointwise({
  name: "reciprocal", inputs: ["input"], result: "float", formula: "1/x",
  expression: ({ input }) => input.reciprocal(),
  gradients: { input: ({ grad, output }) => grad.neg().mul(output.mul(output)) },
  samples: aboveZero,
});

/** Exponential function. */
export const exp: Op<Unary> = pointwise({
  name: "exp", inputs: ["input"], result: "float", formula: "eˣ",
  expression: ({ input }) => input.exp(),
  samples: anywhere,
});

/** Two to the power of each element. */
export const exp2: Op<Unary> = pointwise({
  name: "exp2", inputs: ["input"], result: "float", formula: "2ˣ",
  expression: ({ input }) => constant(2).pow(input),
  gradients: { input: ({ grad, output }) => grad.mul(output).mul(Math.LN2) },
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
  samples: aboveZero,
});

/** `log(1 + x)`, exact near 0. */
export const log1p: Op<Unary> = pointwise({
  name: "log1p", inputs: ["input"], result: "float", formula: "ln(1 + x)",
  expression: ({ input }) => input.log1p(),
  samples: aboveZero,
});

/** Logarithm to base 2. */
export const log2: Op<Unary> = pointwise({
  name: "log2", inputs: ["input"], result: "float", formula: "log₂ x",
  expression: ({ input }) => input.log2(),
  samples: aboveZero,
});

/** Logarithm to base 10. */
export const log10: Op<Unary> = pointwise({
  name: "log10", inputs: ["input"], result: "float", formula: "log₁₀ x",
  expression: ({ input }) => input.log10(),
  samples: aboveZero,
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
  expression: ({ input }) => input.lt(0).select(0, input),
  gradients: { input: ({ grad, output }) => output.le(0).select(0, grad) },
  samples: anywhere, kinks: [0],
});

/** Error function. */
export const erf: Op<Unary> = pointwise({
  name: "erf", inputs: ["input"], result: "float", formula: "erf x",
  expression: ({ input }) => input.erf(),
  samples: anywhere,
});

/** `1 - erf(x)`, without cancellation for large `x`. */
export const erfc: Op<Unary> = pointwise({
  name: "erfc", inputs: ["input"], result: "float", formula: "1 - erf x",
  expression: ({ input }) => input.erfc(),
  samples: anywhere,
});

/** Options of `logit`. */
export interface LogitOptions {
  /** Inputs are clamped to `[eps, 1 - eps]`. Default: not clamped, NaN outside `[0, 1]`. */
  readonly eps?: number;
}

/** `log(x / (1 - x))`, the inverse of `sigmoid`. */
export const logit: Op<(input: Tensor, options?: LogitOptions) => Tensor> = pointwise({
  name: "logit", inputs: ["input"], result: "float", scalars: { eps: -Infinity },
  formula: "ln(x/(1 - x))",
  expression: ({ input, eps }) => {
    const p = input.max(eps).min(constant(1).sub(eps));
    return p.div(constant(1).sub(p)).log();
  },
  gradients: {
    input: ({ grad, input, eps }) => input.lt(eps).or(input.gt(constant(1).sub(eps)))
      .select(0, grad.div(input.mul(constant(1).sub(input)))),
  },
  samples: [[real([2, 3], 0.1, 0.9)], [real([4], 0.1, 0.9), { eps: 0.25 }]], kinks: [0.25, 0.75],
});

/** What `nanToNum` writes in place of values that are no finite numbers. */
export interface NanToNumOptions {
  /** In place of NaN. Default 0. */
  readonly nan?: number;
  /** In place of ∞. Default: the largest number of the dtype. */
  readonly posinf?: number;
  /** In place of -∞. Default: the smallest number of the dtype. */
  readonly neginf?: number;
}

/** NaN and infinities replaced by finite numbers; the gradient there is 0. */
export const nanToNum: Op<(input: Tensor, options?: NanToNumOptions) => Tensor> = pointwise({
  name: "nanToNum", inputs: ["input"], scalars: { nan: 0, posinf: Infinity, neginf: -Infinity },
  expression: ({ input, nan, posinf, neginf }) => input.isNaN().select(nan,
    input.eq(Infinity).select(posinf, input.eq(-Infinity).select(neginf, input))),
  call: (apply) => (input: Tensor, options: NanToNumOptions = {}) => {
    checkTensor("nanToNum", "input", input);
    checkOptions("nanToNum", options, ["nan", "posinf", "neginf"]);
    const largest = input.dtype === "float64" ? Number.MAX_VALUE : 2 ** 128 - 2 ** 104;
    const { nan = 0, posinf = largest, neginf = -largest } = options;
    return apply([input], [checkNumber("nanToNum", "nan", nan),
      checkNumber("nanToNum", "posinf", posinf), checkNumber("nanToNum", "neginf", neginf)]);
  },
  samples: [[real([2, 3])], [real([2]), { nan: 1, posinf: 2, neginf: 3 }]],
});
