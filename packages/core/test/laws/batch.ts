// Laws of vmap: an op on a batch against the op on each sample, and gradients inside and outside.
import { Tensor, grad, stack } from "../../src/index.ts";
import { vmap } from "../../src/transforms/vmap/vmap.ts";
import {
  apply, differentiable, outputsOf, randomLike, rounds, vjp, writes, type AnyOp,
} from "./call.ts";
import { isDrawn, laidOut, mapTensors, tensorsIn, type Call, type Drawn } from "./draw.ts";
import { demand, demandClose, thrownBy } from "./expect.ts";

const samples = 3;

/** Sums in another order: 2⁻⁵³ for each of a few hundred terms, and a cancellation. */
const exact = { rtol: 0, atol: 1e-12, scale: 1 };

/** Values that pass through float32: 2⁻²⁴ each. */
const rounded = { rtol: 0, atol: 1e-5, scale: 1 };

/** Ops that give no tensor, or one whose shape depends on values. */
const reading: ReadonlySet<string> = new Set(["equal", "allclose", "nonzero"]);

/** Ops whose arguments may hold a mask, which gives as many elements as it has truths. */
const masking: ReadonlySet<string> = new Set(["index", "indexPut", "indexPut_", "maskedSelect"]);

/** The tensors of a call, each a batch along a dimension, or (`dim` null) the same for all. */
interface Batch {
  readonly tensors: readonly Tensor[];
  readonly dims: readonly (number | null)[];
}

/** Which dimension counts the samples, differently for each tensor of a call. */
function dimsFor(op: AnyOp, { args, seed }: Call): (number | null)[] {
  const dims = tensorsIn(args, isDrawn).map(({ shape }, k) => {
    const dim = [0, null, 1, -1][(seed >> (2 * k)) & 3];
    return dim === 1 && shape.length === 0 ? 0 : dim;
  });
  return writes(op) || dims.every((dim) => dim === null) ? dims.with(0, 0) : dims;
}

/** Sample `i` has the values of the call moved around by `i` places: all in the same domain. */
function batchOf(op: AnyOp, call: Call, requiresGrad: boolean): Batch {
  const dims = dimsFor(op, call);
  const tensors = tensorsIn(call.args, isDrawn).map((drawn, k) => {
    const dtype = drawn.drawn === "float" ? "float64" : drawn.drawn;
    const made = dims[k] === null ? laidOut(drawn, dtype)
      : stack(Array.from({ length: samples }, (_, i) => laidOut(moved(drawn, i), dtype)), dims[k]);
    return requiresGrad && drawn.drawn === "float" ? made.requiresGrad_() : made;
  });
  return { tensors, dims };
}

function moved(drawn: Drawn, by: number): Drawn {
  const { values } = drawn;
  return { ...drawn, values: values.map((_, i) => values[(i + by) % values.length]) };
}

/** The arguments of a call with other tensors in it. */
function withTensors({ args }: Call, tensors: readonly Tensor[]): unknown[] {
  let next = 0;
  return mapTensors(args, isDrawn, () => tensors[next++]) as unknown[];
}

function loop(
  run: (tensors: readonly Tensor[]) => readonly Tensor[], { tensors, dims }: Batch,
): Tensor[] {
  const results = Array.from({ length: samples }, (_, i) => run(tensors.map((tensor, k) => {
    const dim = dims[k];
    return dim === null ? tensor : tensor.select(dim, i);
  })));
  return results[0].map((_, i) => stack(results.map((outputs) => outputs[i])));
}

function together(
  run: (tensors: readonly Tensor[]) => readonly Tensor[], { tensors, dims }: Batch,
): readonly Tensor[] {
  return vmap((...given: Tensor[]) => [...run(given)], { inDims: dims })(...tensors);
}

/** Whether it lies in the nature of a call that it can't be done for all samples at once. */
function cannotBatch(op: AnyOp, call: Call): boolean {
  const dims = dimsFor(op, call);
  const mapped = tensorsIn(call.args, isDrawn).filter((_, k) => dims[k] !== null);
  return reading.has(op.definition.name) ? mapped.length > 0
    : masking.has(op.definition.name) && mapped.some(({ drawn }) => drawn === "bool");
}

/** What is checked: ways to run an op on the tensors of a call. */
function ways(op: AnyOp, call: Call): [what: string, (tensors: readonly Tensor[]) => Tensor[]][] {
  const { inPlace } = op.definition;
  const all: ReturnType<typeof ways> = [["", (tensors) => apply(op, withTensors(call, tensors))]];
  const [first] = call.args;
  if (inPlace === null || !isDrawn(first)) return all;
  const write = inPlace as unknown as (...args: unknown[]) => unknown;
  return [...all, ["in place: ", (tensors) => {
    const [target, ...others] = withTensors(call, tensors);
    return outputsOf(write, [(target as Tensor).clone(), ...others]);
  }]];
}

/** `vmap` of the op gives what the op gives for each sample, and the gradients of that. */
export function vmapIsALoop(op: AnyOp, call: Call): void {
  if (tensorsIn(call.args, isDrawn).length === 0) return;
  for (const [what, run] of ways(op, call)) {
    const [one, other] = [batchOf(op, call, true), batchOf(op, call, true)];
    let expected: Tensor[];
    const unfit = thrownBy(() => { expected = loop(run, one); });
    if (unfit !== undefined) { // a write that no sample takes
      demand(thrownBy(() => together(run, other)) !== undefined,
        () => `${what}vmap accepts what is refused for a sample: ${unfit}`);
      continue;
    }
    let actual: readonly Tensor[];
    const problem = thrownBy(() => { actual = together(run, other); });
    if (problem !== undefined) {
      const mayRefuse = cannotBatch(op, call) ? /dynamic shape|data-dependent control flow/
        : what === "" ? /^$/ : /inplace arithmetic/;
      if (!mayRefuse.test(`${problem}`)) throw problem;
      continue;
    }
    demand(expected!.length === 0 || !cannotBatch(op, call), "vmap must refuse this");
    const bounds = rounds(expected!) ? rounded : exact;
    expected!.forEach((output, i) =>
      demandClose(`${what}output ${i}`, actual[i], output, bounds));
    const [wanted, given] = [vjp(expected!, floats(one), call.seed),
      vjp([...actual!], floats(other), call.seed)];
    wanted.forEach((gradient, i) =>
      demandClose(`${what}gradient ${i}`, given[i], gradient, bounds));
  }
}

/** Gradients taken inside of `vmap` are those of each sample. */
export function gradientsArePerSample(op: AnyOp, call: Call): void {
  if (tensorsIn(call.args, isDrawn).length === 0 || cannotBatch(op, call)) return;
  const batch = batchOf(op, call, false);
  const gradients = (tensors: readonly Tensor[]): Tensor[] => {
    const leaves = tensors.map((tensor) =>
      tensor.isFloatingPoint() ? tensor.detach().requiresGrad_() : tensor);
    const outputs = differentiable(apply(op, withTensors(call, leaves)));
    const wanted = leaves.filter((leaf) => leaf.requiresGrad);
    return outputs.length === 0 || wanted.length === 0 ? [] : grad(outputs, wanted, {
      gradOutputs: randomLike(outputs, call.seed), materializeGrads: true,
    }) as Tensor[];
  };
  let expected: Tensor[];
  const unfit = thrownBy(() => { expected = loop(gradients, batch); });
  if (unfit !== undefined) {
    demand(thrownBy(() => together(gradients, batch)) !== undefined,
      () => `vmap accepts what is refused for a sample: ${unfit}`);
    return;
  }
  const actual = together(gradients, batch);
  demand(actual.length === expected!.length, "there are other gradients inside of vmap");
  expected!.forEach((gradient, i) =>
    demandClose(`gradient ${i} of each sample`, actual[i], gradient,
      rounds(apply(op, withTensors(call, loopFirst(batch)))) ? rounded : exact));
}

function loopFirst({ tensors, dims }: Batch): Tensor[] {
  return tensors.map((tensor, k) => {
    const dim = dims[k];
    return dim === null ? tensor : tensor.select(dim, 0);
  });
}

function floats({ tensors }: Batch): Tensor[] {
  return tensors.filter((tensor) => tensor.isFloatingPoint());
}
