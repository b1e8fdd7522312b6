// Losses of class targets inside vmap: the samples as more rows of one batch.
import type { Tensor } from "@chainrule/core";
import { enter, leave, levelsOf } from "@chainrule/core/internal";
import type { SmoothedLossOptions } from "./likelihood.ts";

/** A loss of scores and classes, recorded. */
type ClassLoss = (input: Tensor, target: Tensor, options?: SmoothedLossOptions) => Tensor;

/**
 * The loss of each sample of the innermost level, computed together; `null` outside of vmap, and
 * where classes have weights, whose sum differs between samples.
 */
export function lossOfSamples(
  loss: ClassLoss, input: Tensor, target: Tensor, options: SmoothedLossOptions | undefined,
): Tensor | null {
  const level = levelsOf([input, target]).at(-1);
  const { weight = null, reduction = "mean", ignoreIndex = -100 } = options ?? {};
  if (level === undefined || weight !== null || input.numel() === 0) return null;
  if (target.ndim !== input.ndim - 1) return null; // refused one sample at a time
  const [scores, classes] = [input, target].map((tensor) => leave(tensor, level, 0));
  const isSingle = input.ndim === 1;
  const losses = loss(isSingle ? scores : scores.flatten(0, 1),
    isSingle ? classes : classes.flatten(0, 1), { ...options, reduction: "none" });
  const own = enter(isSingle ? losses : losses.unflatten(0, [level.size, -1]), level, 0);
  if (reduction === "none") return own;
  return reduction === "sum" ? own.sum() : own.sum().div(target.ne(ignoreIndex).sum());
}
