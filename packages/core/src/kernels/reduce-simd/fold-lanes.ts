// Folds in lanes: their vectors of state, what an element does to these, and how two become one.
import type { LaneGraph, LaneShape, Lanes } from "../../wasm/lanes.ts";
import type { Fold } from "./folds.ts";
import { lanesOf } from "./instructions.ts";
import { maskOf, narrow, wide, type Value } from "./values.ts";

/** What an element brings to a fold. */
export interface Element {
  readonly term: Value;
  /** Positions of the elements, whole numbers. */
  readonly position: Lanes;
  /** Which lanes hold elements; `null` for all. */
  readonly valid: Lanes | null;
}

type State = readonly Lanes[];

/** A kind of fold. Sums and products are kept in float64. */
interface Rule {
  readonly shapes: readonly LaneShape[];
  /** The first state; one number per vector. */
  readonly neutral: readonly number[];
  readonly step: (state: State, element: Element) => State;
  readonly merge: (a: State, b: State) => State;
  /** The value of every lane. */
  readonly value: (state: State) => readonly Value[];
}

/** The rule of a fold. */
export function ruleOf(fold: Fold): Rule {
  switch (fold.kind) {
    case "sum": return total("add", 0);
    case "product": return total("mul", 1);
    case "max": return extreme("pmax", "and", -Infinity);
    case "min": return extreme("pmin", "or", Infinity);
    case "latch": return latch;
    case "first": return fold.value < 0 ? first("le", -Infinity) : first("ge", Infinity);
  }
}

function total(name: "add" | "mul", neutral: number): Rule {
  const both = ([low, high]: State, [otherLow, otherHigh]: State) =>
    [low[name](otherLow), high[name](otherHigh)];
  return {
    shapes: ["f64x2", "f64x2"], neutral: [neutral, neutral], merge: both,
    step(state, { term, valid }) {
      if (valid === null) return both(state, halves(term));
      const mask = wide({ lanes: valid });
      const rest = state[0].graph.constant(neutral, "f64x2");
      const [low, high] = halves(term);
      return both(state, [mask.low.select(low, rest), mask.high.select(high, rest)]);
    },
    value: ([low, high]) => [{ low, high }],
  };
}

/** A value as float64 numbers. */
function halves(value: Value): [Lanes, Lanes] {
  const isMask = "low" in value ? value.low.shape === "i64x2"
    : value.lanes.shape === "i32x4" && value.isInteger !== true;
  const { low, high } = isMask ? wide({ lanes: maskOf(value).and(1).as("f32x4") }) : wide(value);
  return [low, high];
}

/**
 * Largest and smallest element. Method: `pmax` (a sixth of the time of `max`, which knows about
 * NaN and signs of zero) beside the common sign bits, that of the result, and a mask of NaNs.
 */
function extreme(name: "pmax" | "pmin", signs: "and" | "or", neutral: number): Rule {
  return {
    shapes: ["f32x4", "f32x4", "i32x4"], neutral: [neutral, neutral, 0],
    step([best, sign, isNaN], { term, valid }) {
      const given = narrow(term);
      const x = valid === null ? given
        : valid.select(given, best.graph.constant(neutral, "f32x4"));
      return [best[name](x), sign[signs](x), isNaN.or(x.ne(x))];
    },
    merge: (a, b) => [a[0][name](b[0]), a[1][signs](b[1]), a[2].or(b[2])],
    value([best, sign, isNaN]) {
      const nan = best.graph.constant(NaN, "f32x4");
      return [{ lanes: isNaN.select(nan, best.abs().withSignOf(sign)) }];
    },
  };
}

const latch: Rule = {
  shapes: ["i32x4"], neutral: [0],
  step([found], { term, valid }) {
    const mask = maskOf(term);
    return [found.or(valid === null ? mask : mask.and(valid))];
  },
  merge: ([a], [b]) => [a.or(b)],
  value: ([found]) => [{ lanes: found }],
};

/** The first best element and its position; the first NaN is better than any number. */
function first(notBetter: "le" | "ge", neutral: number): Rule {
  const better = (x: Lanes, best: Lanes) => best.eq(best).andnot(x[notBetter](best));
  return {
    shapes: ["f32x4", "i32x4"], neutral: [neutral, 0],
    step([best, at], { term, position, valid }) {
      const x = narrow(term);
      const takes = valid === null ? better(x, best) : better(x, best).and(valid);
      return [takes.select(x, best), takes.select(position, at)];
    },
    merge([best, at], [other, otherAt]) {
      const isTie = other.eq(best).or(other.ne(other).and(best.ne(best)));
      const isEarlier = lanesOf("i32x4.lt_s", "i32x4", otherAt, at);
      const takes = better(other, best).or(isTie.and(isEarlier));
      return [takes.select(other, best), takes.select(otherAt, at)];
    },
    value: ([best, at]) => [{ lanes: best }, { lanes: at, isInteger: true }],
  };
}

/** The state of all four lanes together, in every lane. */
export function across(fold: Fold, state: State): State {
  const rule = ruleOf(fold);
  const turned = (lanes: Lanes, order: readonly [number, number, number, number]) =>
    lanes.shuffle(order, lanes);
  if (rule.shapes[0] === "f64x2") {
    const [one] = rule.merge(state, [state[1], state[0]]);
    const other = turned(one, [2, 3, 0, 1]);
    const [both] = rule.merge([one, one], [other, other]);
    return [both, both];
  }
  const pairs = rule.merge(state, state.map((lanes) => turned(lanes, [2, 3, 0, 1])));
  return rule.merge(pairs, pairs.map((lanes) => turned(lanes, [1, 0, 3, 2])));
}

/** The first state of a fold, as constants. */
export function neutralOf(fold: Fold, graph: LaneGraph): State {
  const { shapes, neutral } = ruleOf(fold);
  return neutral.map((value, i) => graph.constant(value, shapes[i]));
}
