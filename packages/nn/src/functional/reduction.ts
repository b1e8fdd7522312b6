// How losses put the values of their elements together.
import { mean, sum, type Tensor } from "@chainrule/core";
import { fail, isFloat, sameShape, show, showShape, type PairLoss } from "@chainrule/core/internal";

/** Each element, their mean, or their sum. */
export type Reduction = "none" | "mean" | "sum";

/** Options of losses. */
export interface LossOptions {
  /** How the losses of the elements are put together. Default `"mean"`. */
  readonly reduction?: Reduction;
}

/**
 * Checks the option `reduction`.
 * @throws when it is not one of the three
 */
export function checkReduction(op: string, reduction: unknown = "mean"): Reduction {
  if (reduction === "none" || reduction === "mean" || reduction === "sum") return reduction;
  return fail(op, `${typeof reduction === "string" ? reduction : show(reduction)} is not a valid ` +
    "value for reduction: there is none, mean, sum");
}

/** The losses of all elements put together. */
export function reduced(losses: Tensor, reduction: Reduction): Tensor {
  return reduction === "none" ? losses : reduction === "sum" ? sum(losses) : mean(losses);
}

/** The losses of all pairs put together: by `whole`, where its tensors are of one float dtype. */
export function together(
  each: (input: Tensor, target: Tensor) => Tensor, whole: PairLoss,
  input: Tensor, target: Tensor, reduction: Reduction,
): Tensor {
  return reduction === "none" || input.dtype !== target.dtype || !isFloat(input.dtype)
    ? reduced(each(input, target), reduction) : whole(input, target, reduction);
}

/**
 * Checks that a target looks like its input: nothing is broadcast silently.
 * @throws when the shapes differ, saying what would make them equal
 */
export function checkSameShape(op: string, input: Tensor, target: Tensor): void {
  if (sameShape(input.shape, target.shape)) return;
  const advice = input.ndim === target.ndim + 1 && input.shape[input.ndim - 1] === 1
    ? "target.unsqueeze(-1) would fit"
    : target.ndim === input.ndim + 1 && target.shape[target.ndim - 1] === 1
      ? "input.unsqueeze(-1) would fit" : "reshape one of them";
  fail(op, `Using a target size (${showShape(target.shape)}) that is different to the input size ` +
    `(${showShape(input.shape)}). Target size must be the same as input size: ${advice}`,
  { input: input.shape, target: target.shape });
}
