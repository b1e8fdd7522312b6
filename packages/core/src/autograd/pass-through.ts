// Tensors that go through one node of the graph as they are: a place for hooks on all of them.
import { Tensor } from "../tensor/tensor.ts";
import { nodeOf, type Differentiable, type Node } from "./node.ts";
import { record } from "./record.ts";

/** Tensors behind a node, and the node; `null` where nothing is recorded. */
export interface PassedThrough {
  readonly tensors: readonly Tensor[];
  readonly node: Node | null;
}

/** Views of tensors that one node of that name gives on, each with its gradient. */
export function passThrough(name: string, tensors: readonly Tensor[]): PassedThrough {
  const views = tensors.map((tensor) => {
    const view = new Tensor(tensor.storage, tensor.shape, tensor.strides, tensor.offset);
    view.base = tensor.base ?? tensor;
    view.base.viewed = true;
    return view;
  });
  record(identity(name, tensors.length), tensors, views, null);
  const node = views.length === 0 ? null : nodeOf(views[0]);
  return { tensors: node === null ? tensors : views, node };
}

function identity(name: string, count: number): Differentiable {
  const indices = Array.from({ length: count }, (_, i) => i);
  return {
    name, inputs: indices.map(String),
    rules: indices.map((i) => ({ reads: [], gradient: ({ grads }) => grads[i] })),
    forward: (tangents) => tangents,
  };
}
