// Losses of yes-or-no decisions, from probabilities and from logits.
import type { Tensor } from "@chainrule/core";
import { broadcastShapes, checkOptions, checkTensor, composite, fail, pairLoss, pointwise, real,
  sameShape, showShape, type Expression, type Op, type PairLoss, type Shape,
} from "@chainrule/core/internal";
import { holdsEverywhere } from "./holds.ts";
import {
  checkReduction, checkSameShape, reduced, together, type LossOptions,
} from "./reduction.ts";

/** Options of `binaryCrossEntropy`. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** A factor for each element, broadcast over the input. */
  readonly weight?: Tensor | null;
}

/** Options of `binaryCrossEntropyWithLogits`. */
export interface LogitLossOptions extends BinaryCrossEntropyOptions {
  /** A factor for the positive part of each element, broadcast over the input. */
  readonly posWeight?: Tensor | null;
}

/** Checks a tensor of factors: it must broadcast to the input without enlarging it. */
function checkFactor(op: string, name: string, factor: Tensor | null, input: Shape): void {
  if (factor === null) return;
  checkTensor(op, name, factor);
  if (!sameShape(broadcastShapes(op, factor.shape, input), input)) {
    fail(op, `${name} of shape ${showShape(factor.shape)} does not broadcast to ` +
      showShape(input));
  }
}

/** Bound of the denominator `p (1−p)` of the gradient: a float32 constant in PyTorch too. */
const smallest = Math.fround(1e-12);

/** `−(t ln p + (1−t) ln(1−p))`, logarithms not below −100. */
function binaryLoss(input: Expression, target: Expression): Expression {
  return target.mul(input.log().max(-100))
    .add(target.neg().add(1).mul(input.neg().log1p().max(-100))).neg();
}

/** The derivative of `binaryLoss`. */
function binarySlope(input: Expression, target: Expression): Expression {
  return input.sub(target).div(input.mul(input.neg().add(1)).max(smallest));
}

/** `−w (t ln p + (1−t) ln(1−p))`, logarithms not below −100. */
export const binaryTerm: Op<(input: Tensor, target: Tensor, weight: Tensor | number) => Tensor> =
  pointwise({
    name: "binaryCrossEntropy", inputs: ["input", "target", "weight"], result: "float",
    formula: "-w (t ln p + (1 - t) ln(1 - p))",
    expression: ({ input, target, weight }) => binaryLoss(input, target).mul(weight),
    gradients: {
      input: ({ grad, input, target, weight }) => grad.mul(weight).mul(binarySlope(input, target)),
    },
    samples: [
      [real([2, 3], 0.1, 0.9), real([2, 3], 0, 1), 1],
      [real([2, 3], 0.1, 0.9), real([2, 3], 0, 1), real([3])],
    ],
  });

/** Mean or sum of `binaryTerm` without weights. */
export const wholeBinary: Op<PairLoss> = pairLoss({
  name: "binaryCrossEntropy", expression: ({ input, target }) => binaryLoss(input, target),
  gradients: { input: ({ grad, input, target }) => grad.mul(binarySlope(input, target)) },
  samples: [[real([2, 3], 0.1, 0.9), real([2, 3], 0, 1), "mean"],
    [real([3], 0.1, 0.9), real([3], 0, 1), "sum"]],
});

/**
 * Cross entropy of probabilities against targets, `−(t ln p + (1−t) ln(1−p))`; logarithms are not
 * taken below −100, so that the loss stays finite.
 * @throws when shapes differ or an input lies outside `[0, 1]`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html
 */
export const binaryCrossEntropy:
Op<(input: Tensor, target: Tensor, options?: BinaryCrossEntropyOptions) => Tensor> = composite({
  name: "binaryCrossEntropy",
  call(input: Tensor, target: Tensor, options?: BinaryCrossEntropyOptions) {
    checkTensor("binaryCrossEntropy", "input", input);
    checkTensor("binaryCrossEntropy", "target", target);
    checkOptions("binaryCrossEntropy", options, ["weight", "reduction"]);
    const reduction = checkReduction("binaryCrossEntropy", options?.reduction);
    checkSameShape("binaryCrossEntropy", input, target);
    const { weight = null } = options ?? {};
    checkFactor("binaryCrossEntropy", "weight", weight, input.shape);
    if (!holdsEverywhere(input, (value) => value >= 0 && value <= 1)) {
      fail("binaryCrossEntropy", "all elements of input should be between 0 and 1; for scores " +
        "there is binaryCrossEntropyWithLogits");
    }
    return weight !== null ? reduced(binaryTerm(input, target, weight), reduction)
      : together((p, t) => binaryTerm(p, t, 1), wholeBinary, input, target, reduction);
  },
  samples: [
    [real([2, 3], 0.1, 0.9), real([2, 3], 0, 1)],
    [real([4], 0.1, 0.9), real([4], 0, 1), { reduction: "sum" }],
    [real([4], 0.1, 0.9), real([4], 0, 1), { reduction: "none" }],
    [real([2, 3], 0.1, 0.9), real([2, 3], 0, 1), { weight: real([3]) }],
  ],
  rejects: [
    { args: [real([3], 1.5, 2), real([3], 0, 1)],
      message: "all elements of input should be between 0 and 1" },
    { args: [real([4, 1], 0, 1), real([4], 0, 1)],
      message: "Target size must be the same as input size" },
  ],
});

/** `ln(1 + e⁻ˣ)` without overflow. */
function softplusOfNegative(input: Expression): Expression {
  return input.abs().neg().exp().log1p().add(input.neg().max(0));
}

/** `1 / (1 + eˣ)`. */
function logisticOfNegative(input: Expression): Expression {
  return input.exp().add(1).reciprocal();
}

/** `w ((1−t) x + (1 + (v−1) t) softplus(−x))`, v being the weight of positives. */
export const logitTerm: Op<(input: Tensor, target: Tensor, weight: Tensor | number,
  posWeight: Tensor | number) => Tensor> = pointwise({
  name: "binaryCrossEntropyWithLogits", inputs: ["input", "target", "weight", "posWeight"],
  result: "float", formula: "w ((1 - t) x + (1 + (v - 1) t) ln(1 + e⁻ˣ))",
  expression: ({ input, target, weight, posWeight }) => target.neg().add(1).mul(input)
    .add(posWeight.sub(1).mul(target).add(1).mul(softplusOfNegative(input))).mul(weight),
  gradients: {
    input: ({ grad, input, target, weight, posWeight }) => {
      const slope = logisticOfNegative(input).mul(posWeight.sub(1).mul(target).add(1));
      return grad.mul(weight).mul(target.neg().add(1).sub(slope));
    },
  },
  samples: [
    [real([2, 3]), real([2, 3], 0, 1), 1, 1],
    [real([2, 3]), real([2, 3], 0, 1), real([3]), real([2, 1], 0.5, 2)],
  ],
});

/** Mean or sum of `logitTerm` without weights. */
export const wholeLogit: Op<PairLoss> = pairLoss({
  name: "binaryCrossEntropyWithLogits",
  expression: ({ input, target }) =>
    target.neg().add(1).mul(input).add(softplusOfNegative(input)),
  gradients: {
    input: ({ grad, input, target }) =>
      grad.mul(target.neg().add(1).sub(logisticOfNegative(input))),
  },
  samples: [[real([2, 3]), real([2, 3], 0, 1), "mean"], [real([3]), real([3], 0, 1), "sum"]],
});

/**
 * Cross entropy of the logistic function of scores against targets, without overflow; a mean
 * divides by the number of elements, whatever the weights.
 * @throws when shapes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html
 */
export const binaryCrossEntropyWithLogits:
Op<(input: Tensor, target: Tensor, options?: LogitLossOptions) => Tensor> = composite({
  name: "binaryCrossEntropyWithLogits",
  call(input: Tensor, target: Tensor, options?: LogitLossOptions) {
    const op = "binaryCrossEntropyWithLogits";
    checkTensor(op, "input", input);
    checkTensor(op, "target", target);
    checkOptions(op, options, ["weight", "posWeight", "reduction"]);
    const reduction = checkReduction(op, options?.reduction);
    checkSameShape(op, input, target);
    const { weight = null, posWeight = null } = options ?? {};
    checkFactor(op, "weight", weight, input.shape);
    checkFactor(op, "posWeight", posWeight, input.shape);
    if (weight !== null || posWeight !== null) {
      return reduced(logitTerm(input, target, weight ?? 1, posWeight ?? 1), reduction);
    }
    return together((x, t) => logitTerm(x, t, 1, 1), wholeLogit, input, target, reduction);
  },
  samples: [
    [real([2, 3]), real([2, 3], 0, 1)], [real([4]), real([4], 0, 1), { reduction: "sum" }],
    [real([4]), real([4], 0, 1), { reduction: "none" }],
    [real([2, 3]), real([2, 3], 0, 1), { weight: real([2, 1]), posWeight: real([3], 0.5, 2) }],
  ],
  rejects: [{ args: [real([4, 1]), real([4])],
    message: "Target size must be the same as input size" }],
});
