// Hooks on tensors: functions that see, and may replace, a gradient on its way.
import { fail } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { nodeOf, type Node } from "./node.ts";
import { attach, checkReplacement, nameOf, type HookHandle, type NodeHooks,
  type PostAccumulateGradHook } from "./node-hooks.ts";

/** Sees the total gradient of a tensor, once per backward; what it returns takes its place. */
export type Hook = (grad: Tensor) => Tensor | null | undefined | void;

/**
 * Registers a hook on the gradient of a tensor, as it is now: what is written to the tensor in
 * place later gets a gradient of its own, which the hook does not see.
 * @throws when the tensor does not require a gradient
 */
export function registerHook(tensor: Tensor, hook: Hook): HookHandle {
  const node = differentiable("registerHook", tensor);
  return attach("registerHook", node, "tensor", { index: tensor.outputIndex, hook });
}

/**
 * Registers a hook that is called when backward has added to the `.grad` of a leaf.
 * @throws when the tensor was computed, or does not require a gradient
 */
export function registerPostAccumulateGradHook(
  tensor: Tensor, hook: PostAccumulateGradHook,
): HookHandle {
  const op = "registerPostAccumulateGradHook";
  const node = differentiable(op, tensor);
  if (!node.isAccumulator) {
    fail(op, "post accumulate grad hooks cannot be registered on non-leaf tensors: nothing " +
      "accumulates there. Use registerHook");
  }
  return attach(op, node, "accumulated", { hook });
}

function differentiable(op: string, tensor: Tensor): Node {
  return nodeOf(tensor) ??
    fail(op, "cannot register a hook on a tensor that doesn't require gradient");
}

/**
 * Runs the hooks of one output of a node over its gradient.
 * @throws when a hook returns something that is not a gradient for that output
 */
export function runHooks({ tensor }: NodeHooks, index: number, gradient: Tensor): Tensor {
  let current = gradient;
  for (const entry of tensor) {
    if (entry.index !== index) continue;
    const result = entry.hook(current);
    if (result === undefined || result === null) continue;
    checkReplacement("registerHook", nameOf(entry.hook), result, current);
    current = result;
  }
  return current;
}
