// Scalar expressions as vectors: the code of each primitive.
import {
  primitives, type Primitive,
} from "../../expression/primitives.ts";
import { topological, type Expression } from "../../expression/expression.ts";
import type { FunctionBuilder } from "../../wasm/assembler.ts";
import type { LaneGraph, Lanes } from "../../wasm/lanes.ts";
import { cos, sin } from "./circular.ts";
import { erf } from "./error-function.ts";
import { exp, expm1, logistic, tanh } from "./exponential.ts";
import { log, log10, log1p, log2 } from "./logarithm.ts";
import { pow } from "./power.ts";

/** Vector code of a primitive over numbers. */
type NumberRule = (...args: Lanes[]) => Lanes;

const numberRules: { readonly [K in Primitive]?: NumberRule } = {
  add: (a, b) => a.add(b), sub: (a, b) => a.sub(b), mul: (a, b) => a.mul(b),
  div: (a, b) => a.div(b), max: (a, b) => a.max(b), min: (a, b) => a.min(b),
  neg: (a) => a.neg(), abs: (a) => a.abs(), sqrt: (a) => a.sqrt(),
  floor: (a) => a.floor(), ceil: (a) => a.ceil(), round: (a) => a.nearest(),
  trunc: (a) => a.trunc(),
  sign: (a) => {
    const bits = (value: number) => a.graph.constant(value, "f32x4");
    return bits(1).and(a.gt(0)).or(bits(-1).and(a.lt(0)));
  },
  exp, expm1, tanh, log, log1p, log2, log10, erf, pow,
  eq: (a, b) => a.eq(b), ne: (a, b) => a.ne(b), lt: (a, b) => a.lt(b), le: (a, b) => a.le(b),
  gt: (a, b) => a.gt(b), ge: (a, b) => a.ge(b),
};

/**
 * The vectors of expressions, masks for those that are truth values. `leaf` gives the vectors of
 * variables, and of whatever else is known already. A primitive without vector code is called
 * lane by lane, in float64.
 */
export function lower(
  roots: readonly Expression[], graph: LaneGraph, f: FunctionBuilder,
  leaf: (node: Expression) => Lanes | undefined,
): Lanes[] {
  const done = new Map<Expression, Lanes>();
  const number = (node: Expression) => asNumber(done.get(node)!);
  const mask = (node: Expression) => asMask(done.get(node)!);
  for (const node of topological(roots)) {
    done.set(node, leaf(node) ?? (node.kind === "constant"
      ? graph.constant(node.value, "f32x4")
      : lowerPrimitive(node, f, graph, number, mask)));
  }
  return roots.map((root) => done.get(root)!);
}

function lowerPrimitive(
  node: Expression, f: FunctionBuilder, graph: LaneGraph,
  number: (node: Expression) => Lanes, mask: (node: Expression) => Lanes,
): Lanes {
  const { args } = node;
  const kind = node.kind as Primitive;
  switch (kind) {
    case "select": return mask(args[0]).select(number(args[1]), number(args[2]));
    case "and": return mask(args[0]).and(mask(args[1]));
    case "or": return mask(args[0]).or(mask(args[1]));
    case "not": return mask(args[0]).not();
    case "sin": return sin(number(args[0]), f.imported("Math", "sin", 1));
    case "cos": return cos(number(args[0]), f.imported("Math", "cos", 1));
  }
  const numbers = args.map(number);
  const special = specialCase(node, numbers, number);
  if (special !== null) return special;
  const rule = numberRules[kind];
  if (rule !== undefined) return rule(...numbers);
  return graph.call(f.imported(moduleOf(kind), kind, args.length), numbers);
}

/** Shorter or safer code for arguments of a certain form. */
function specialCase(
  node: Expression, numbers: readonly Lanes[], number: (node: Expression) => Lanes,
): Lanes | null {
  const [left, right] = node.args;
  // One instruction instead of six; a NaN stays because it comes first. Not for 0: signs of zero.
  if (node.kind === "max" || node.kind === "min") {
    const name = node.kind === "max" ? "pmax" : "pmin";
    if (isPlainConstant(right)) return numbers[0][name](numbers[1]);
    if (isPlainConstant(left)) return numbers[1][name](numbers[0]);
  }
  if (node.kind === "pow" && right.is(2)) return numbers[0].mul(numbers[0]);
  if (node.kind === "pow" && right.is(3)) return numbers[0].mul(numbers[0]).mul(numbers[0]);
  // a / (1 + eᵘ): eᵘ overflows in float32 where the quotient is not yet 0.
  if (node.kind === "div" && right.kind === "add" && right.args[0].kind === "exp" &&
    right.args[1].is(1)) {
    return logistic(numbers[0], number(right.args[0].args[0]));
  }
  return null;
}

function isPlainConstant(node: Expression): boolean {
  return node.kind === "constant" && node.value !== 0 && !Number.isNaN(node.value);
}

/** Module that a scalar function is imported from: JavaScript's own, or ours. */
function moduleOf(kind: Primitive): "Math" | "scalar" {
  const own = (Math as unknown as { readonly [name: string]: unknown })[kind];
  return own === primitives[kind].evaluate ? "Math" : "scalar";
}

/** Truth values as 0 and 1; numbers as they are. */
export function asNumber(lanes: Lanes): Lanes {
  return lanes.shape === "i32x4" ? lanes.as("f32x4").and(1) : lanes;
}

/** Numbers as whether they differ from 0; truth values as they are. */
export function asMask(lanes: Lanes): Lanes {
  return lanes.shape === "i32x4" ? lanes : lanes.ne(0);
}
