// Tensors that go through one node of the graph as they are: a place for hooks on all of them.
import { Tensor } from "../tensor/tensor.ts";
import { isGradEnabled } from "./modes.ts";
import { nodeOf, type Differentiable, type Node } from "./node.ts";
import { record } from "./record.ts";
import { joinFamily, restrict } from "./views.ts";

/** Tensors behind a node, and the node; `null` where nothing is recorded. */
export interface PassedThrough {
  readonly tensors: readonly Tensor[];
  readonly node: Node | null;
}

/** Views of tensors that require a gradient, which one node of that name gives on to them. */
export function passThrough(name: string, tensors: readonly Tensor[]): PassedThrough {
  if (!isGradEnabled() || tensors.length === 0) return { tensors, node: null };
  const views = tensors.map((tensor, output) => {
    const view = new Tensor(tensor.storage, tensor.shape, tensor.strides, tensor.offset);
    joinFamily(view, tensor);
    restrict(view, { kind: "function", maker: name, output });
    return view;
  });
  record(identity(name, tensors.length), tensors, views, null);
  return { tensors: views, node: nodeOf(views[0]) };
}

function identity(name: string, count: number): Differentiable {
  const indices = Array.from({ length: count }, (_, i) => i);
  return {
    name, inputs: indices.map(String),
    rules: indices.map((i) => ({ reads: [], gradient: ({ grads }) => grads[i] })),
    forward: (tangents) => tangents,
  };
}
