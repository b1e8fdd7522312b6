// Activation functions as layers. All keep the shape of their input.
import { logSoftmax, relu, sigmoid, softmax, tanh, type Tensor } from "@chainrule/core";
import { checkNumber, checkOptions, fail, show } from "@chainrule/core/internal";
import {
  checkApproximate, gelu, leakyRelu, softplus, type GeluOptions, type SoftplusOptions,
} from "../functional/activation.ts";
import { Module } from "../module.ts";
import { settings } from "../representation.ts";

/**
 * `max(x, 0)`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html
 */
export class ReLU extends Module {
  /** `max(x, 0)` of each element. */
  forward(input: Tensor): Tensor { return relu(input); }
}

/**
 * `x` above 0, `negativeSlope · x` below.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html
 */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  constructor(negativeSlope = 0.01) {
    super();
    this.negativeSlope = checkNumber("LeakyReLU", "negativeSlope", negativeSlope);
  }

  /** `leakyRelu` of each element. */
  forward(input: Tensor): Tensor {
    return leakyRelu(input, { negativeSlope: this.negativeSlope });
  }

  override extraRepr(): string { return settings({ negativeSlope: this.negativeSlope }); }
}

/**
 * Logistic function, `1/(1 + e⁻ˣ)`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html
 */
export class Sigmoid extends Module {
  /** `sigmoid` of each element. */
  forward(input: Tensor): Tensor { return sigmoid(input); }
}

/**
 * Hyperbolic tangent.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Tanh.html
 */
export class Tanh extends Module {
  /** `tanh` of each element. */
  forward(input: Tensor): Tensor { return tanh(input); }
}

/** The dimension of a softmax: it has to be chosen. */
function checkDim(layer: string, dim: unknown): number {
  if (!Number.isInteger(dim)) {
    fail(layer, `needs the dimension whose elements sum to 1, as in new ${layer}(1); got ` +
      show(dim));
  }
  return dim as number;
}

/**
 * Exponentials divided by their sum along `dim`.
 * @throws when `dim` is missing
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softmax.html
 */
export class Softmax extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = checkDim("Softmax", dim);
  }

  /** Positive numbers that sum to 1 along `dim`. */
  forward(input: Tensor): Tensor { return softmax(input, this.dim); }

  override extraRepr(): string { return settings({ dim: this.dim }); }
}

/**
 * Logarithm of the softmax along `dim`.
 * @throws when `dim` is missing
 * @see https://pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html
 */
export class LogSoftmax extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = checkDim("LogSoftmax", dim);
  }

  /** Logarithms of numbers that sum to 1 along `dim`. */
  forward(input: Tensor): Tensor { return logSoftmax(input, this.dim); }

  override extraRepr(): string { return settings({ dim: this.dim }); }
}

/**
 * Gaussian error linear unit, `x Φ(x)`.
 * @see https://arxiv.org/abs/1606.08415
 */
export class GELU extends Module {
  readonly approximate: "none" | "tanh";

  constructor(options?: GeluOptions) {
    super();
    checkOptions("GELU", options, ["approximate"]);
    this.approximate = checkApproximate("GELU", options?.approximate ?? "none");
  }

  /** `gelu` of each element. */
  forward(input: Tensor): Tensor { return gelu(input, { approximate: this.approximate }); }

  override extraRepr(): string { return settings({ approximate: this.approximate }); }
}

/**
 * `log(1 + exp(βx)) / β`, a smooth `ReLU`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Softplus.html
 */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor(options?: SoftplusOptions) {
    super();
    checkOptions("Softplus", options, ["beta", "threshold"]);
    this.beta = checkNumber("Softplus", "beta", options?.beta ?? 1);
    this.threshold = checkNumber("Softplus", "threshold", options?.threshold ?? 20);
  }

  /** `softplus` of each element. */
  forward(input: Tensor): Tensor {
    return softplus(input, { beta: this.beta, threshold: this.threshold });
  }

  override extraRepr(): string {
    return settings({ beta: this.beta, threshold: this.threshold });
  }
}
