// The scalar primitives: value, JavaScript and derivative of each, in one table.
import type { Expression } from "./expression.ts";
import * as special from "./special.ts";

/** Name of a primitive. */
export type Primitive =
  | "add" | "sub" | "mul" | "div" | "pow" | "floorDivide" | "remainder" | "fmod" | "atan2"
  | "hypot" | "max" | "min"
  | "neg" | "abs" | "sign" | "exp" | "expm1" | "log" | "log1p" | "log2" | "log10" | "sqrt"
  | "sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "sinh" | "cosh" | "tanh" | "asinh"
  | "acosh" | "atanh" | "erf" | "erfc" | "floor" | "ceil" | "round" | "trunc" | "select" | "eq"
  | "ne" | "lt" | "le" | "gt" | "ge" | "and" | "or" | "not";

/**
 * One primitive. `derivative` gives, for each argument, the gradient that reaches it when `grad`
 * reaches the result `out`; `null` where none does.
 */
export interface PrimitiveRule {
  readonly isBoolean: boolean;
  readonly evaluate: (...values: number[]) => number | boolean;
  /** JavaScript source over the sources of the arguments; functions stand in `special`. */
  readonly source: (...args: string[]) => string;
  readonly derivative: (grad: Expression, out: Expression, ...args: Expression[]) =>
    readonly (Expression | null)[];
}

function number(
  evaluate: PrimitiveRule["evaluate"],
  source: PrimitiveRule["source"],
  derivative: PrimitiveRule["derivative"],
): PrimitiveRule {
  return { isBoolean: false, evaluate, source, derivative };
}

const flat = () => [null, null];

function truth(
  evaluate: PrimitiveRule["evaluate"], source: PrimitiveRule["source"],
): PrimitiveRule {
  return { isBoolean: true, evaluate, source, derivative: flat };
}

const call = (name: string) => (...args: string[]) => `${name}(${args.join(", ")})`;

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** Every primitive by name. Gradients at kinks follow the table in docs/semantics.md. */
export const primitives: Readonly<Record<Primitive, PrimitiveRule>> = {
  add: number((a, b) => a + b, (a, b) => `(${a} + ${b})`, (g) => [g, g]),
  sub: number((a, b) => a - b, (a, b) => `(${a} - ${b})`, (g) => [g, g.neg()]),
  mul: number((a, b) => a * b, (a, b) => `(${a} * ${b})`, (g, _, a, b) => [g.mul(b), g.mul(a)]),
  div: number((a, b) => a / b, (a, b) => `(${a} / ${b})`,
    (g, out, _, b) => [g.div(b), g.neg().mul(out).div(b)]),
  // d/db a^b is 0 where a is 0 and b is not negative, though ln 0 is infinite.
  pow: number(special.pow, call("special.pow"), (g, out, a, b) => [
    b.eq(0).select(0, g.mul(b).mul(a.pow(b.sub(1)))),
    a.eq(0).and(b.ge(0)).select(0, g.mul(out).mul(a.log())),
  ]),
  floorDivide: number(special.floorDivide, call("special.floorDivide"), flat),
  remainder: number(special.remainder, call("special.remainder"),
    (g, _, a, b) => [g, g.neg().mul(a.floorDivide(b))]),
  fmod: number((a, b) => a % b, (a, b) => `(${a} % ${b})`,
    (g, _, a, b) => [g, g.neg().mul(a.div(b).trunc())]),
  atan2: number(Math.atan2, call("Math.atan2"), (g, _, a, b) => {
    const scale = g.div(a.square().add(b.square()));
    return [scale.mul(b), scale.mul(a).neg()];
  }),
  hypot: number(Math.hypot, call("Math.hypot"),
    (g, out, a, b) => [g.mul(a.div(out)), g.mul(b.div(out))]),
  // Ties share the gradient; a NaN on either side passes it to both.
  max: number(Math.max, call("Math.max"), (g, _, a, b) => [
    a.eq(b).select(g.div(2), a.lt(b).select(0, g)),
    a.eq(b).select(g.div(2), a.gt(b).select(0, g)),
  ]),
  min: number(Math.min, call("Math.min"), (g, _, a, b) => [
    a.eq(b).select(g.div(2), a.gt(b).select(0, g)),
    a.eq(b).select(g.div(2), a.lt(b).select(0, g)),
  ]),
  neg: number((a) => -a, (a) => `(-${a})`, (g) => [g.neg()]),
  abs: number(Math.abs, call("Math.abs"), (g, _, a) => [g.mul(a.sign())]),
  sign: number(special.sign, call("special.sign"), flat),
  exp: number(Math.exp, call("Math.exp"), (g, out) => [g.mul(out)]),
  expm1: number(Math.expm1, call("Math.expm1"), (g, out) => [g.mul(out.add(1))]),
  log: number(Math.log, call("Math.log"), (g, _, a) => [g.div(a)]),
  log1p: number(Math.log1p, call("Math.log1p"), (g, _, a) => [g.div(a.add(1))]),
  log2: number(Math.log2, call("Math.log2"), (g, _, a) => [g.div(a.mul(Math.LN2))]),
  log10: number(Math.log10, call("Math.log10"), (g, _, a) => [g.div(a.mul(Math.LN10))]),
  sqrt: number(Math.sqrt, call("Math.sqrt"), (g, out) => [g.div(out.mul(2))]),
  sin: number(Math.sin, call("Math.sin"), (g, _, a) => [g.mul(a.cos())]),
  cos: number(Math.cos, call("Math.cos"), (g, _, a) => [g.mul(a.sin()).neg()]),
  tan: number(Math.tan, call("Math.tan"), (g, out) => [g.mul(out.square().add(1))]),
  asin: number(Math.asin, call("Math.asin"),
    (g, _, a) => [g.div(rootOf(a, -1).mul(rootOf(a, 1)))]),
  acos: number(Math.acos, call("Math.acos"),
    (g, _, a) => [g.neg().div(rootOf(a, -1).mul(rootOf(a, 1)))]),
  atan: number(Math.atan, call("Math.atan"), (g, _, a) => [g.div(a.square().add(1))]),
  sinh: number(Math.sinh, call("Math.sinh"), (g, _, a) => [g.mul(a.cosh())]),
  cosh: number(Math.cosh, call("Math.cosh"), (g, _, a) => [g.mul(a.sinh())]),
  tanh: number(Math.tanh, call("Math.tanh"), (g, out) => [g.mul(out.square().neg().add(1))]),
  asinh: number(Math.asinh, call("Math.asinh"),
    (g, _, a) => [g.div(a.square().add(1).sqrt())]),
  acosh: number(Math.acosh, call("Math.acosh"),
    (g, _, a) => [g.div(a.sub(1).sqrt().mul(a.add(1).sqrt()))]),
  atanh: number(Math.atanh, call("Math.atanh"),
    (g, _, a) => [g.div(a.neg().add(1).mul(a.add(1)))]),
  erf: number(special.erf, call("special.erf"),
    (g, _, a) => [g.mul(a.square().neg().exp().mul(TWO_OVER_SQRT_PI))]),
  erfc: number(special.erfc, call("special.erfc"),
    (g, _, a) => [g.mul(a.square().neg().exp().mul(-TWO_OVER_SQRT_PI))]),
  floor: number(Math.floor, call("Math.floor"), flat),
  ceil: number(Math.ceil, call("Math.ceil"), flat),
  round: number(special.round, call("special.round"), flat),
  trunc: number(Math.trunc, call("Math.trunc"), flat),
  select: number((c, a, b) => (c !== 0 ? a : b), (c, a, b) => `(${c} ? ${a} : ${b})`,
    (g, _, c) => [null, c.select(g, 0), c.select(0, g)]),
  eq: truth((a, b) => a === b, (a, b) => `(${a} === ${b})`),
  ne: truth((a, b) => a !== b, (a, b) => `(${a} !== ${b})`),
  lt: truth((a, b) => a < b, (a, b) => `(${a} < ${b})`),
  le: truth((a, b) => a <= b, (a, b) => `(${a} <= ${b})`),
  gt: truth((a, b) => a > b, (a, b) => `(${a} > ${b})`),
  ge: truth((a, b) => a >= b, (a, b) => `(${a} >= ${b})`),
  and: truth((a, b) => a !== 0 && b !== 0, (a, b) => `(${a} && ${b})`),
  or: truth((a, b) => a !== 0 || b !== 0, (a, b) => `(${a} || ${b})`),
  not: truth((a) => a === 0, (a) => `(!${a})`),
};

/** `√(1 ± a)`: their product is `√(1 - a²)` without cancellation near ±1. */
function rootOf(a: Expression, side: 1 | -1): Expression {
  return a.mul(side).add(1).sqrt();
}
