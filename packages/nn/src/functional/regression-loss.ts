// Losses that compare numbers: squared, absolute, and Gaussian with a variance.
import type { Tensor } from "@chainrule/core";
import { checkNumber, checkOptions, checkTensor, composite, fail, pairLoss, pointwise, real,
  sameShape, show, showShape, type Op, type PairLoss,
} from "@chainrule/core/internal";
import { holdsEverywhere } from "./holds.ts";
import {
  checkReduction, checkSameShape, reduced, together, type LossOptions,
} from "./reduction.ts";

/** A loss of an input and a target of the same shape. */
export type ElementwiseLoss<Options = LossOptions> =
  (input: Tensor, target: Tensor, options?: Options) => Tensor;

const pairs = [
  [real([2, 3]), real([2, 3])], [real([]), real([])], [real([4]), real([4]), { reduction: "sum" }],
  [real([2, 3]), real([2, 3]), { reduction: "none" }],
];
const rejects = [
  { args: [real([4, 1]), real([4])],
    message: "Using a target size ([4]) that is different to the input size ([4, 1])" },
  { args: [real([2]), real([2]), { reduction: "avg" }],
    message: "avg is not a valid value for reduction" },
];

/** Checks what the losses of this file share; gives the reduction. */
function check(op: string, input: Tensor, target: Tensor, options: LossOptions | undefined) {
  checkTensor(op, "input", input);
  checkTensor(op, "target", target);
  checkSameShape(op, input, target);
  return checkReduction(op, options?.reduction);
}

/** `(x − t)²`. */
export const squaredError: Op<(input: Tensor, target: Tensor) => Tensor> = pointwise({
  name: "mseLoss", inputs: ["input", "target"], formula: "(x - t)²",
  expression: ({ input, target }) => input.sub(target).square(),
  samples: [[real([2, 3]), real([2, 3])]],
});

/** Mean or sum of `(x − t)²`. */
export const wholeSquaredError: Op<PairLoss> = pairLoss({
  name: "mseLoss", expression: ({ input, target }) => input.sub(target).square(),
  samples: [[real([2, 3]), real([2, 3]), "mean"], [real([]), real([]), "sum"]],
});

/**
 * Squared error, `(x − t)²`.
 * @throws when the shapes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html
 */
export const mseLoss: Op<ElementwiseLoss> = composite({
  name: "mseLoss",
  call(input: Tensor, target: Tensor, options?: LossOptions) {
    checkOptions("mseLoss", options, ["reduction"]);
    const reduction = check("mseLoss", input, target, options);
    return together(squaredError, wholeSquaredError, input, target, reduction);
  },
  samples: pairs, rejects,
});

/** `|x − t|`; its gradient where both are equal is 0. */
export const absoluteError: Op<(input: Tensor, target: Tensor) => Tensor> = pointwise({
  name: "l1Loss", inputs: ["input", "target"], formula: "|x - t|",
  expression: ({ input, target }) => input.sub(target).abs(),
  samples: [[real([2, 3], 0, 2), real([2, 3], -3, -1)]],
});

/** Mean or sum of `|x − t|`. */
export const wholeAbsoluteError: Op<PairLoss> = pairLoss({
  name: "l1Loss", expression: ({ input, target }) => input.sub(target).abs(),
  samples: [[real([2, 3], 0, 2), real([2, 3], -3, -1), "mean"],
    [real([3], -3, -1), real([3], 0, 2), "sum"]],
});

/**
 * Absolute error, `|x − t|`.
 * @throws when the shapes differ
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html
 */
export const l1Loss: Op<ElementwiseLoss> = composite({
  name: "l1Loss",
  call(input: Tensor, target: Tensor, options?: LossOptions) {
    checkOptions("l1Loss", options, ["reduction"]);
    const reduction = check("l1Loss", input, target, options);
    return together(absoluteError, wholeAbsoluteError, input, target, reduction);
  },
  samples: [
    [real([2, 3], 0, 2), real([2, 3], -3, -1)],
    [real([2, 3], 0, 2), real([2, 3], -3, -1), { reduction: "none" }],
  ],
  rejects,
});

/** Options of `gaussianNllLoss`. */
export interface GaussianNllLossOptions extends LossOptions {
  /** Whether to add the constant `ln(2π)/2`. Default `false`. */
  readonly full?: boolean;
  /** The smallest variance that is used. Default 1e-6. */
  readonly eps?: number;
}

/** `max(v, ε)` whose gradient reaches `v` everywhere. */
export const clampedVariance: Op<(variance: Tensor, options: { eps: number }) => Tensor> =
  pointwise({
    name: "clampedVariance", inputs: ["variance"], scalars: { eps: 1e-6 }, formula: "max(v, ε)",
    expression: ({ variance, eps }) => variance.max(eps),
    gradients: { variance: ({ grad }) => grad },
    samples: [[real([2, 3], 0.5, 2)]],
  });

/** `(ln v + (x − t)²/v) / 2`. */
export const gaussianTerm: Op<(input: Tensor, target: Tensor, variance: Tensor) => Tensor> =
  pointwise({
    name: "gaussianNllLoss", inputs: ["input", "target", "variance"], result: "float",
    formula: "(ln v + (x - t)²/v) / 2",
    expression: ({ input, target, variance }) =>
      variance.log().add(input.sub(target).square().div(variance)).mul(0.5),
    samples: [
      [real([2, 3]), real([2, 3]), real([2, 3], 0.5, 2)],
      [real([2, 3]), real([2, 3]), real([2, 1], 0.5, 2)],
    ],
  });

/**
 * Negative log-likelihood of targets under normal distributions with mean `input` and variance
 * `variance`, which has the shape of the input, or 1 for its last size, or lacks it.
 * @throws when shapes do not fit or a variance is negative
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.gaussian_nll_loss.html
 */
export const gaussianNllLoss: Op<(input: Tensor, target: Tensor, variance: Tensor,
  options?: GaussianNllLossOptions) => Tensor> = composite({
  name: "gaussianNllLoss",
  call(input: Tensor, target: Tensor, variance: Tensor, options?: GaussianNllLossOptions) {
    checkOptions("gaussianNllLoss", options, ["full", "eps", "reduction"]);
    const { full = false, eps = 1e-6 } = options ?? {};
    const reduction = check("gaussianNllLoss", input, target, options);
    checkTensor("gaussianNllLoss", "variance", variance);
    if (typeof full !== "boolean") {
      fail("gaussianNllLoss", `full must be true or false, got ${show(full)}`);
    }
    if (!(checkNumber("gaussianNllLoss", "eps", eps) > 0)) {
      fail("gaussianNllLoss", `eps must be positive, got ${eps}`);
    }
    const spread = clampedVariance(fitVariance(input, variance), { eps });
    const losses = gaussianTerm(input, target, spread);
    return reduced(full ? losses.add(Math.log(2 * Math.PI) / 2) : losses, reduction);
  },
  samples: [
    [real([2, 3]), real([2, 3]), real([2, 3], 0.5, 2)],
    [real([2, 3]), real([2, 3]), real([2], 0.5, 2), { full: true, reduction: "sum" }],
    [real([2, 3]), real([2, 3]), real([2, 1], 0.5, 2), { reduction: "none" }],
  ],
  rejects: [
    { args: [real([2]), real([2]), real([2], -2, -1)], message: "var has negative entry/entries" },
    { args: [real([2, 3]), real([2, 3]), real([3], 1, 2)], message: "var is of incorrect size" },
    { args: [real([2, 1]), real([2]), real([2], 1, 2)],
      message: "Using a target size ([2]) that is different to the input size ([2, 1])" },
  ],
});

/** The variance with as many dimensions as the input. */
function fitVariance(input: Tensor, variance: Tensor): Tensor {
  const outer = input.shape.slice(0, -1);
  const lacksLast = input.ndim > 0 && sameShape(variance.shape, outer) &&
    !sameShape(variance.shape, input.shape);
  if (!lacksLast && !sameShape(variance.shape, input.shape) &&
    !(input.ndim > 0 && sameShape(variance.shape, [...outer, 1]))) {
    fail("gaussianNllLoss", `var is of incorrect size: ${showShape(variance.shape)} for an input ` +
      `of shape ${showShape(input.shape)}`, { input: input.shape, variance: variance.shape });
  }
  if (!holdsEverywhere(variance, (value) => !(value < 0))) {
    fail("gaussianNllLoss", "var has negative entry/entries: a variance is at least 0");
  }
  return lacksLast ? variance.reshape([...outer, 1]) : variance;
}
