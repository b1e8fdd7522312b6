// Losses as modules: the options are given once, class weights are buffers.
import type { Tensor } from "@chainrule/core";
import { checkOptions } from "@chainrule/core/internal";
import { Buffer } from "../buffer.ts";
import {
  binaryCrossEntropy, binaryCrossEntropyWithLogits, type BinaryCrossEntropyOptions,
  type LogitLossOptions,
} from "../functional/binary-cross-entropy.ts";
import { crossEntropy, nllLoss } from "../functional/cross-entropy.ts";
import type { ClassLossOptions, SmoothedLossOptions } from "../functional/likelihood.ts";
import { checkReduction, type LossOptions, type Reduction } from "../functional/reduction.ts";
import {
  gaussianNllLoss, l1Loss, mseLoss, type GaussianNllLossOptions,
} from "../functional/regression-loss.ts";
import { Module } from "../module.ts";

/** What all losses have: how the losses of elements are put together. */
export abstract class Loss extends Module {
  readonly reduction: Reduction;

  constructor(name: string, options: LossOptions | undefined, known: readonly string[]) {
    super();
    checkOptions(name, options, [...known, "reduction"]);
    this.reduction = checkReduction(name, options?.reduction);
  }
}

/** A tensor of factors as a buffer, if there is one. */
function factor(tensor: Tensor | null | undefined): Buffer | null {
  return tensor === null || tensor === undefined ? null : new Buffer(tensor);
}

/**
 * Squared error between two tensors of one shape.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.MSELoss.html
 */
export class MSELoss extends Loss {
  constructor(options?: LossOptions) { super("MSELoss", options, []); }

  /** The loss of `input` against `target`. */
  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/**
 * Absolute error between two tensors of one shape.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.L1Loss.html
 */
export class L1Loss extends Loss {
  constructor(options?: LossOptions) { super("L1Loss", options, []); }

  /** The loss of `input` against `target`. */
  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}

/**
 * Cross entropy of scores against classes or probabilities.
 *
 * Shape: scores `[N, C, d…]`, classes `[N, d…]` or probabilities `[N, C, d…]`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html
 */
export class CrossEntropyLoss extends Loss {
  weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor(options?: SmoothedLossOptions) {
    super("CrossEntropyLoss", options, ["weight", "ignoreIndex", "labelSmoothing"]);
    this.weight = factor(options?.weight);
    this.ignoreIndex = options?.ignoreIndex ?? -100;
    this.labelSmoothing = options?.labelSmoothing ?? 0;
  }

  /** The loss of scores against targets. */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, labelSmoothing, reduction } = this;
    return crossEntropy(input, target, { weight, ignoreIndex, labelSmoothing, reduction });
  }
}

/**
 * Negative log-likelihood of classes, given log-probabilities.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html
 */
export class NLLLoss extends Loss {
  weight: Tensor | null;
  readonly ignoreIndex: number;

  constructor(options?: ClassLossOptions) {
    super("NLLLoss", options, ["weight", "ignoreIndex"]);
    this.weight = factor(options?.weight);
    this.ignoreIndex = options?.ignoreIndex ?? -100;
  }

  /** The loss of log-probabilities against classes. */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nllLoss(input, target, { weight, ignoreIndex, reduction });
  }
}

/**
 * Cross entropy of probabilities of yes-or-no decisions.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCELoss.html
 */
export class BCELoss extends Loss {
  weight: Tensor | null;

  constructor(options?: BinaryCrossEntropyOptions) {
    super("BCELoss", options, ["weight"]);
    this.weight = factor(options?.weight);
  }

  /** The loss of probabilities against targets. */
  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/**
 * Cross entropy of scores of yes-or-no decisions, without overflow.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export class BCEWithLogitsLoss extends Loss {
  weight: Tensor | null;
  posWeight: Tensor | null;

  constructor(options?: LogitLossOptions) {
    super("BCEWithLogitsLoss", options, ["weight", "posWeight"]);
    this.weight = factor(options?.weight);
    this.posWeight = factor(options?.posWeight);
  }

  /** The loss of scores against targets. */
  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

/**
 * Negative log-likelihood under normal distributions with given variances.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.GaussianNLLLoss.html
 */
export class GaussianNLLLoss extends Loss {
  readonly full: boolean;
  readonly eps: number;

  constructor(options?: GaussianNllLossOptions) {
    super("GaussianNLLLoss", options, ["full", "eps"]);
    this.full = options?.full ?? false;
    this.eps = options?.eps ?? 1e-6;
  }

  /** The loss of means against targets, given variances. */
  forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { full, eps, reduction } = this;
    return gaussianNllLoss(input, target, variance, { full, eps, reduction });
  }
}
