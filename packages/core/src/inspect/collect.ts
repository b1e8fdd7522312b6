// From the tape to plain data: every node behind some tensors, in the order they were computed.
import { itemSize } from "../dtype.ts";
import { nodeOf, type Node, type Saved } from "../autograd/node.ts";
import { fail } from "../errors.ts";
import { numel, sameShape, showShape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { describeAttributes } from "./attributes.ts";
import type { GraphData, GraphEdge, GraphNode } from "./graph.ts";

/** What measuring has found out about a node. */
export interface Measured {
  readonly values: GraphNode["values"];
  readonly gradNorm: number | null;
  readonly milliseconds: number | null;
}

/** What else is known about the nodes of the tape. */
export interface Knowledge {
  readonly names: ReadonlyMap<Tensor, string>;
  readonly lineOf: (node: Node) => string | null;
  readonly measured: (node: Node) => Measured;
}

/**
 * All nodes behind the tensors, oldest first.
 * @throws when a tensor was not computed from anything that requires grad
 */
export function reachable(tensors: readonly Tensor[]): Node[] {
  const stack: Node[] = [];
  tensors.forEach((tensor, i) => {
    const node = nodeOf(tensor);
    if (node === null) {
      fail("inspect", `element ${i} of tensors does not require grad and does not have a gradFn: ` +
        `shape ${showShape(tensor.shape)}. There is no graph behind it`);
    }
    stack.push(node);
  });
  const seen = new Set<Node>();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const edge of node.edges) if (edge !== null && !seen.has(edge.node)) stack.push(edge.node);
  }
  return [...seen].sort((a, b) => a.sequence - b.sequence);
}

/** The nodes as plain data; leaves and data stand right before the first operation on them. */
export function collect(
  tape: readonly Node[], outputs: readonly Tensor[], knowledge: Knowledge,
): GraphData {
  const collector = new Collector(outputs, knowledge);
  for (const node of tape) if (!node.isAccumulator) collector.addOperation(node);
  for (const node of tape) if (node.isAccumulator) collector.idOf(node); // outputs that are leaves
  const { nodes, edges } = collector;
  return { nodes, edges, blocks: [], savedBytes: heldBytes(tape) };
}

class Collector {
  readonly nodes: GraphNode[] = [];
  readonly edges: GraphEdge[] = [];
  private readonly ids = new Map<Node, number>();
  private readonly data = new Map<object, { readonly tensor: Tensor; readonly id: number }[]>();
  private readonly roots: ReadonlySet<Node | null>;
  private readonly knowledge: Knowledge;

  constructor(outputs: readonly Tensor[], knowledge: Knowledge) {
    this.roots = new Set(outputs.map(nodeOf));
    this.knowledge = knowledge;
  }

  addOperation(node: Node): void {
    const { op, edges, shapes, saved } = node;
    const sources = edges.map((edge, i) => {
      if (edge !== null) return { id: this.idOf(edge.node), output: edge.index };
      const kept = saved?.find(({ name }) => name === op.inputs[i]);
      return { id: this.idOfData(shapes[i], kept), output: 0 };
    });
    const to = this.idOf(node);
    sources.forEach(({ id, output }, i) => {
      if (id === null) return;
      this.edges.push(
        { from: id, output, to, input: op.inputs[i] ?? `${i}`, count: 1, isCarried: false });
    });
  }

  idOf(node: Node): number {
    const known = this.ids.get(node);
    if (known !== undefined) return known;
    const { leaf } = node;
    const given = leaf === null ? undefined : this.knowledge.names.get(leaf);
    const id = this.add({
      kind: leaf === null ? "op" : "parameter",
      op: leaf === null ? node.op.name : given ?? "leaf",
      name: node.name, outputs: node.outputs, isNamed: given !== undefined,
      attributes: leaf === null ? describeAttributes(node.op, node.attributes) : "",
      savedBytes: (node.saved ?? []).reduce((sum, { value }) => sum + bytesOf(value), 0),
      line: this.knowledge.lineOf(node), isOutput: this.roots.has(node),
      ...this.knowledge.measured(node),
    });
    this.ids.set(node, id);
    return id;
  }

  /** Data is the same where an operation has kept it; numbers and lone values are left out. */
  private idOfData(shape: readonly number[], kept: Saved | undefined): number | null {
    const tensor = typeof kept?.value === "object" ? kept.value : null;
    if (tensor === null && shape.length === 0) return null;
    const known = tensor && this.dataIn(tensor.storage).find((at) => isSame(at.tensor, tensor));
    if (known) return known.id;
    const name = tensor === null ? undefined : this.knowledge.names.get(tensor);
    const id = this.add({
      kind: "data", op: name ?? "data", name: null,
      outputs: [{ shape, dtype: tensor?.dtype ?? null }], isNamed: name !== undefined,
      attributes: "", savedBytes: 0, line: null, isOutput: false,
      values: null, gradNorm: null, milliseconds: null,
    });
    if (tensor !== null) this.dataIn(tensor.storage).push({ tensor, id });
    return id;
  }

  private dataIn(storage: object) {
    const list = this.data.get(storage) ?? [];
    this.data.set(storage, list);
    return list;
  }

  private add(node: Omit<GraphNode, "id" | "count" | "block">): number {
    const id = this.nodes.length;
    this.nodes.push({ id, ...node, count: 1, block: null });
    return id;
  }
}

function isSame(a: Tensor, b: Tensor): boolean {
  return a.offset === b.offset && sameShape(a.shape, b.shape) && sameShape(a.strides, b.strides);
}

function bytesOf(value: Tensor | number): number {
  return typeof value === "number" ? 0 : numel(value.shape) * itemSize(value.dtype);
}

/** Bytes that would be free if the graph were gone. */
function heldBytes(tape: readonly Node[]): number {
  const seen = new Set<object>();
  for (const { leaf } of tape) if (leaf !== null) seen.add(leaf.storage);
  let bytes = 0;
  for (const { saved } of tape) {
    for (const { value } of saved ?? []) {
      if (typeof value === "number" || seen.has(value.storage)) continue;
      seen.add(value.storage);
      bytes += value.storage.length * itemSize(value.dtype);
    }
  }
  return bytes;
}
