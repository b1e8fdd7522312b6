// How far float32 evaluation of an expression may be from its float64 value: a running bound.
import { topological, type Expression, type Kind } from "../../src/expression/expression.ts";
import { primitives, type Primitive } from "../../src/expression/primitives.ts";
import { ulp } from "./simd-memory.ts";

/** Maximum error of the vector code in ulp of the result; others round once. */
const errors: { readonly [K in Kind]?: number } = {
  exp: 1, expm1: 2, log: 1, log1p: 1, log2: 2, log10: 2, tanh: 2.5, sin: 1.5, cos: 1.5, erf: 1.5,
  pow: 1.5,
  neg: 0, abs: 0, sign: 0, floor: 0, ceil: 0, round: 0, trunc: 0, max: 0, min: 0, select: 0,
};

const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** A float64 value, and the largest distance of what float32 steps give. */
export interface Bounded {
  readonly value: number;
  readonly error: number;
}

/**
 * The values of `roots` with their bounds. Method: each primitive adds its own error to how far
 * its result moves when an argument moves by that argument's bound, up or down. So a comparison
 * that rounding could turn has bound 1, and what it selects the distance of the two cases.
 */
export function bounded(
  roots: readonly Expression[], values: { readonly [name: string]: number },
): Bounded[] {
  const done = new Map<Expression, Bounded>();
  for (const node of topological(roots)) {
    if (node.kind === "variable") done.set(node, rounded(values[node.name]));
    else if (node.kind === "constant") done.set(node, rounded(node.value));
    else done.set(node, applied(node.kind, node.args.map((arg) => done.get(arg)!)));
  }
  return roots.map((root) => done.get(root)!);
}

function rounded(value: number): Bounded {
  const error = Math.abs(value - Math.fround(value));
  return { value, error: Number.isNaN(error) ? 0 : error };
}

function applied(kind: Primitive, args: readonly Bounded[]): Bounded {
  const rule = primitives[kind];
  const at = (moved: number, by: number) => Number(rule.evaluate(
    ...args.map((arg, i) => i === moved && by !== 0 ? arg.value + by : arg.value)));
  const value = at(0, 0);
  let error = rule.isBoolean || !Number.isFinite(value) ? 0
    : (errors[kind] ?? 0.5) * ulp(value);
  args.forEach((arg, i) => {
    if (arg.error > 0) error += Math.max(...[arg.error, -arg.error].map((by) => {
      const distance = Math.abs(at(i, by) - value);
      return Number.isNaN(distance) && !(Number.isNaN(at(i, by)) && Number.isNaN(value))
        ? Infinity : distance || 0;
    }));
  });
  // Beyond the largest float32 nothing is known, unless it is infinite in float64 as well.
  if (Number.isFinite(value) && Math.abs(value) + error > LARGEST) error = Infinity;
  return { value, error };
}
