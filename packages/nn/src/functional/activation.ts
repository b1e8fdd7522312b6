// Activation functions that core does not have.
import type { Tensor } from "@chainrule/core";
import { composite, checkOptions, fail, pointwise, real, show, type Expression,
  type Op,
} from "@chainrule/core/internal";

const anywhere = [[real([2, 3])], [real([4])], [real([])], [real([0, 2])]];

/** Options of `leakyRelu`. */
export interface LeakyReluOptions {
  /** Slope below 0. Default 0.01. */
  readonly negativeSlope?: number;
}

/** `x` above 0, `negativeSlope · x` elsewhere; the slope at 0 is that below. */
export const leakyRelu: Op<(input: Tensor, options?: LeakyReluOptions) => Tensor> = pointwise({
  name: "leakyRelu", inputs: ["input"], scalars: { negativeSlope: 0.01 },
  formula: "x if x > 0 else αx",
  expression: ({ input, negativeSlope }) => input.gt(0).select(input, input.mul(negativeSlope)),
  samples: [...anywhere, [real([2, 3]), { negativeSlope: 0.2 }]], kinks: [0],
  rejects: [{ args: [real([2]), { slope: 1 }], message: "unknown option slope" }],
});

/** Options of `softplus`. */
export interface SoftplusOptions {
  /** Sharpness. Default 1. */
  readonly beta?: number;
  /** Where `βx` is above this, the result is `x` itself. Default 20. */
  readonly threshold?: number;
}

/** `1/(1 + e⁻ˣ)`, written so that its derivative does not cancel on either side. */
function logistic(x: Expression): Expression {
  const growing = x.exp();
  return x.gt(0).select(x.neg().exp().add(1).reciprocal(), growing.div(growing.add(1)));
}

/** `log(1 + exp(βx)) / β`, a smooth `relu`. */
export const softplus: Op<(input: Tensor, options?: SoftplusOptions) => Tensor> = pointwise({
  name: "softplus", inputs: ["input"], scalars: { beta: 1, threshold: 20 }, result: "float",
  formula: "ln(1 + exp(βx)) / β",
  expression: ({ input, beta, threshold }) => {
    const scaled = input.mul(beta);
    return scaled.gt(threshold).select(input, scaled.exp().log1p().div(beta));
  },
  gradients: {
    input: ({ grad, input, beta, threshold }) => {
      const scaled = input.mul(beta);
      return scaled.gt(threshold).select(grad, grad.mul(logistic(scaled)));
    },
  },
  samples: [...anywhere, [real([2, 3]), { beta: 2 }], [real([5], 3, 6), { threshold: 1 }]],
});

/** `x Φ(x)`, Φ being the normal distribution function. */
export const exactGelu: Op<(input: Tensor) => Tensor> = pointwise({
  name: "gelu", inputs: ["input"], result: "float",
  expression: ({ input }) => input.mul(input.mul(-Math.SQRT1_2).erfc()).mul(0.5),
  samples: anywhere,
});

/** `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`. */
export const tanhGelu: Op<(input: Tensor) => Tensor> = pointwise({
  name: "gelu", inputs: ["input"], result: "float",
  expression: ({ input }) => {
    const cube = input.mul(input).mul(input);
    const inner = input.add(cube.mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return input.mul(inner.tanh().add(1)).mul(0.5);
  },
  samples: anywhere,
});

/** Options of `gelu`. */
export interface GeluOptions {
  /** `"tanh"` computes the approximation by a hyperbolic tangent. Default `"none"`. */
  readonly approximate?: "none" | "tanh";
}

/**
 * Checks how `gelu` is to be computed.
 * @throws when `approximate` is neither `"none"` nor `"tanh"`
 */
export function checkApproximate(op: string, approximate: unknown): "none" | "tanh" {
  if (approximate === "none" || approximate === "tanh") return approximate;
  return fail(op, `approximate argument must be either none or tanh, got ${show(approximate)}`);
}

/**
 * Gaussian error linear unit, `x Φ(x)`.
 * @throws when `approximate` is neither `"none"` nor `"tanh"`
 * @see https://arxiv.org/abs/1606.08415
 */
export const gelu: Op<(input: Tensor, options?: GeluOptions) => Tensor> = composite({
  name: "gelu",
  call(input: Tensor, options?: GeluOptions) {
    checkOptions("gelu", options, ["approximate"]);
    const { approximate = "none" } = options ?? {};
    checkApproximate("gelu", approximate);
    return approximate === "tanh" ? tanhGelu(input) : exactGelu(input);
  },
  samples: [...anywhere, [real([2, 3]), { approximate: "tanh" }]],
  rejects: [{ args: [real([2]), { approximate: "erf" }], message: "must be either none or tanh" }],
});
