// Laws that compare ways to do the same: dtypes, methods, in-place variants, memory layouts, runs.
import { Tensor, manualSeed } from "../../src/index.ts";
import { sameShape } from "../../src/internal.ts";
import {
  apply, build, differentiable, outputsOf, randomLike, vjp, writes, type AnyOp, type Built,
} from "./call.ts";
import { isDrawn, mapTensors, strided, valuesIn, type Call } from "./draw.ts";
import { demand, demandClose, demandSame, thrownBy } from "./expect.ts";

/** float32 gives the values and gradients of float64, rounded. */
export function float32IsFloat64Rounded(op: AnyOp, call: Call): void {
  const [narrow, wide] = (["float32", "float64"] as const).map((dtype) => {
    const built = build(call, { dtype });
    const outputs = apply(op, built.args);
    return { outputs, gradients: vjp(outputs, built.leaves, call.seed) };
  });
  // A result is rounded at most once per op it is made of (2⁻²⁴ each). The bound is that of the
  // conformance fixtures; cancellation leaves errors of the size of the terms, hence `scale`.
  const bounds = { rtol: 2e-5, atol: 1e-6, scale: 1 };
  narrow.outputs.forEach((output, i) =>
    demandClose(`float32 output ${i}`, output, wide.outputs[i], bounds));
  narrow.gradients.forEach((gradient, i) =>
    demandClose(`float32 gradient ${i}`, gradient, wide.gradients[i], bounds));
}

/** The method gives what the function gives, with one of its tensors as `this`. */
export function methodIsFunction(op: AnyOp, call: Call): void {
  const { name, method } = op.definition;
  const owner = Tensor.prototype as unknown as Record<string, unknown>;
  if (typeof owner[name] !== "function" || writes(op)) return;
  const expected = apply(op, build(call, { requiresGrad: false }).args);
  const { args } = build(call, { requiresGrad: false });
  const positions = method === null ? [0] : args.keys();
  const problems: unknown[] = [];
  for (const position of positions) {
    const self = args[position];
    if (!(self instanceof Tensor)) continue;
    const others = args.filter((_, i) => i !== position);
    const methods = self as unknown as Record<string, (...rest: unknown[]) => unknown>;
    const problem = thrownBy(() =>
      demandAllSame(`x.${name}(…)`, outputsOf((...rest) => methods[name](...rest), others), expected));
    if (problem === undefined) return;
    problems.push(problem);
  }
  if (problems.length > 0) throw problems[0];
}

/** The in-place variant writes what the function returns, and has its gradients. */
export function inPlaceIsFunction(op: AnyOp, call: Call): void {
  const write = op.definition.inPlace as ((...args: unknown[]) => unknown) | null;
  const plain = build(call);
  const [first] = plain.args;
  if (write === null || !(first instanceof Tensor)) return;
  const [expected] = apply(op, plain.args);
  const built = build(call);
  const target = (built.args[0] as Tensor).clone();
  const version = target._version;
  const run = () => write(target, ...built.args.slice(1));
  if (!sameShape(expected.shape, target.shape)) {
    const before = target.clone();
    demand(/doesn't match the broadcast shape/.test(`${thrownBy(run)}`),
      `${op.definition.name}_ must refuse a result that does not fit`);
    demandSame("the target of a refused write", target, before);
    return;
  }
  demand(run() === target, `${op.definition.name}_ must return the tensor it writes to`);
  demand(target._version === version + 1, `${op.definition.name}_ must count one write`);
  demandSame(`x.${op.definition.name}_(…)`, target, expected);
  const gradients = vjp([expected], plain.leaves, call.seed);
  vjp([target], built.leaves, call.seed).forEach((gradient, i) =>
    demandSame(`gradient ${i} of x.${op.definition.name}_(…)`, gradient, gradients[i]));
}

/** Strides and offset of the inputs make no difference, nor do those of the cotangents. */
export function layoutDoesNotMatter(op: AnyOp, call: Call): void {
  for (const memory of strided) {
    const shown = { ...call, args: mapTensors(call.args, isDrawn, (drawn) =>
      valuesIn(drawn, memory)) as unknown[] };
    const plain = build(shown);
    const laid = build(call, { memory });
    const expected = apply(op, plain.args);
    const actual: Tensor[] = [];
    const problem = thrownBy(() => actual.push(...apply(op, laid.args)));
    if (/view size is not compatible/.test(`${problem}`)) continue; // `view` never copies
    if (problem !== undefined) throw problem;
    const flowing = differentiable(expected);
    const cotangents = randomLike(flowing, call.seed);
    const turned = cotangents.map((cotangent) => reversedStrides(cotangent));
    demandAllClose(`${memory}: output`, actual, expected);
    demandAllClose(`${memory}: gradient`,
      vjp(actual, laid.leaves, call.seed, { cotangents: turned }),
      vjp(expected, plain.leaves, call.seed, { cotangents }));
  }
}

/** Two runs give the same bits. */
export function runsAreIdentical(op: AnyOp, call: Call): void {
  const [first, second] = [0, 1].map(() => {
    manualSeed(call.seed);
    const built: Built = build(call);
    const outputs = apply(op, built.args);
    return { outputs, gradients: vjp(outputs, built.leaves, call.seed) };
  });
  demandAllSame("second run: output", second.outputs, first.outputs);
  demandAllSame("second run: gradient", second.gradients, first.gradients);
}

/** The same values, last dimension outermost in memory. */
function reversedStrides(tensor: Tensor): Tensor {
  const order = tensor.shape.map((_, i) => i).reverse();
  return tensor.permute(order).clone().permute(order).detach();
}

/** The order in which sums are taken may differ: rounding of float64, a few hundred terms. */
function demandAllClose(
  what: string, actual: readonly Tensor[], expected: readonly Tensor[],
): void {
  demand(actual.length === expected.length,
    `${what}: ${actual.length} tensors, expected ${expected.length}`);
  actual.forEach((tensor, i) =>
    demandClose(`${what} ${i}`, tensor, expected[i], { rtol: 1e-13, atol: 1e-13, scale: 1 }));
}

function demandAllSame(
  what: string, actual: readonly Tensor[], expected: readonly Tensor[],
): void {
  demand(actual.length === expected.length,
    `${what}: ${actual.length} tensors, expected ${expected.length}`);
  actual.forEach((tensor, i) => demandSame(`${what} ${i}`, tensor, expected[i]));
}
