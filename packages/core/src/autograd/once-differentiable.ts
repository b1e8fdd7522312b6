// Backwards that cannot be differentiated themselves, and say so when somebody tries.
import { fail } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { behind, type FunctionContextBase, type SavedTensors } from "./function-context.ts";
import { isGradEnabled, noGrad } from "./modes.ts";
import { edgeTo, Node, type Differentiable, type Edge } from "./node.ts";

/**
 * Marks the backward of a custom function as made of operations that are not differentiable: it
 * runs without recording, and a second derivative through it is an error.
 * @example
 * ```ts
 * class Round extends autograd.Function {
 *   static forward(_: autograd.FunctionContext, x: Tensor): Tensor { return x.round(); }
 *   static backward = autograd.onceDifferentiable(
 *     (_: autograd.FunctionContext, grad: Tensor) => grad.clone());
 * }
 * ```
 * @see https://pytorch.org/docs/stable/notes/extending.html
 */
export function onceDifferentiable<C extends FunctionContextBase<never>, G extends unknown[], R>(
  backward: (ctx: C, ...grads: G) => R,
): (ctx: C, ...grads: G) => R {
  return (ctx, ...grads) => {
    const result = noGrad(() => backward(ctx, ...grads));
    if (!isGradEnabled()) return result;
    const refuse = refusal(ctx, grads);
    return (Array.isArray(result) ? result.map(refuse) : refuse(result)) as R;
  };
}

/** Gives a gradient a history that leads where its own would, and ends the next backward. */
function refusal(
  ctx: FunctionContextBase<SavedTensors>, grads: readonly unknown[],
): (value: unknown) => unknown {
  const { name, node } = behind(ctx);
  const edges: (Edge | null)[] = [...(node?.edges ?? [])];
  for (const grad of grads) if (grad instanceof Tensor) edges.push(edgeTo(grad));
  const rule = {
    reads: [],
    gradient: () => fail(name, "trying to differentiate twice a function that was marked with " +
      "onceDifferentiable", { function: name }),
  };
  const op: Differentiable = {
    name: `${name}Backward`, inputs: edges.map((_, i) => `${i}`), rules: edges.map(() => rule),
  };
  return (value) => {
    if (!(value instanceof Tensor) || !value.isFloatingPoint()) return value;
    const { storage, shape, strides, offset, dtype } = value;
    const result = new Tensor(storage, shape, strides, offset);
    result.history = new Node(op, null, edges, edges.map(() => []), [{ shape, dtype }], null);
    return result;
  };
}
