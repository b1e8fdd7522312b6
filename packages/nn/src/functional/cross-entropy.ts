// Losses of classification: cross entropy with class or probability targets, and nllLoss.
import { logSoftmax, mul, sum, tensor, type Tensor } from "@chainrule/core";
import { checkOptions, checkTensor, composite, fail, integers, pointwise, real, sameShape, type Op,
} from "@chainrule/core/internal";
import { classEntropy } from "./class-entropy.ts";
import { lossOfSamples } from "./class-samples.ts";
import { classDim, classWeights } from "./class-targets.ts";
import { likelihoodLoss, likelihoodOf, type ClassLossOptions, type SmoothedLossOptions,
} from "./likelihood.ts";
import { checkReduction, reduced } from "./reduction.ts";

const classOptions = ["weight", "ignoreIndex", "reduction"];
const smoothedOptions = [...classOptions, "labelSmoothing"];

/**
 * `−w_y · logProbs_y` for each sample of class y, given log-probabilities: `[C]` and a 0-d target,
 * or `[N, C, d…]` and `[N, d…]`. The mean is weighted: it divides by the sum of the `w_y`.
 * @throws when shapes do not fit or a class does not exist
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html
 */
export const nllLoss:
Op<(input: Tensor, target: Tensor, options?: ClassLossOptions) => Tensor> = composite({
  name: "nllLoss",
  call(input: Tensor, target: Tensor, options?: ClassLossOptions) {
    checkOptions("nllLoss", options, classOptions);
    checkTensor("nllLoss", "input", input);
    checkTensor("nllLoss", "target", target);
    checkReduction("nllLoss", options?.reduction);
    return lossOfSamples(nllLoss, input, target, options) ??
      likelihoodLoss(input, likelihoodOf("nllLoss", input, target, options));
  },
  samples: [
    [real([3, 4]), integers([3], 4)], [real([3]), integers([], 3)],
    [real([2, 3, 2]), integers([2, 2], 3), { reduction: "none" }],
    [real([4, 3]), integers([4], 3), { ignoreIndex: 1, reduction: "sum" }],
  ],
  rejects: [
    { args: [real([2, 3]), integers([2], 6, 5)], message: "Target 5 is out of bounds." },
    { args: [real([2, 3]), integers([2], 3), { labelSmoothing: 0.1 }], message: "unknown option" },
  ],
});

/**
 * Cross entropy of scores (logits) against classes, or against probabilities of all classes.
 *
 * Class targets: scores `[C]` with a 0-d target, or `[N, C, d…]` with `[N, d…]`; the mean divides
 * by the weights of the targets. Probabilities have the shape of the scores; the mean divides by
 * the number of samples.
 * @throws when shapes do not fit, a class does not exist, or an option is out of range
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
 */
export const crossEntropy:
Op<(input: Tensor, target: Tensor, options?: SmoothedLossOptions) => Tensor> = composite({
  name: "crossEntropy",
  call(input: Tensor, target: Tensor, options?: SmoothedLossOptions) {
    checkTensor("crossEntropy", "input", input);
    checkTensor("crossEntropy", "target", target);
    checkOptions("crossEntropy", options, smoothedOptions);
    const { labelSmoothing = 0 } = options ?? {};
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      fail("crossEntropy",
        `label_smoothing must be between 0.0 and 1.0. Got: ${labelSmoothing} (labelSmoothing)`);
    }
    if (sameShape(input.shape, target.shape)) return withProbabilities(input, target, options);
    checkReduction("crossEntropy", options?.reduction);
    return lossOfSamples(crossEntropy, input, target, options) ??
      classEntropy(input, likelihoodOf("crossEntropy", input, target, options));
  },
  samples: [
    [real([3, 4]), integers([3], 4)], [real([3]), integers([], 3)],
    [real([2, 3, 2]), integers([2, 2], 3), { reduction: "none" }],
    [real([3, 4]), integers([3], 4), { labelSmoothing: 0.2, reduction: "sum", ignoreIndex: 1 }],
    [real([3, 4]), real([3, 4], 0.1, 0.9)], [real([4]), real([4], 0.1, 0.9), { reduction: "sum" }],
    [real([2, 3, 2]), real([2, 3, 2], 0.1, 0.9), { labelSmoothing: 0.1, reduction: "none" }],
  ],
  rejects: [
    { args: [real([3, 4]), integers([2], 4)],
      message: "Expected input batch_size (3) to match target batch_size (2)." },
    { args: [real([3, 4]), integers([3, 1], 4)], message: "multi-target not supported" },
    { args: [real([2, 3, 4]), integers([2, 5], 3)],
      message: "Expected target size [2, 4], got [2, 5]" },
    { args: [real([3, 4]), integers([3], 4), { labelSmoothing: 1.5 }],
      message: "label_smoothing must be between 0.0 and 1.0. Got: 1.5" },
    { args: [real([3, 4]), integers([3], 4), { reduction: "avg" }],
      message: "avg is not a valid value for reduction" },
    { args: [real([3, 4]), real([3, 4]), { ignoreIndex: 1 }],
      message: "ignore_index is not supported for floating point target" },
    { args: [real([3, 4]), real([3], 0.2, 0.4)], message: "expected scalar type Long but found" },
  ],
});

/** `p · logProb`, 0 where `p` is 0 whatever the log-probability. */
export const weightedLogProbability: Op<(probability: Tensor, logProb: Tensor) => Tensor> =
  pointwise({
    name: "weightedLogProbability", inputs: ["probability", "logProb"], formula: "p ln q",
    expression: ({ probability, logProb }) => probability.eq(0).select(0, probability.mul(logProb)),
    gradients: { probability: ({ grad, logProb }) => grad.mul(logProb) },
    samples: [[real([2, 3], 0.1, 0.9), real([2, 3])]],
  });

function withProbabilities(
  input: Tensor, target: Tensor, options: SmoothedLossOptions | undefined,
): Tensor {
  const { weight, ignoreIndex = -100, labelSmoothing = 0 } = options ?? {};
  const reduction = checkReduction("crossEntropy", options?.reduction);
  if (!target.isFloatingPoint()) {
    fail("crossEntropy", "Expected floating point type for target with class probabilities, got " +
      `${target.dtype}; class positions have shape [N, d…] for scores [N, C, d…]`);
  }
  if (ignoreIndex >= 0) {
    fail("crossEntropy", "ignore_index is not supported for floating point target, got " +
      `ignoreIndex ${ignoreIndex}`);
  }
  const dim = classDim(input);
  const classes = input.shape[dim];
  const weights = classWeights("crossEntropy", weight, classes);
  const smooth = labelSmoothing === 0 ? target
    : target.mul(1 - labelSmoothing).add(labelSmoothing / classes);
  let terms = weightedLogProbability(smooth, logSoftmax(input, dim));
  if (weights !== null) {
    const shape = [classes, ...input.shape.slice(dim + 1).map(() => 1)];
    terms = mul(terms, tensor(weights).reshape(shape).to(input.dtype));
  }
  const losses = sum(terms, dim).neg();
  return reduced(losses, reduction);
}
