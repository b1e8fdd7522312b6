// nn.functional: layers and losses as functions. Inner ops of these files are not part of it.
export { relu, sigmoid, tanh, softmax, logSoftmax } from "@chainrule/core";
export {
  gelu, leakyRelu, softplus, type GeluOptions, type LeakyReluOptions, type SoftplusOptions,
} from "./functional/activation.ts";
export {
  binaryCrossEntropy, binaryCrossEntropyWithLogits, type BinaryCrossEntropyOptions,
  type LogitLossOptions,
} from "./functional/binary-cross-entropy.ts";
export { crossEntropy, nllLoss } from "./functional/cross-entropy.ts";
export { dropout, type DropoutOptions } from "./functional/dropout.ts";
export {
  embedding, oneHot, type EmbeddingOptions, type OneHotOptions,
} from "./functional/embedding.ts";
export type { ClassLossOptions, SmoothedLossOptions } from "./functional/likelihood.ts";
export { linear, type Linear } from "./functional/linear.ts";
export type { LossOptions, Reduction } from "./functional/reduction.ts";
export {
  gaussianNllLoss, l1Loss, mseLoss, type ElementwiseLoss, type GaussianNllLossOptions,
} from "./functional/regression-loss.ts";
