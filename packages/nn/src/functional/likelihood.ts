// Negative log-likelihood of class targets, smoothed or not: a linear map and its transpose.
import type { Tensor } from "@chainrule/core";
import { checkNumber, fail, fresh, primitive, real, rowMajor, show, type Op, type Shape,
  type TypedArray,
} from "@chainrule/core/internal";
import { classTargets, classWeights, type ClassTargets } from "./class-targets.ts";
import { checkReduction, type LossOptions, type Reduction } from "./reduction.ts";

/** Options of losses of class targets. */
export interface ClassLossOptions extends LossOptions {
  /** A factor for each class; it has no gradient. Default: ones. */
  readonly weight?: Tensor | null;
  /** Samples with this target count for nothing. Default −100. */
  readonly ignoreIndex?: number;
}

/** Options of losses that can smooth their targets. */
export interface SmoothedLossOptions extends ClassLossOptions {
  /** Share of the target that is spread over all classes. Default 0. */
  readonly labelSmoothing?: number;
}

/** The map: the loss of a sample is `−Σ_c factor_c · logProbs_c`. */
export interface Likelihood extends ClassTargets {
  /** Shape of the log-probabilities. */
  readonly input: Shape;
  readonly weights: TypedArray | null;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;
  readonly reduction: Reduction;
  /** What the sum is divided by: for the mean, the weights of the targets that count. */
  readonly divisor: number;
}

/**
 * Reads targets and options.
 * @throws when they do not fit the scores
 */
export function likelihoodOf(
  op: string, input: Tensor, target: Tensor, options: SmoothedLossOptions | undefined,
): Likelihood {
  const { weight, ignoreIndex = -100, labelSmoothing = 0 } = options ?? {};
  const reduction = checkReduction(op, options?.reduction);
  if (!Number.isInteger(ignoreIndex)) {
    fail(op, `ignoreIndex must be a whole number, got ${show(ignoreIndex)}`);
  }
  const { batch, classes, rest, shape, indices } = classTargets(op, input, target, ignoreIndex);
  const weights = classWeights(op, weight, classes);
  return { // in Node 20 each property behind a spread takes 2 µs
    batch, classes, rest, shape, indices, input: input.shape, weights, ignoreIndex, reduction,
    divisor: reduction === "mean" ? total(indices, weights, ignoreIndex) : 1,
    labelSmoothing: checkNumber(op, "labelSmoothing", labelSmoothing),
  };
}

/** The weights of the targets that count, added up. */
function total(indices: TypedArray, weights: TypedArray | null, ignoreIndex: number): number {
  let sum = 0;
  for (let i = 0; i < indices.length; i++) {
    if (indices[i] !== ignoreIndex) sum += weights === null ? 1 : weights[indices[i]];
  }
  return sum;
}

/** Visits the samples that count, with their class and the position of their first score. */
function eachSample(
  { batch, classes, rest, indices, ignoreIndex }: Likelihood,
  visit: (sample: number, target: number, start: number) => void,
): void {
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < rest; d++) {
      const sample = n * rest + d;
      const target = indices[sample];
      if (target !== ignoreIndex) visit(sample, target, n * classes * rest + d);
    }
  }
}

/** Arguments to test maps with. */
export const exampleLikelihood: Likelihood = {
  batch: 2, classes: 3, rest: 2, shape: [2, 2], input: [2, 3, 2],
  indices: Int32Array.of(2, 0, 1, 2), weights: Float64Array.of(0.5, 2, 1), ignoreIndex: 1,
  labelSmoothing: 0.3, reduction: "mean", divisor: 2.5,
};

/** The losses of all samples, put together. */
export const likelihoodLoss: Op<(logProbs: Tensor, map: Likelihood) => Tensor> = primitive({
  name: "nllLoss", inputs: ["logProbs"],
  prepare: (logProbs: Tensor, map: Likelihood) => ({ inputs: [logProbs], attributes: map }),
  forward: ([logProbs], map) => {
    const { classes, rest, weights, labelSmoothing, reduction, divisor } = map;
    const { storage: { values: data }, offset } = rowMajor(logProbs);
    const result = fresh(reduction === "none" ? map.shape : [], logProbs.dtype);
    const spread = labelSmoothing / classes;
    let total = 0;
    eachSample(map, (sample, target, start) => {
      const own = (1 - labelSmoothing) * (weights === null ? 1 : weights[target]);
      let loss = -own * data[offset + start + target * rest];
      for (let c = 0; spread !== 0 && c < classes; c++) {
        loss -= spread * (weights === null ? 1 : weights[c]) * data[offset + start + c * rest];
      }
      if (reduction === "none") result.storage.data[sample] = loss;
      else total += loss;
    });
    if (reduction !== "none") result.storage.data[0] = total / divisor;
    return result;
  },
  gradients: (reads) => ({
    logProbs: reads([], ({ grad, attributes }) => likelihoodLossBackward(grad, attributes)),
  }),
  samples: [[real([2, 3, 2]), exampleLikelihood],
    [real([2, 3, 2]), { ...exampleLikelihood, reduction: "none" }]],
});

/** The transpose of `likelihoodLoss`: from gradients of losses to those of log-probabilities. */
export const likelihoodLossBackward: Op<(grad: Tensor, map: Likelihood) => Tensor> = primitive({
  name: "nllLossBackward", inputs: ["grad"],
  prepare: (grad: Tensor, map: Likelihood) => ({ inputs: [grad], attributes: map }),
  forward: ([grad], map) => {
    const { classes, rest, weights, labelSmoothing, reduction, divisor } = map;
    const { storage: { values: data }, offset } = rowMajor(grad);
    const result = fresh(map.input, grad.dtype);
    const out = result.storage.data;
    const spread = labelSmoothing / classes;
    eachSample(map, (sample, target, start) => {
      const arriving = reduction === "none" ? data[offset + sample] : data[offset] / divisor;
      const own = (1 - labelSmoothing) * (weights === null ? 1 : weights[target]);
      for (let c = 0; spread !== 0 && c < classes; c++) {
        out[start + c * rest] = -arriving * spread * (weights === null ? 1 : weights[c]);
      }
      out[start + target * rest] -= arriving * own;
    });
    return result;
  },
  gradients: (reads) => ({
    grad: reads([], ({ grad, attributes }) => likelihoodLoss(grad, attributes)),
  }),
  samples: [[real([]), exampleLikelihood],
    [real([2, 2]), { ...exampleLikelihood, reduction: "none" }]],
});
