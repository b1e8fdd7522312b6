// The backward pass: an iterative walk over the graph, newest node first.
import { fail, show } from "../errors.ts";
import { broadcastsTo } from "../shape/broadcast.ts";
import { numel, sameShape, showShape } from "../shape/dims.ts";
import { isBatching } from "../storage/batched.ts";
import { trackCreations } from "../storage/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import { anomaly } from "./anomaly.ts";
import { arithmetic } from "./arithmetic.ts";
import { settled } from "./batch.ts";
import { runHooks } from "./hooks.ts";
import { setGradEnabled } from "./modes.ts";
import {
  runPosthooks, runPostAccumulateGradHooks, runPrehooks, seeGradients, type NodeGradients,
  type NodeHooks,
} from "./node-hooks.ts";
import {
  unpack, type Edge, type Node, type OutputType, type Rule, type RuleContext, type Visit,
} from "./node.ts";
import { NewestFirst } from "./queue.ts";
import { isForward } from "./tangents.ts";
import { Temporaries } from "./temporaries.ts";
import { enterPass } from "./reentry.ts";
import { releasePacked } from "./saved-hooks.ts";

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
  /** What rules have made; `null` where it may be seen: recorded passes, and forward mode. */
  temporaries?: Temporaries | null;
}

/** Runs a backward pass. */
export function run(pass: Pass): void {
  enterPass(pass, walkInMode);
}

function walkInMode(pass: Pass): void {
  const body = () => setGradEnabled(pass.createGraph, () => walk(pass));
  if (anomaly === null) body();
  else anomaly.pass(body);
}

function walk(pass: Pass): void {
  const visits = discover(pass);
  const outer = trackCreations(null);
  pass.temporaries = pass.createGraph || isForward ? null : new Temporaries();
  try {
    const ready = new NewestFirst();
    pass.roots.forEach(({ node, index }, i) => {
      deliver(node.visit!, index, pass.gradients[i], false, null);
    });
    for (const { node } of pass.roots) {
      const { waiting, needed } = node.visit!;
      if (waiting === 0 && needed && !ready.has(node)) ready.push(node);
    }
    for (let node = ready.pop(); node !== null; node = ready.pop()) runNode(node, pass, ready);
  } finally {
    trackCreations(outer);
    for (const visit of visits) visit.node.visit = visit.outer;
  }
}

/** Visits all reachable nodes, inputs first: which are needed, and what each waits for. */
function discover(pass: Pass): Visit[] {
  const visits: Visit[] = [];
  const stack: Visit[] = [];
  for (const { node: root } of pass.roots) {
    if (root.visit?.pass === pass) continue;
    stack.push(enter(root, pass));
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const { edges } = top.node;
      if (top.next === edges.length) {
        visits.push(stack.pop()!);
        continue;
      }
      const edge = edges[top.next++];
      if (edge !== null && edge.node.visit?.pass !== pass) stack.push(enter(edge.node, pass));
    }
  }
  pass.targets?.forEach(({ node: { visit } }, i) => {
    if (visit?.pass === pass) (visit.targets ??= []).push(i);
  });
  for (const visit of visits) {
    const { edges } = visit.node;
    visit.needed = pass.targets === null || visit.targets !== null ||
      edges.some((edge) => edge !== null && edge.node.visit!.needed);
    if (!visit.needed) continue;
    for (const edge of edges) if (edge !== null) edge.node.visit!.waiting++;
  }
  return visits;
}

function enter(node: Node, pass: Pass): Visit {
  const arrived = node.outputs.length === 1 ? [null] : node.outputs.map(() => null);
  return node.visit = {
    node, pass, next: 0, waiting: 0, needed: false, arrived, isOwn: false, targets: null,
    outer: node.visit, unpacked: null,
  };
}

function deliver(
  visit: Visit, index: number, gradient: Tensor, isOwn: boolean, temporaries: Temporaries | null,
): void {
  const before = visit.arrived[index];
  temporaries?.hold(gradient);
  visit.isOwn = isOwn || before !== null;
  if (before === null) {
    visit.arrived[index] = gradient;
    return;
  }
  temporaries?.track();
  const sum = visit.arrived[index] = arithmetic.add(before, gradient);
  if (temporaries === null) return;
  temporaries.settle(sum);
  temporaries.hold(sum);
  temporaries.drop(before);
  temporaries.drop(gradient);
}

/** Runs hooks and rules of one node, and delivers the gradients of its inputs. */
function runNode(node: Node, pass: Pass, ready: NewestFirst): void {
  const visit = node.visit!;
  const { arrived } = visit;
  visit.arrived = released; // what nobody else holds can be collected when the rules are done
  const { temporaries } = pass;
  if (node.hooks !== null || node.retained !== null || visit.targets !== null ||
    node.op.isUserCode === true) {
    temporaries?.escapeAll(arrived);
  }
  const { hooks, leaf } = node;
  if (hooks !== null && seeGradients(hooks)) runTensorHooks(hooks, visit, arrived);
  const outer = anomaly === null ? null : anomaly.enter(node, arrived);
  if (node.retained !== null) {
    for (const { index, tensor } of node.retained) {
      const gradient = arrived[index];
      if (gradient !== null) accumulate(tensor, gradient, pass);
    }
  }
  if (visit.targets !== null && pass.capture !== null) keepTargets(visit.targets, arrived, pass);
  if (hooks !== null && isRun(node, pass)) runPrehooks(hooks, arrived);
  if (leaf !== null) {
    if (pass.capture === null) accumulateLeaf(node, leaf, arrived, pass);
    return;
  }
  applyRules(node, arrived, pass, ready);
  temporaries?.dropAll(arrived);
  if (anomaly !== null) anomaly.leave(outer);
}

/** Runs the hooks of tensors, which may write to what they are given: others may hold it too. */
function runTensorHooks(hooks: NodeHooks, visit: Visit, arrived: (Tensor | null)[]): void {
  const isOwn = visit.isOwn && arrived.length === 1;
  for (const index of new Set(hooks.tensor.map((entry) => entry.index))) {
    const gradient = arrived[index];
    if (gradient === null) continue;
    arrived[index] = runHooks(hooks, index, isOwn ? gradient : arithmetic.clone(gradient));
  }
  visit.isOwn = false;
}

/** Whether a node runs itself, and is not only where gradients of targets arrive. */
function isRun({ edges }: Node, { capture }: Pass): boolean {
  return capture === null || edges.some((edge) => edge !== null && edge.node.visit!.needed);
}

function accumulateLeaf(node: Node, leaf: Tensor, arrived: NodeGradients, pass: Pass): void {
  const [gradient] = arrived;
  const { temporaries } = pass;
  if (gradient !== null) {
    accumulate(leaf, gradient, pass, node.visit!.isOwn);
    if (temporaries) finish(temporaries, leaf, gradient);
  }
  if (node.hooks === null) return;
  if (gradient !== null) runPostAccumulateGradHooks(node.hooks, leaf);
  runPosthooks(node.hooks, [], arrived);
}

const released: (Tensor | null)[] = [];

/** Gives up a gradient that was added to a leaf's, or has become that. */
function finish(temporaries: Temporaries, leaf: Tensor, gradient: Tensor): void {
  if (leaf.gradient === gradient) temporaries.escape(gradient);
  else temporaries.drop(gradient);
}

function keepTargets(
  targets: readonly number[], arrived: readonly (Tensor | null)[], pass: Pass,
): void {
  for (const target of targets) {
    const gradient = arrived[pass.targets![target].index];
    if (gradient !== null) pass.capture!(target, gradient);
  }
}

/** Delivers the gradient of each input that is wanted, then frees what the rules have read. */
function applyRules(
  node: Node, arrived: readonly (Tensor | null)[], pass: Pass, ready: NewestFirst,
): void {
  const { edges, op, hooks } = node;
  const visit = node.visit!;
  const temporaries = pass.temporaries!;
  const isTracked = temporaries !== null && op.isUserCode !== true && hooks === null;
  let all: readonly (Tensor | null)[] | null = null;
  // a user's backward also runs where nothing arrived, as in PyTorch: it may be given zeros
  const isReached = arrived[0] !== null || op.isUserCode === true ||
    arrived.some((gradient) => gradient !== null);
  let hasRun = false;
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i];
    if (edge === null) continue;
    const next = edge.node.visit!;
    if (!next.needed) continue;
    if (isReached) {
      hasRun = true;
      const rule = op.rules[i]!;
      const context = contextFor(node, rule, arrived);
      if (isTracked) temporaries.track();
      const given = op.gradients === undefined && hooks === null ? rule.gradient(context)
        : (all ??= allGradients(node, context, arrived))[i];
      const gradient =
        given === null ? null : fitTo(node, i, given, edge.node.outputs[edge.index]);
      if (isTracked) temporaries.settle(gradient);
      if (gradient !== null) {
        if (anomaly !== null) anomaly.delivered(node, i, gradient);
        const isOwn = op.isUserCode !== true && hooks === null && visit.unpacked === null &&
          isFresh(gradient, node, arrived);
        deliver(next, edge.index, gradient, isOwn, temporaries);
      }
    }
    if (--next.waiting === 0) ready.push(edge.node);
  }
  if (!hasRun || node.saved === null || node.saved.length === 0) return;
  if (visit.unpacked !== null) {
    visit.unpacked = null;
    releasePacked(node.saved);
  }
  if (!pass.retainGraph) node.saved = null;
}

/** The gradients of all inputs that are wanted, as the hooks of the node leave them. */
function allGradients(
  node: Node, context: RuleContext, arrived: NodeGradients,
): NodeGradients {
  const { op, hooks, edges } = node;
  const given = op.gradients?.(context);
  if (hooks === null) return given!;
  const gradients = edges.map((edge, i) => {
    if (edge === null || !edge.node.visit!.needed) return null;
    const rule = op.rules[i]!;
    const gradient =
      given === undefined ? rule.gradient(contextFor(node, rule, arrived)) : given[i];
    return gradient && fitTo(node, i, gradient, edge.node.outputs[edge.index]);
  });
  return runPosthooks(hooks, gradients, arrived);
}

function contextFor(node: Node, rule: Rule, arrived: readonly (Tensor | null)[]): RuleContext {
  const context: { [name: string]: unknown } = {
    grad: arrived[0] ?? zeros(node.outputs[0]), grads: arrived, shapes: node.shapes,
    attributes: node.attributes,
  };
  for (const name of rule.reads) context[name] = unpack(node, name);
  return context as unknown as RuleContext;
}

/** Whether a rule has made a gradient in memory of its own, which nobody else can hold. */
function isFresh(
  gradient: Tensor, { saved }: Node, arrived: readonly (Tensor | null)[],
): boolean {
  const { storage } = gradient;
  const { memory } = storage;
  if (gradient.history !== null || gradient.base !== null || !gradient.isContiguous() ||
    storage.length !== numel(gradient.shape)) return false;
  for (const other of arrived) if (other?.storage.memory === memory) return false;
  for (const { value } of saved ?? []) {
    if (typeof value !== "number" && value.storage.memory === memory) return false;
  }
  return true;
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
  if (isBatching) result = settled(result, type);
  return result.dtype === type.dtype ? result : arithmetic.cast(result, type.dtype);
}

/**
 * Adds a gradient to `.grad`: in place, so that references to it stay valid, unless the pass is
 * recorded. The first one is copied where others may hold it too.
 */
export function accumulate(
  leaf: Tensor, gradient: Tensor, { createGraph }: { readonly createGraph: boolean },
  isOwn = false,
): void {
  if (leaf.gradient === null) {
    leaf.gradient = isOwn && !createGraph ? gradient : arithmetic.clone(gradient);
    leaf.gradient.storage.isPrivate = leaf.gradient.history === null && leaf.gradient !== leaf;
  } else if (createGraph) leaf.gradient = arithmetic.add(leaf.gradient, gradient);
  else arithmetic.addInPlace(leaf.gradient, gradient);
}

function zeros(type: OutputType): Tensor {
  return arithmetic.full(type.shape, 0, type.dtype);
}
