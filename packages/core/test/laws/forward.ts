// Laws of forward mode: tangents against gradients, to first and second order.
import { Tensor, grad } from "../../src/index.ts";
import { attach, tangentAt, withLevel } from "../../src/autograd/tangents.ts";
import {
  apply, build, outputsOf, randomLike, rounds, stopsGradients, vjp, type AnyOp,
} from "./call.ts";
import type { Call } from "./draw.ts";
import { closeValues, demand, thrownBy } from "./expect.ts";

/** Rounding alone: 2⁻⁵³ times the few hundred terms that a sum may have, and a cancellation. */
const exact = 1e-12;

/** Both sides are rounded to float32 at every op. */
const rounded = 1e-5;

/** How an op is run on inputs with tangents. */
interface Way {
  readonly what: string;
  /** Whether the inputs require a gradient, so that tangents are recorded. */
  readonly requiresGrad: boolean;
  readonly run: (args: readonly unknown[]) => readonly Tensor[];
}

/** `⟨v, J u⟩ = ⟨Jᵀ v, u⟩`, recorded or not, out of place and in place. */
export function forwardIsReverse(op: AnyOp, call: Call): void {
  const { args, leaves } = build(call);
  if (leaves.every((leaf) => leaf.numel() === 0)) return; // nothing to move: 0/0 in a mean
  const outputs = apply(op, args);
  const floats = outputs.filter((output) => output.isFloatingPoint());
  const cotangents = randomLike(floats, call.seed);
  const gradients = vjp(outputs, leaves, call.seed,
    { cotangents: cotangents.filter((_, i) => floats[i].requiresGrad) });
  const directions = randomLike(leaves, call.seed + 1);
  const expected = inner(gradients, directions);
  for (const { what, requiresGrad, run } of ways(op)) {
    const tangents = push(call, requiresGrad, directions, run);
    if (tangents === null) continue;
    demand(!stopsGradients(op) || tangents.every((tangent) => tangent === null),
      `${what}: tangents must end where gradients do`);
    tangents.forEach((tangent, i) => demand(tangent === null ||
      (`${tangent.shape}` === `${floats[i].shape}` && tangent.dtype === floats[i].dtype),
    `${what}: tangent ${i} must have shape and dtype of its output`));
    const actual = inner(tangents, cotangents);
    closeValues(`${what}: ⟨v, J u⟩ against ⟨Jᵀ v, u⟩`, [actual.sum], [expected.sum], {
      rtol: 0, atol: rounds(outputs) ? rounded : exact,
      scale: Math.max(1, actual.terms, expected.terms),
    });
  }
}

function ways(op: AnyOp): Way[] {
  const run = (args: readonly unknown[]) => apply(op, args);
  const plain = { what: "forward mode", requiresGrad: false, run };
  const { inPlace } = op.definition;
  if (stopsGradients(op)) return [plain];
  const all: Way[] = [plain, { what: "recorded forward mode", requiresGrad: true, run }];
  if (inPlace === null) return all;
  return [...all, {
    what: "forward mode in place", requiresGrad: false,
    run: ([first, ...others]) => {
      if (!(first instanceof Tensor)) return [];
      const target = first.clone();
      const problem = thrownBy(() =>
        outputsOf(inPlace as unknown as (...args: unknown[]) => unknown, [target, ...others]));
      if (/doesn't match the broadcast shape|can't be cast/.test(`${problem}`)) return [];
      if (problem !== undefined) throw problem;
      return [target];
    },
  }];
}

/** Tangents of the float outputs for tangents of the inputs; `null` where nothing was run. */
function push(
  call: Call, requiresGrad: boolean, directions: readonly Tensor[], run: Way["run"],
): (Tensor | null)[] | null {
  return withLevel((level) => {
    const { args, leaves } = build(call, { requiresGrad });
    leaves.forEach((leaf, i) => attach(leaf, level, directions[i]));
    const outputs = run(args);
    return outputs.length === 0 ? null : outputs.filter((output) => output.isFloatingPoint())
      .map((output) => tangentAt(output, level));
  });
}

/**
 * The derivative of `⟨Jᵀ v, w⟩` along `u`: tangents that pass through a backward pass agree with a
 * backward pass through it.
 */
export function forwardOverReverse(op: AnyOp, call: Call): void {
  if (stopsGradients(op)) return;
  const built = build(call);
  if (built.leaves.every((leaf) => leaf.numel() === 0)) return;
  const weights = randomLike(built.leaves, call.seed + 1);
  const directions = randomLike(built.leaves, call.seed + 2);
  const gradients = vjp(apply(op, built.args), built.leaves, call.seed, { createGraph: true });
  const flowing = gradients.map((_, i) => i).filter((i) => gradients[i].requiresGrad);
  const second = flowing.length === 0 ? built.leaves.map(() => null)
    : grad(flowing.map((i) => gradients[i]), built.leaves,
      { gradOutputs: flowing.map((i) => weights[i]), allowUnused: true });
  const expected = inner(second, directions);
  for (const createGraph of [false, true]) {
    const tangents = withLevel((level) => {
      const { args, leaves } = build(call);
      leaves.forEach((leaf, i) => attach(leaf, level, directions[i]));
      return vjp(apply(op, args), leaves, call.seed, { createGraph })
        .map((gradient) => tangentAt(gradient, level));
    });
    const actual = inner(tangents, weights);
    closeValues(`forward over reverse, createGraph: ${createGraph}`, [actual.sum], [expected.sum], {
      rtol: 0, atol: rounds(gradients) || rounds(apply(op, built.args)) ? rounded : exact,
      scale: Math.max(1, actual.terms, expected.terms),
    });
  }
}

/** `Σ ⟨aᵢ, bᵢ⟩` in float64, and the sum of its terms' sizes; `null` counts as zeros. */
function inner(
  a: readonly (Tensor | null)[], b: readonly Tensor[],
): { sum: number; terms: number } {
  const total = { sum: 0, terms: 0 };
  a.forEach((tensor, i) => {
    if (tensor === null) return;
    const other = b[i].toTypedArray();
    tensor.toTypedArray().forEach((value, k) => {
      total.sum += value * other[k];
      total.terms += Math.abs(value * other[k]);
    });
  });
  return total;
}
