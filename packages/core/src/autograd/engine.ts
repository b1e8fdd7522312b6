// The backward pass: an iterative walk over the graph, newest node first.
import { fail, show } from "../errors.ts";
import { broadcastsTo } from "../shape/broadcast.ts";
import { sameShape, showShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { arithmetic } from "./arithmetic.ts";
import { runHooks } from "./hooks.ts";
import { setGradEnabled } from "./modes.ts";
import { unpack, type Edge, type Node, type OutputType, type RuleContext } from "./node.ts";
import { NewestFirst } from "./queue.ts";

/** One backward pass. */
export interface Pass {
  readonly roots: readonly Edge[];
  readonly gradients: readonly Tensor[];
  /** Keep saved values, so that the graph can be gone through again. */
  readonly retainGraph: boolean;
  /** Record the pass itself, so that its results can be differentiated. */
  readonly createGraph: boolean;
  /** Compute the gradients of these only; `null` for all leaves. */
  readonly targets: readonly Edge[] | null;
  /** Where the gradient of each target goes; without it targets accumulate into `.grad`. */
  readonly capture: ((target: number, gradient: Tensor) => void) | null;
}

/** What a pass knows about one node. */
interface State {
  /** How many edges from nodes that will run still have to deliver. */
  waiting: number;
  /** Whether something that is wanted lies behind this node. */
  needed: boolean;
  /** Gradients of the outputs that have arrived, added up. */
  readonly arrived: (Tensor | null)[];
  /** Positions in `targets` of outputs of this node. */
  targets: number[] | null;
}

type States = Map<Node, State>;

/** Runs a backward pass. */
export function run(pass: Pass): void {
  setGradEnabled(pass.createGraph, () => walk(pass));
}

function walk(pass: Pass): void {
  const states = discover(pass);
  const ready = new NewestFirst();
  pass.roots.forEach((edge, i) => {
    const state = states.get(edge.node)!;
    deliver(state, edge.index, pass.gradients[i]);
  });
  for (const { node } of pass.roots) {
    const state = states.get(node)!;
    if (state.waiting === 0 && state.needed && !ready.has(node)) ready.push(node);
  }
  for (let node = ready.pop(); node !== null; node = ready.pop()) {
    const state = states.get(node)!;
    const gradients = runNode(node, state, states, pass);
    node.edges.forEach((edge, i) => {
      const next = edge === null ? undefined : states.get(edge.node);
      if (edge === null || next === undefined || !next.needed) return;
      const gradient = gradients[i];
      if (gradient !== null && gradient !== undefined) deliver(next, edge.index, gradient);
      if (--next.waiting === 0) ready.push(edge.node);
    });
  }
}

/** Finds all reachable nodes, which of them are needed, and how many deliveries each waits for. */
function discover(pass: Pass): States {
  const states: States = new Map();
  const enter = (node: Node): void => {
    states.set(node, { waiting: 0, needed: false, arrived: node.outputs.map(() => null),
      targets: null });
  };
  const order: Node[] = [];
  const stack: { node: Node; next: number }[] = [];
  for (const { node: root } of pass.roots) {
    if (states.has(root)) continue;
    enter(root);
    stack.push({ node: root, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next === top.node.edges.length) {
        order.push(top.node);
        stack.pop();
        continue;
      }
      const edge = top.node.edges[top.next++];
      if (edge === null || states.has(edge.node)) continue;
      enter(edge.node);
      stack.push({ node: edge.node, next: 0 });
    }
  }
  pass.targets?.forEach((edge, i) => {
    const state = states.get(edge.node);
    if (state !== undefined) (state.targets ??= []).push(i);
  });
  for (const node of order) { // children come before parents
    const state = states.get(node)!;
    state.needed = pass.targets === null || state.targets !== null ||
      node.edges.some((edge) => edge !== null && states.get(edge.node)!.needed);
  }
  for (const node of order) {
    if (!states.get(node)!.needed) continue;
    for (const edge of node.edges) if (edge !== null) states.get(edge.node)!.waiting++;
  }
  return states;
}

function deliver(state: State, index: number, gradient: Tensor): void {
  const before = state.arrived[index];
  state.arrived[index] = before === null ? gradient : arithmetic.add(before, gradient);
}

/** Runs hooks and rules of one node; gives the gradients of its inputs. */
function runNode(node: Node, state: State, states: States, pass: Pass): (Tensor | null)[] {
  const arrived = state.arrived.map((gradient, index) => {
    if (gradient === null) return null;
    return node.hooks === null ? gradient : runHooks(node, index, gradient);
  });
  state.arrived.fill(null);
  for (const { index, tensor } of node.retained ?? []) {
    const gradient = arrived[index];
    if (gradient !== null) accumulate(tensor, gradient, pass);
  }
  keepTargets(state, arrived, pass);
  if (node.leaf !== null) {
    if (arrived[0] !== null && pass.targets === null) accumulate(node.leaf, arrived[0], pass);
    return [];
  }
  const wanted = node.edges.map((edge) => edge !== null && states.get(edge.node)!.needed);
  if (!wanted.includes(true) || arrived.every((gradient) => gradient === null)) return [];
  const results = applyRules(node, arrived, wanted);
  if (!pass.retainGraph && node.saved !== null && node.saved.length > 0) node.saved = null;
  return results;
}

function keepTargets(
  state: State, arrived: readonly (Tensor | null)[], pass: Pass,
): void {
  for (const target of state.targets ?? []) {
    const gradient = arrived[pass.targets![target].index];
    if (gradient === null) continue;
    pass.capture!(target, gradient);
  }
}

function applyRules(
  node: Node, arrived: readonly (Tensor | null)[], wanted: readonly boolean[],
): (Tensor | null)[] {
  const first = arrived[0] ?? zeros(node.outputs[0]);
  return node.edges.map((edge, i) => {
    const rule = node.op.rules[i];
    if (edge === null || rule === null || !wanted[i]) return null;
    const context: Record<string, unknown> = {
      grad: first, grads: arrived, shapes: node.shapes, attributes: node.attributes,
    };
    for (const name of rule.reads) context[name] = unpack(node, name);
    const gradient = rule.gradient(context as unknown as RuleContext);
    return gradient === null ? null : fitTo(node, i, gradient, edge.node.outputs[edge.index]);
  });
}

/** Undoes broadcasting and promotion, so that a gradient looks like the value it belongs to. */
function fitTo(node: Node, input: number, gradient: Tensor, type: OutputType): Tensor {
  if (!(gradient instanceof Tensor)) {
    fail(node.op.name, `the gradient rule must return a tensor or null, got ${show(gradient)}`);
  }
  let result = gradient;
  if (!sameShape(result.shape, type.shape)) {
    if (!broadcastsTo(type.shape, result.shape)) {
      fail(node.op.name, `Function ${node.name} returned an invalid gradient at index ${input} ` +
        `- got ${showShape(result.shape)} but expected shape compatible with ` +
        showShape(type.shape));
    }
    result = arithmetic.sumToSize(result, type.shape);
  }
  return result.dtype === type.dtype ? result : arithmetic.cast(result, type.dtype);
}

/**
 * Adds a gradient to `.grad`: in place, so that references to it stay valid, unless the pass is
 * recorded. The first one is copied, because others may hold it too.
 */
export function accumulate(
  leaf: Tensor, gradient: Tensor, { createGraph }: { readonly createGraph: boolean },
): void {
  if (leaf.gradient === null) leaf.gradient = arithmetic.clone(gradient);
  else if (createGraph) leaf.gradient = arithmetic.add(leaf.gradient, gradient);
  else arithmetic.addInPlace(leaf.gradient, gradient);
}

function zeros(type: OutputType): Tensor {
  return arithmetic.full(type.shape, 0, type.dtype);
}
