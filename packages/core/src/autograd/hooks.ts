// Hooks on tensors: functions that see, and may replace, a gradient on its way.
import { fail, show } from "../errors.ts";
import { sameShape, showShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { nodeOf, type Node } from "./node.ts";

/** Sees the total gradient of a tensor, once per backward; what it returns takes its place. */
export type Hook = (grad: Tensor) => Tensor | null | undefined | void;

/** Undoes a registration. */
export interface HookHandle {
  /** Removes the hook; calling it again does nothing. */
  remove(): void;
}

/**
 * Registers a hook on the gradient of a tensor.
 * @throws when the tensor does not require a gradient
 */
export function registerHook(tensor: Tensor, hook: Hook): HookHandle {
  const node = nodeOf(tensor);
  if (node === null) {
    fail("registerHook", "cannot register a hook on a tensor that doesn't require gradient");
  }
  if (typeof hook !== "function") {
    fail("registerHook", `a hook is a function of the gradient, got ${show(hook)}`);
  }
  const entry = { index: tensor.outputIndex, hook };
  node.hooks = [...(node.hooks ?? []), entry];
  return {
    remove() { node.hooks = node.hooks?.filter((other) => other !== entry) ?? null; },
  };
}

/**
 * Runs the hooks of one output of a node over its gradient.
 * @throws when a hook returns something that is not a gradient for that output
 */
export function runHooks(node: Node, index: number, gradient: Tensor): Tensor {
  let current = gradient;
  for (const entry of node.hooks ?? []) {
    if (entry.index !== index) continue;
    const name = entry.hook.name || "anonymous";
    const result = entry.hook(current);
    if (result === undefined || result === null) continue;
    if (!(result instanceof Tensor)) {
      fail("registerHook", `hook '${name}' must return a tensor or nothing, got ${show(result)}`);
    }
    if (!sameShape(result.shape, current.shape)) {
      fail("registerHook", `hook '${name}' has changed the size of value: ` +
        `${showShape(current.shape)} became ${showShape(result.shape)}`);
    }
    if (result.dtype !== current.dtype) {
      fail("registerHook", `hook '${name}' has changed the type of value: ` +
        `${current.dtype} became ${result.dtype}`);
    }
    current = result;
  }
  return current;
}
