// Nodes of the graph: plain data that says which op ran, on what, and what it saved.
import { fail } from "../errors.ts";
import type { DType } from "../dtype.ts";
import { sameShape, type Shape } from "../shape/dims.ts";
import { batchDims, isBatching, type Level } from "../storage/batched.ts";
import { Tensor, type History } from "../tensor/tensor.ts";
import { attach, type HookHandle, type NodeHook, type NodeHooks, type NodePrehook }
  from "./node-hooks.ts";
import { packed, savedHooks, unpacked, type Packed } from "./saved-hooks.ts";
import { atLine, lineOf } from "./traces.ts";

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
  /**
   * How tangents pass through: `"elementwise"` where the gradient rules serve as they are, or a
   * rule. Without it the gradient rules are transposed.
   */
  readonly forward?: "elementwise" | ForwardRule;
  /** The gradients of all inputs at once, where one computation gives them all. */
  readonly gradients?: (context: RuleContext) => readonly (Tensor | null)[];
  /** What its nodes are called, where that is not derived from its name. */
  readonly nodeName?: string;
  /** Whether the rules are a user's, who may keep what they are given and make. */
  readonly isUserCode?: boolean;
}

/** Tangents of the outputs from those of the inputs; `null` stands for zero. */
export type ForwardRule = (
  tangents: readonly (Tensor | null)[], inputs: readonly (Tensor | number)[], attributes: unknown,
) => readonly (Tensor | null)[];

/** Points from a node to the one that computed an input of it. */
export interface Edge {
  readonly node: Node;
  readonly index: number;
}

/** A value kept for the gradient rule. Plain numbers are kept as they are. */
export interface Saved {
  readonly name: string;
  readonly value: Tensor | number;
  /** What hooks on saved tensors have made of it; then `value` is 0. */
  readonly packed: Packed | null;
  readonly version: number;
  readonly history: History | null;
  readonly outputIndex: number;
}

/** Shape and dtype of one output. */
export interface OutputType {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Those of `vmap` that it is batched at. */
  readonly levels?: readonly Level[];
}

/** The type of an output. */
export function typeOf({ shape, dtype, storage }: Tensor): OutputType {
  const dims = isBatching ? batchDims(storage) : none;
  return dims.length === 0 ? { shape, dtype }
    : { shape, dtype, levels: dims.map(({ level }) => level) };
}

const none: readonly never[] = [];

/** What a backward pass knows about one node while it runs. */
export interface Visit {
  readonly node: Node;
  /** The pass it belongs to. */
  readonly pass: object;
  /** The next edge to follow while the graph is discovered. */
  next: number;
  /** How many edges from nodes that will run still have to deliver. */
  waiting: number;
  /** Whether something that is wanted lies behind this node. */
  needed: boolean;
  /** Gradients of the outputs that have arrived, added up. */
  arrived: (Tensor | null)[];
  /** Whether nobody else holds what arrived, so that a leaf may keep it. */
  isOwn: boolean;
  /** Positions in the targets of the pass of outputs of this node. */
  targets: number[] | null;
  /** The visit of a pass that was running when this one began, from a hook. */
  readonly outer: Visit | null;
  /** Saved values that hooks have unpacked for this node. */
  unpacked: Map<Saved, Tensor> | null;
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
  saved: readonly Saved[] | null = none;
  /** Functions that see gradients come in and go out; `null` until there is one. */
  hooks: NodeHooks | null = null;
  /** Outputs whose gradient is to be kept in `.grad`. */
  retained: { readonly index: number; readonly tensor: Tensor }[] | null = null;
  /** @internal What the backward pass that is running knows about this. */
  visit: Visit | null = null;

  constructor(
    op: Differentiable, attributes: unknown, edges: readonly (Edge | null)[],
    shapes: readonly Shape[], outputs: readonly OutputType[], leaf: Tensor | null,
  ) {
    this.op = op;
    this.attributes = attributes;
    this.edges = edges;
    this.shapes = shapes;
    this.outputs = outputs;
    this.leaf = leaf;
  }

  /** The name PyTorch would print: `MulBackward0`, `AccumulateGrad`. */
  get name(): string {
    if (this.leaf !== null) return "AccumulateGrad";
    const { name, nodeName, isUserCode } = this.op;
    if (nodeName !== undefined) return nodeName;
    return isUserCode ? `${name}Backward` : `${name[0].toUpperCase()}${name.slice(1)}Backward0`;
  }

  get isAccumulator(): boolean { return this.leaf !== null; }

  /** The nodes that computed the inputs, `null` for inputs without gradient. */
  get nextFunctions(): readonly (readonly [Node | null, number])[] {
    return this.edges.map((edge) => edge === null ? [null, 0] : [edge.node, edge.index]);
  }

  /**
   * Calls `hook` with the gradients of the outputs before the node runs, in every backward pass;
   * what it returns takes their place.
   */
  registerPrehook(hook: NodePrehook): HookHandle {
    return attach("registerPrehook", this, "pre", { hook });
  }

  /**
   * Calls `hook` with the gradients of the inputs when the node has run, and those it was given;
   * what it returns takes the place of the former. The accumulator of a leaf has no inputs.
   */
  registerHook(hook: NodeHook): HookHandle {
    return attach("registerHook", this, "post", { hook });
  }

  toString(): string { return `<${this.name}>`; }
}

const accumulateGrad: Differentiable = { name: "accumulateGrad", inputs: [], rules: [] };

/** New accumulator for a leaf: the node its gradients end in. */
export function accumulatorFor(leaf: Tensor): Node {
  return new Node(accumulateGrad, null, none, none, [typeOf(leaf)], leaf);
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
  const retained = nodeOf(tensor)?.retained ?? null;
  return retained !== null && retained.some((entry) => entry.tensor === tensor);
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

/** Keeps a value for the backward pass of `op`, with its version. */
export function save(name: string, value: Tensor | number, op: string): Saved {
  if (typeof value === "number") {
    return { name, value, packed: null, version: 0, history: null, outputIndex: 0 };
  }
  const { history, outputIndex, storage: { version } } = value;
  return savedHooks === null ? { name, value, packed: null, version, history, outputIndex }
    : { name, value: 0, packed: packed(value, op, name), version, history, outputIndex };
}

/**
 * A saved value, as it was when it was saved.
 * @throws when it was changed in place since, or released by an earlier backward
 */
export function unpack(node: Node, name: string): Tensor | number {
  if (node.saved === null) failReleased(node);
  let at = 0;
  while (node.saved[at].name !== name) at++;
  const saved = node.saved[at];
  if (saved.packed === null) return unpackSaved(saved, node.op.name, node);
  const known = node.visit?.unpacked?.get(saved);
  if (known !== undefined) return known;
  const tensor = unpackSaved(saved, node.op.name, node) as Tensor;
  if (node.visit !== null) (node.visit.unpacked ??= new Map()).set(saved, tensor);
  return tensor;
}

/**
 * A value that `op` saved, as it was then; `node` tells messages where.
 * @throws when it was changed in place since
 */
export function unpackSaved(
  saved: Saved, op: string, node: Node | null = null,
): Tensor | number {
  const { packed } = saved;
  const value = packed === null ? saved.value : unpacked(packed, op);
  if (typeof value === "number") return value;
  const version = packed === null ? saved.version : packed.version;
  if (version !== null && value.storage.version !== version) {
    failModified(op, saved, value, node);
  }
  if (value.history === saved.history) return value;
  const alias = new Tensor(value.storage, value.shape, value.strides, value.offset);
  alias.history = saved.history;
  alias.outputIndex = saved.outputIndex;
  alias.tangents = value.tangents;
  return alias;
}

function failReleased(node: Node): never {
  const { op: { name }, outputs: [{ shape }] } = node;
  const line = lineOf(node);
  fail("backward", "Trying to backward through the graph a second time (or directly access saved " +
    "tensors after they have already been freed). Saved intermediate values of the graph, here " +
    `those of ${name}${atLine(node)}, are freed when you call .backward() or autograd.grad(). ` +
    "Specify retainGraph: true if you need to backward through the graph a second time or if " +
    "you need to access saved tensors after calling backward. In a loop, what each turn goes " +
    `back through must be computed in that turn: this ${name} of shape [${shape.join(", ")}] was ` +
    "not; compute it inside, or detach() it" + (line !== null ? "" : ". Hint: detectAnomaly(() " +
    "=> …) around both passes adds the line of your code"), { node: node.name, shape, line });
}

function failModified(op: string, saved: Saved, value: Tensor, node: Node | null): never {
  const { shape, storage } = value;
  const changedAt = lineOf(storage.memory);
  const made = (saved.history as Node | null);
  const origin = made === null || made.isAccumulator
    ? "" : `, which is output ${saved.outputIndex} of ${made.name},`;
  fail("backward", "one of the variables needed for gradient computation has been modified by " +
    `an inplace operation: the tensor of shape [${shape.join(", ")}]${origin} that ` +
    `${op}${node === null ? "" : atLine(node)} saved as ${saved.name} is at version ` +
    `${storage.version}; expected version ${saved.version} instead. It was last changed by ` +
    (storage.writer || "an in-place write") + (changedAt !== null ? ` at ${changedAt}`
    : ". Hint: detectAnomaly(() => …) around both passes adds the lines of your code"), {
    savedBy: op, savedAt: node === null ? null : lineOf(node),
    changedBy: storage.writer, changedAt,
  });
}

/** Whether a gradient has the shape and dtype of the output it belongs to. */
export function matches(gradient: Tensor, type: OutputType): boolean {
  return gradient.dtype === type.dtype && sameShape(gradient.shape, type.shape);
}
