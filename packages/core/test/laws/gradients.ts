// Laws of derivatives: against central differences, to first and second order, and linearity.
import { grad, type Tensor } from "../../src/index.ts";
import {
  apply, build, differentiable, floatsIn, randomLike, rounds, stopsGradients, vjp, withValues,
  type AnyOp,
} from "./call.ts";
import type { Call } from "./draw.ts";
import { closeValues, demand, demandClose } from "./expect.ts";

/**
 * Step of the differences. Its error is `h²/6 f''' + 2⁻⁵³ f/h`, about `1e-11 f''' + 1e-11 f`:
 * a relative bound of 1e-6 leaves room for third derivatives 1e5 times the first, an absolute one
 * of 1e-7 for values up to 1e4.
 */
const exact = { step: 2 ** -17, rtol: 1e-6, atol: 1e-7 };

/** Conversions to float32 are linear but for steps of 2⁻²⁴: a long step divides those by 2⁻⁵. */
const rounded = { step: 2 ** -5, rtol: 1e-5, atol: 1e-4 };

/** Gradients agree with central differences in float64, for random cotangents and directions. */
export function gradientIsTheDerivative(op: AnyOp, call: Call): void {
  if (stopsGradients(op)) return;
  const { args, leaves } = build(call);
  const outputs = apply(op, args);
  const precision = rounds(outputs) ? rounded : exact;
  const cotangents = randomLike(outputs.filter((output) => output.isFloatingPoint()), call.seed);
  const flowing = cotangentsOf(outputs, cotangents);
  const gradients = vjp(outputs, leaves, call.seed, { cotangents: flowing });
  const value = (moved: Call): number => {
    const results = apply(op, build(moved, { requiresGrad: false }).args)
      .filter((output) => output.isFloatingPoint());
    return results.reduce((sum, output, i) => sum + dot(output, cotangents[i]), 0);
  };
  randomLike(leaves, call.seed + 1).forEach((direction, i) => {
    if (direction.numel() === 0) return;
    demandDerivative(`gradient of input ${i}`, gradients[i], direction,
      slope(floatsIn(call)[i].values, direction, precision.step, (values) =>
        value(withValues(call, i, values))), precision);
  });
}

/** The gradients of `Σ ⟨gradient, w⟩` agree with central differences of the gradients. */
export function secondOrderIsTheDerivative(op: AnyOp, call: Call): void {
  if (stopsGradients(op)) return;
  const { args, leaves } = build(call);
  if (leaves.every((leaf) => leaf.numel() === 0)) return;
  const weights = randomLike(leaves, call.seed + 1);
  const outputs = differentiable(apply(op, args));
  if (rounds(outputs)) return;
  const cotangents = randomLike(outputs, call.seed).map((cotangent) => cotangent.requiresGrad_());
  const gradients = vjp(outputs, leaves, call.seed, { createGraph: true, cotangents });
  const flowing = gradients.map((gradient, i) => ({ gradient, weight: weights[i] }))
    .filter(({ gradient }) => gradient.requiresGrad);
  const variables = [...leaves, ...cotangents];
  const second = flowing.length === 0 ? variables.map(() => null)
    : grad(flowing.map(({ gradient }) => gradient), variables,
      { gradOutputs: flowing.map(({ weight }) => weight), allowUnused: true });
  const value = (moved: Call, movedCotangents: readonly Tensor[]): number => {
    const again = build(moved);
    return vjp(apply(op, again.args), again.leaves, call.seed, { cotangents: movedCotangents })
      .reduce((sum, gradient, i) => sum + dot(gradient, weights[i]), 0);
  };
  const fixed = cotangents.map((cotangent) => cotangent.detach());
  randomLike(variables, call.seed + 2).forEach((direction, i) => {
    if (direction.numel() === 0) return;
    const k = i - leaves.length;
    const along = (values: readonly number[]) => k < 0
      ? value(withValues(call, i, values), fixed)
      : value(call, fixed.with(k, movedTensor(fixed[k], values)));
    const start = k < 0 ? floatsIn(call)[i].values : [...fixed[k].toTypedArray()];
    demandDerivative(k < 0 ? `second order of input ${i}` : `second order of cotangent ${k}`,
      second[i], direction, slope(start, direction, exact.step, along));
  });
}

/** Gradients are linear in the cotangents. */
export function vjpIsLinear(op: AnyOp, call: Call): void {
  const { args, leaves } = build(call);
  const outputs = differentiable(apply(op, args));
  if (outputs.length === 0 || leaves.length === 0 || rounds(outputs)) return;
  const [u, v] = [randomLike(outputs, call.seed), randomLike(outputs, call.seed + 1)];
  const mixed = u.map((tensor, i) => tensor.mul(1.5).add(v[i].mul(-0.25)));
  const along = (cotangents: readonly Tensor[]) => grad(outputs, leaves,
    { gradOutputs: cotangents, retainGraph: true, materializeGrads: true }) as Tensor[];
  const [gu, gv] = [along(u), along(v)];
  along(mixed).forEach((gradient, i) => {
    const scale = [gu[i], gv[i]].flatMap((part) => [...part.toTypedArray()].map(Math.abs));
    // rounding alone: 2⁻⁵³ times the few hundred terms that a sum may have
    demandClose(`gradient of input ${i} for 1.5 u - 0.25 v`, gradient,
      gu[i].mul(1.5).add(gv[i].mul(-0.25)),
      { rtol: 1e-13, atol: 1e-13, scale: Math.max(1, ...scale) });
  });
}

/** The cotangents of the outputs that gradients flow through, from those of all float outputs. */
function cotangentsOf(outputs: readonly Tensor[], cotangents: readonly Tensor[]): Tensor[] {
  const floats = outputs.filter((output) => output.isFloatingPoint());
  return cotangents.filter((_, i) => floats[i].requiresGrad);
}

function movedTensor(like: Tensor, values: readonly number[]): Tensor {
  const moved = like.clone();
  values.forEach((value, i) => { moved.storage.data[i] = value; });
  return moved;
}

/** Central difference of `f` along a direction. */
function slope(
  start: readonly number[], direction: Tensor, step: number,
  f: (values: readonly number[]) => number,
): number {
  const along = direction.toTypedArray();
  const at = (amount: number) => f(start.map((value, i) => value + amount * along[i]));
  return (at(step) - at(-step)) / (2 * step);
}

function demandDerivative(
  what: string, gradient: Tensor | null, direction: Tensor, numeric: number,
  { rtol, atol } = exact,
): void {
  const analytic = gradient === null ? 0 : dot(gradient, direction);
  demand(gradient === null || `${gradient.shape}` === `${direction.shape}`,
    () => `${what} has shape [${gradient?.shape}], the input [${direction.shape}]`);
  const terms = gradient === null ? 0 : dot(gradient, direction, Math.abs);
  closeValues(`${what} along a random direction, against central differences`,
    [analytic], [numeric], { rtol, atol, scale: Math.max(1, terms * rtol / atol) });
}

/** `Σ f(aᵢ bᵢ)` in float64. */
function dot(a: Tensor, b: Tensor, f: (term: number) => number = (term) => term): number {
  const [x, y] = [a.toTypedArray(), b.toTypedArray()];
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += f(x[i] * y[i]);
  return sum;
}
