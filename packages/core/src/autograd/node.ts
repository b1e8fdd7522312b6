// Nodes of the graph: plain data that says which op ran, on what, and what it saved.
import { fail } from "../errors.ts";
import type { DType } from "../dtype.ts";
import { sameShape, type Shape } from "../shape/dims.ts";
import { Tensor, type History } from "../tensor/tensor.ts";
import type { Hook } from "./hooks.ts";

/** What a gradient rule is given: the gradient of the output, and the values it reads by name. */
export interface RuleContext {
  readonly grad: Tensor;
  /** Gradients of all outputs; `null` for those that nothing depends on. */
  readonly grads: readonly (Tensor | null)[];
  readonly shapes: readonly Shape[];
  readonly attributes: unknown;
  readonly [value: string]: unknown;
}

/** How the gradient reaches one input, and which inputs or `output` it reads to say so. */
export interface Rule {
  readonly reads: readonly string[];
  readonly gradient: (context: RuleContext) => Tensor | null;
}

/** An operation as the graph knows it. `rules[i]` is `null` where input `i` has no gradient. */
export interface Differentiable {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly rules: readonly (Rule | null)[];
}

/** Points from a node to the one that computed an input of it. */
export interface Edge {
  readonly node: Node;
  readonly index: number;
}

/** A value kept for the gradient rule. Plain numbers are kept as they are. */
interface Saved {
  readonly name: string;
  readonly value: Tensor | number;
  readonly version: number;
  readonly history: History | null;
  readonly outputIndex: number;
}

/** Shape and dtype of one output. */
export interface OutputType {
  readonly shape: Shape;
  readonly dtype: DType;
}

let sequence = 0;

/** One recorded operation, or the accumulator of one leaf. */
export class Node implements History {
  readonly op: Differentiable;
  readonly attributes: unknown;
  readonly edges: readonly (Edge | null)[];
  readonly shapes: readonly Shape[];
  readonly outputs: readonly OutputType[];
  /** Order of creation: newer nodes run first in the backward pass. */
  readonly sequence = sequence++;
  /** The leaf that gradients are added to, for an accumulator. */
  readonly leaf: Tensor | null;
  /** Values kept for the rules; `null` once they were released. */
  saved: readonly Saved[] | null;
  /** Hooks on the gradients of the outputs, in order of registration. */
  hooks: { readonly index: number; readonly hook: Hook }[] | null = null;
  /** Outputs whose gradient is to be kept in `.grad`. */
  retained: { readonly index: number; readonly tensor: Tensor }[] | null = null;

  constructor(parts: {
    op: Differentiable; attributes: unknown; edges: readonly (Edge | null)[];
    shapes: readonly Shape[]; outputs: readonly OutputType[]; saved: readonly Saved[];
    leaf?: Tensor | null;
  }) {
    this.op = parts.op;
    this.attributes = parts.attributes;
    this.edges = parts.edges;
    this.shapes = parts.shapes;
    this.outputs = parts.outputs;
    this.saved = parts.saved;
    this.leaf = parts.leaf ?? null;
  }

  /** The name PyTorch would print: `MulBackward0`, `AccumulateGrad`. */
  get name(): string {
    if (this.leaf !== null) return "AccumulateGrad";
    return `${this.op.name[0].toUpperCase()}${this.op.name.slice(1)}Backward0`;
  }

  get isAccumulator(): boolean { return this.leaf !== null; }

  /** The nodes that computed the inputs, `null` for inputs without gradient. */
  get nextFunctions(): readonly (readonly [Node | null, number])[] {
    return this.edges.map((edge) => edge === null ? [null, 0] : [edge.node, edge.index]);
  }

  toString(): string { return `<${this.name}>`; }
}

const accumulateGrad: Differentiable = { name: "accumulateGrad", inputs: [], rules: [] };

/** New accumulator for a leaf: the node its gradients end in. */
export function accumulatorFor(leaf: Tensor): Node {
  return new Node({
    op: accumulateGrad, attributes: null, edges: [], shapes: [], saved: [],
    outputs: [{ shape: leaf.shape, dtype: leaf.dtype }], leaf,
  });
}

/** The node of a tensor: what computed it, or the accumulator of a leaf. */
export function nodeOf(tensor: Tensor): Node | null {
  return tensor.history as Node | null;
}

/** The edge to a tensor's node, `null` where no gradient is wanted. */
export function edgeTo(tensor: Tensor): Edge | null {
  return tensor.history === null
    ? null : { node: tensor.history as Node, index: tensor.outputIndex };
}

/** Whether the gradient of this computed tensor is kept in `.grad`. */
export function retains(tensor: Tensor): boolean {
  return nodeOf(tensor)?.retained?.some((entry) => entry.tensor === tensor) ?? false;
}

/** Keeps the gradient of a computed tensor in `.grad`; that of a leaf is kept anyway. */
export function retain(tensor: Tensor): void {
  const node = nodeOf(tensor);
  if (node === null || node.isAccumulator || retains(tensor)) return;
  node.retained = [...(node.retained ?? []), { index: tensor.outputIndex, tensor }];
}

/** Ends what `retain` began; gives whether there was anything to end. */
export function release(tensor: Tensor): boolean {
  if (!retains(tensor)) return false;
  const node = nodeOf(tensor)!;
  node.retained = node.retained!.filter((entry) => entry.tensor !== tensor);
  return true;
}

/** Keeps a value for the backward pass, with its version. */
export function save(name: string, value: Tensor | number): Saved {
  if (typeof value === "number") {
    return { name, value, version: 0, history: null, outputIndex: 0 };
  }
  return {
    name, value, version: value.storage.version,
    history: value.history, outputIndex: value.outputIndex,
  };
}

/**
 * A saved value, as it was when it was saved.
 * @throws when it was changed in place since, or released by an earlier backward
 */
export function unpack(node: Node, name: string): Tensor | number {
  if (node.saved === null) failReleased(node);
  const saved = node.saved.find((item) => item.name === name)!;
  const { value } = saved;
  if (typeof value === "number") return value;
  if (value.storage.version !== saved.version) failModified(node, saved, value);
  if (value.history === saved.history) return value;
  const alias = new Tensor(value.storage, value.shape, value.strides, value.offset);
  alias.history = saved.history;
  alias.outputIndex = saved.outputIndex;
  return alias;
}

function failReleased(node: Node): never {
  fail("backward", "Trying to backward through the graph a second time (or directly access saved " +
    "tensors after they have already been freed). Saved intermediate values of the graph, here " +
    `those of ${node.op.name}, are freed when you call .backward() or autograd.grad(). Specify ` +
    "retainGraph: true if you need to backward through the graph a second time or if you need " +
    "to access saved tensors after calling backward.");
}

function failModified(node: Node, saved: Saved, value: Tensor): never {
  const { shape, storage } = value;
  const made = (saved.history as Node | null);
  const origin = made === null || made.isAccumulator
    ? "" : `, which is output ${saved.outputIndex} of ${made.name},`;
  fail("backward", "one of the variables needed for gradient computation has been modified by " +
    `an inplace operation: the tensor of shape [${shape.join(", ")}]${origin} that ` +
    `${node.op.name} saved as ${saved.name} is at version ${storage.version}; expected version ` +
    `${saved.version} instead. It was last changed by ${storage.writer || "an in-place write"}`,
  { savedBy: node.op.name, changedBy: storage.writer });
}

/** Whether a gradient has the shape and dtype of the output it belongs to. */
export function matches(gradient: Tensor, type: OutputType): boolean {
  return gradient.dtype === type.dtype && sameShape(gradient.shape, type.shape);
}
