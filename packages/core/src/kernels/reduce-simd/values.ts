// Expressions over values of two precisions: float32 lanes, and float64 lanes in two halves.
import { Expression, variable } from "../../expression/expression.ts";
import type { FunctionBuilder } from "../../wasm/assembler.ts";
import type { LaneGraph, Lanes } from "../../wasm/lanes.ts";
import { asMask, asNumber, lower } from "../simd/lowering.ts";
import { lanesOf } from "./instructions.ts";

/**
 * Four values: float32 or a mask in `lanes`, whole numbers (`isInteger`) there, or float64 or
 * their masks in two halves.
 */
export type Value =
  | { readonly lanes: Lanes; readonly isInteger?: boolean }
  | { readonly low: Lanes; readonly high: Lanes };

/** What expressions are made of. */
export interface Scope {
  readonly graph: LaneGraph;
  readonly f: FunctionBuilder;
  /** Whether arithmetic of float32 values is done in float64 as well. */
  readonly isWide: boolean;
  /** The value of a variable, or of whatever else is known already. */
  readonly leaf: (node: Expression) => Value | undefined;
  /** What the float32 value of a float64 leaf lacks. */
  readonly rest?: (node: Expression) => Lanes | undefined;
}

/** Primitives that are computed in float64 where an argument is float64. */
const wideKinds: ReadonlySet<string> = new Set(["add", "sub", "mul", "div", "neg", "abs", "sqrt",
  "max", "min", "eq", "ne", "lt", "le", "gt", "ge", "select", "and", "or", "not"]);

/** Arithmetic that rounds, and therefore is done in float64 where a scope is wide. */
const rounding: ReadonlySet<string> = new Set(["add", "sub", "mul", "div", "sqrt"]);

/** Whether a value is computed in float64, given what the variables are. */
export function isWideNode(
  root: Expression, isWideLeaf: (node: Expression) => boolean,
): boolean {
  if (root.kind === "variable") return isWideLeaf(root);
  return wideKinds.has(root.kind) && root.args.some((arg) => isWideNode(arg, isWideLeaf));
}

/** The values of expressions. */
export function evaluate(roots: readonly Expression[], scope: Scope): Value[] {
  const done = new Map<Expression, Value>();
  const visit = (node: Expression): Value => {
    let value = done.get(node);
    if (value === undefined) done.set(node, value = scope.leaf(node) ?? compute(node));
    return value;
  };
  const compute = (node: Expression): Value => {
    if (node.kind === "constant") return { lanes: scope.graph.constant(node.value, "f32x4") };
    const values = node.args.map(visit);
    if (node.kind === "log" && "low" in values[0]) return logOfWide(values[0], scope);
    const anyWide = values.some((value, i) => "low" in value && node.args[i].kind !== "constant");
    if (scope.rest !== undefined && node.kind === "sub" && !("low" in values[0])) {
      const rest = scope.rest(node.args[1]);
      if (rest !== undefined) return { lanes: narrow(values[0]).sub(narrow(values[1])).sub(rest) };
    }
    const isWide = wideKinds.has(node.kind) &&
      (scope.isWide ? anyWide || rounding.has(node.kind) : anyWide && scope.rest === undefined);
    return isWide ? computeWide(node, values) : computeNarrow(node, values, scope);
  };
  return roots.map(visit);
}

/** `ln x`: that of the float32 part, plus the rest over it. Maximum error 1.5 ulp. */
function logOfWide(value: Value, scope: Scope): Value {
  const [high] = [narrow(value)];
  const rest = restOf(value);
  const log = computeNarrow(variable("x").log(), [{ lanes: high }], scope);
  const correction = rest.div(high);
  const isNormal = correction.abs().lt(1); // neither NaN nor at 0 or ∞
  const plain = narrow(log);
  return { lanes: isNormal.select(plain.add(correction), plain) };
}

/** A node in float32, by the vector code of pointwise kernels. */
function computeNarrow(node: Expression, values: readonly Value[], scope: Scope): Value {
  const names = new Map<Expression, Expression>();
  const lanes = new Map<Expression, Lanes>();
  const args = node.args.map((arg, i) => {
    if (arg.kind === "constant") return arg;
    let name = names.get(arg);
    if (name === undefined) {
      // A comparison stays one: variables are numbers, and masks are told by their shape.
      names.set(arg, name = variable(`operand${i}`));
      lanes.set(name, narrow(values[i]));
    }
    return name;
  });
  const own = Expression.of(node.kind, args, node.value, node.name);
  const [result] = lower([own], scope.graph, scope.f, (one) => lanes.get(one));
  return { lanes: result };
}

type Half = "low" | "high";

function computeWide(node: Expression, values: readonly Value[]): Value {
  const halves = values.map(wide);
  const half = (which: Half): Lanes =>
    computeHalf(node, halves.map((value) => value[which]));
  return { low: half("low"), high: half("high") };
}

function computeHalf(node: Expression, args: readonly Lanes[]): Lanes {
  const [a, b, c] = args;
  const mask = (lanes: Lanes) => lanes.shape === "i64x2" ? lanes
    : lanesOf("f64x2.ne", "i64x2", lanes, lanes.graph.constant(0, "f64x2"));
  const numbers = args.map(numberHalf);
  switch (node.kind) {
    case "select": return mask(a).select(numberHalf(b), numberHalf(c));
    case "and": return mask(a).and(mask(b));
    case "or": return mask(a).or(mask(b));
    case "not": return mask(a).not();
    case "add": return numbers[0].add(numbers[1]);
    case "sub": return numbers[0].sub(numbers[1]);
    case "mul": return numbers[0].mul(numbers[1]);
    case "div": return numbers[0].div(numbers[1]);
    case "neg": case "abs": case "sqrt":
      return lanesOf(`f64x2.${node.kind}`, "f64x2", numbers[0]);
    case "max": case "min":
      return lanesOf(`f64x2.${node.kind}`, "f64x2", numbers[0], numbers[1]);
    default:
      return lanesOf(`f64x2.${node.kind as "eq"}`, "i64x2", numbers[0], numbers[1]);
  }
}

/** Truth values of a half as 0 and 1. */
function numberHalf(lanes: Lanes): Lanes {
  return lanes.shape === "i64x2"
    ? lanes.as("f64x2").and(lanes.graph.constant(1, "f64x2")) : lanes;
}

/** A value as float32 lanes, or as a mask of 32-bit lanes. */
export function narrow(value: Value): Lanes {
  if (!("low" in value)) {
    return value.isInteger === true
      ? value.lanes.apply("f32x4.convert_i32x4_s", "f32x4") : value.lanes;
  }
  const { low, high } = value;
  if (low.shape === "i64x2") return low.as("i32x4").shuffle([0, 2, 4, 6], high.as("i32x4"));
  return demote(low).shuffle([0, 1, 4, 5], demote(high));
}

const demote = (half: Lanes): Lanes => half.apply("f32x4.demote_f64x2_zero", "f32x4");

/** A value in two halves: as float64, or as masks of 64-bit lanes. */
export function wide(value: Value): { readonly low: Lanes; readonly high: Lanes } {
  if ("low" in value) return value;
  const { lanes } = value;
  if (lanes.shape === "i32x4" && value.isInteger !== true) {
    return {
      low: lanes.shuffle([0, 0, 1, 1], lanes).as("i64x2"),
      high: lanes.shuffle([2, 2, 3, 3], lanes).as("i64x2"),
    };
  }
  const name = value.isInteger === true
    ? "f64x2.convert_low_i32x4_s" : "f64x2.promote_low_f32x4";
  return {
    low: lanes.apply(name, "f64x2"), high: lanes.shuffle([2, 3, 2, 3], lanes).apply(name, "f64x2"),
  };
}

/** What the float32 value of a float64 one lacks, as float32; 0 where that is infinite or NaN. */
export function restOf(value: Value): Lanes {
  const whole = wide(value);
  const rounded = wide({ lanes: narrow(value) });
  const rest = narrow({ low: whole.low.sub(rounded.low), high: whole.high.sub(rounded.high) });
  return rest.and(rest.abs().lt(Infinity));
}

/** A value as float32 lanes, truth values as 0 and 1. */
export const numbersOf = (value: Value): Lanes => asNumber(narrow(value));

/** A value as a mask. */
export function maskOf(value: Value): Lanes {
  if ("low" in value && value.low.shape === "f64x2") {
    const zero = value.low.graph.constant(0, "f64x2");
    return narrow({
      low: lanesOf("f64x2.ne", "i64x2", value.low, zero),
      high: lanesOf("f64x2.ne", "i64x2", value.high, zero),
    });
  }
  return asMask(narrow(value));
}

/** A value as signed integers. */
export function integersOf(value: Value): Lanes {
  if (!("low" in value) && value.isInteger === true) return value.lanes;
  const whole = (half: Lanes) =>
    lanesOf("i32x4.trunc_sat_f64x2_s_zero", "i32x4", numberHalf(half));
  const { low, high } = wide(value);
  return whole(low).shuffle([0, 1, 4, 5], whole(high));
}
