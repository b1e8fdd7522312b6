// Laws about memory: what an op may share, write, keep, and what a refused call may leave behind.
import {
  ChainruleError, defaultGenerator, grad, noGrad, type Tensor,
} from "../../src/index.ts";
import { bumpVersion } from "../../src/internal.ts";
import {
  apply, build, differentiable, outputsOf, randomLike, stopsGradients, vjp, writes, type AnyOp,
} from "./call.ts";
import type { Call } from "./draw.ts";
import { demand, demandSame, thrownBy } from "./expect.ts";

/** What tensors hold, to be compared later: every byte, the version, the history. */
function snapshot(tensors: readonly Tensor[]): () => string | null {
  const kept = tensors.map((tensor) => ({
    tensor, data: tensor.storage.data.slice(), version: tensor._version,
    history: tensor.history, grad: tensor.gradient,
  }));
  return () => {
    for (const [i, { tensor, data, version, history, grad: before }] of kept.entries()) {
      const changed = tensor.storage.data.findIndex((value, at) => !Object.is(value, data[at]));
      if (changed >= 0) return `tensor ${i} was changed at position ${changed} of its memory`;
      if (tensor._version !== version) return `tensor ${i} went to version ${tensor._version}`;
      if (tensor.history !== history) return `tensor ${i} has another history`;
      if (tensor.gradient !== before) return `tensor ${i} has another grad`;
    }
    return null;
  };
}

/** Neither forward nor backward changes an argument, except what a writing op writes to. */
export function argumentsStay(op: AnyOp, call: Call): void {
  const { args, tensors, leaves } = build(call, { memory: "stepped" });
  const changes = snapshot(tensors);
  const unfit = thrownBy(() => {
    const outputs = apply(op, args);
    const cotangents = randomLike(differentiable(outputs), call.seed);
    const cotangentChanges = snapshot(cotangents);
    vjp(outputs, leaves, call.seed, { cotangents });
    demand(cotangentChanges() === null, () => `backward: cotangent ${cotangentChanges()}`);
  });
  if (unfit !== undefined && !/view size is not compatible/.test(`${unfit}`)) throw unfit;
  demand(changes() === null, () => `${changes()}`);
}

/** Views share memory and version with their input; other ops make memory of their own. */
export function onlyViewsShare(op: AnyOp, call: Call): void {
  const { kind, name } = op.definition;
  if (kind === "composite" || writes(op)) return;
  const { args, tensors } = build(call);
  const outputs = apply(op, args);
  if (kind !== "view") {
    const sharing = outputs.some((output) =>
      tensors.some((tensor) => tensor.storage === output.storage));
    demand(!sharing, `${name} must not share memory with an argument`);
    return;
  }
  const [source] = tensors;
  for (const output of outputs) {
    demand(output.storage === source.storage, `${name} must share memory with its input`);
    demand(output._base === source, `${name}: _base must be the input`);
    const before = output._version;
    noGrad(() => source.add_(1));
    demand(output._version === before + 1, `${name} must share the version of its input`);
  }
}

/** Float outputs require a gradient iff an input does and recording is on; others never do. */
export function requiresGradPropagates(op: AnyOp, call: Call): void {
  const { name } = op.definition;
  const recorded = build(call);
  for (const output of apply(op, recorded.args)) {
    const wanted = output.isFloatingPoint() && recorded.leaves.length > 0 && !stopsGradients(op);
    demand(output.requiresGrad === wanted, `${name}: requiresGrad of a ${output.dtype} output ` +
      `is ${output.requiresGrad}, expected ${wanted}`);
    demand(output.isLeaf === !wanted || recorded.tensors.includes(output),
      `${name}: isLeaf of an output is ${output.isLeaf}`);
  }
  const unrecorded = build(call);
  const plain = build(call, { requiresGrad: false });
  const outputs = [...noGrad(() => apply(op, unrecorded.args)), ...apply(op, plain.args)];
  for (const output of outputs) {
    if (unrecorded.tensors.includes(output)) continue; // returned as it is: to, contiguous
    demand(!output.requiresGrad, `${name}: nothing was to be recorded, the output requires grad`);
  }
}

/**
 * Backward after a write to an argument or output either refuses or gives the gradient as if
 * nothing had been written; it refuses only where a rule that runs reads the value.
 */
export function onlyWhatIsReadIsSaved(op: AnyOp, call: Call): void {
  if (writes(op)) return;
  const reference = build(call);
  const expected = vjp(apply(op, reference.args), reference.leaves, call.seed);
  const count = reference.tensors.length + apply(op, reference.args).length;
  for (let i = 0; i < count; i++) {
    const { args, tensors, leaves } = build(call);
    const outputs = apply(op, args);
    const roots = differentiable(outputs);
    if (roots.length === 0 || leaves.length === 0) return;
    const written = [...tensors, ...outputs][i];
    const what = i < tensors.length ? `argument ${i}` : `output ${i - tensors.length}`;
    const saved = roots[0].gradFn?.saved ?? [];
    const read = saved.some(({ value }) =>
      typeof value !== "number" && value.storage === written.storage);
    scribble(written);
    const cotangents = randomLike(roots, call.seed);
    const gradients: Tensor[] = [];
    const problem = thrownBy(() => {
      gradients.push(...vjp(outputs, leaves, call.seed, { cotangents }));
    });
    const refused = /modified by an inplace operation/.test(`${problem}`);
    if (problem !== undefined && !refused) throw problem;
    demand(refused || gradients.every((gradient, k) =>
      thrownBy(() => demandSame("", gradient, expected[k])) === undefined),
    `a write to ${what} changed the gradient silently`);
    if (op.definition.kind === "composite") continue;
    demand(refused === read, refused ? `${what} is not saved, but writing to it was refused`
      : `${what} is saved, but writing to it was not noticed`);
  }
}

/** Other values, written behind the engine's back but counted. */
function scribble(tensor: Tensor): void {
  const { data } = tensor.storage;
  const isFloat = tensor.isFloatingPoint();
  for (let i = 0; i < data.length; i++) data[i] = isFloat ? data[i] + 1 : Number(data[i] === 0);
  bumpVersion(tensor, "scribble");
}

/** A call that is refused names the op and changes nothing. */
export function refusalChangesNothing(
  op: AnyOp, call: Call, message: string | RegExp,
): void {
  for (const dtype of ["float64", "float32"] as const) {
    const { args, tensors } = build(call, { dtype, requiresGrad: false });
    const changes = snapshot(tensors);
    const generator = JSON.stringify(defaultGenerator.getState());
    const problem = thrownBy(() =>
      outputsOf(op as unknown as (...args: unknown[]) => unknown, args));
    demandRefusal(op, problem);
    demand(typeof message === "string" ? problem.message.includes(message)
      : message.test(problem.message), `refused with ${JSON.stringify(problem.message)}, ` +
      `expected ${message} in it`);
    demand(changes() === null, () => `refused, but ${changes()}`);
    demand(JSON.stringify(defaultGenerator.getState()) === generator,
      "refused, but random numbers were drawn");
  }
}

/** @throws unless `problem` is the library's error with the op's name in front */
export function demandRefusal(op: AnyOp, problem: unknown): asserts problem is ChainruleError {
  demand(problem !== undefined, `${op.definition.name} must refuse this`);
  if (!(problem instanceof ChainruleError)) throw problem;
  demand(problem.message.startsWith(`${op.definition.name}: `),
    `the message must start with the op's name: ${problem.message}`);
}

/** Gradients of the same graph, twice: what the first pass gave is not changed by the second. */
export function passesAreIndependent(op: AnyOp, call: Call): void {
  const { args, leaves } = build(call);
  const roots = differentiable(apply(op, args));
  if (roots.length === 0 || leaves.length === 0) return;
  const gradOutputs = randomLike(roots, call.seed);
  const pass = () => grad(roots, leaves,
    { gradOutputs, retainGraph: true, materializeGrads: true }) as Tensor[];
  const first = pass();
  const changes = snapshot(first);
  const second = pass();
  demand(changes() === null, () => `the second pass: gradient ${changes()}`);
  second.forEach((gradient, i) =>
    demandSame(`gradient ${i} of the second pass`, gradient, first[i]));
}
