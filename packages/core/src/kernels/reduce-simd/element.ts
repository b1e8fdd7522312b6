// The code of a reduction around one vector: its values, its folds, what it stores.
import { variable, variablesOf, type Expression } from "../../expression/expression.ts";
import type { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import { get, set } from "../../wasm/instructions.ts";
import { Lanes, LaneGraph } from "../../wasm/lanes.ts";
import { position } from "../reduce.ts";
import { across, neutralOf, ruleOf } from "./fold-lanes.ts";
import {
  accumulatorNumber, countName, isFixed, isPlain, type Fold, type FoldPass, type FoldProgram,
  type Kept,
} from "./folds.ts";
import { more } from "./instructions.ts";
import { load, store, type Place, type Port } from "./ports.ts";
import {
  evaluate, integersOf, isWideNode, maskOf, narrow, numbersOf, restOf, wide, type Scope, type Value,
} from "./values.ts";

/** A kernel under construction. */
export interface Draft {
  readonly f: FunctionBuilder;
  readonly graph: LaneGraph;
  readonly folds: FoldProgram;
  /** Class of each operand: `f`, `b`, or `i` for outputs. */
  readonly classes: string;
  readonly ports: readonly Port[];
  /** Numbers of the parameters: the count, and the first scalar. */
  readonly count: number;
  readonly scalars: number;
  /** Local: positions of the elements of the vector. */
  readonly positions: number;
  readonly kept: readonly Kept[];
  /** Code that stands before all loops. */
  readonly head: Code[];
}

/** Locals of the state of every fold, for the accumulations of four lanes: `[pass][fold]`. */
export type States = readonly (readonly (readonly number[])[])[];

/** New locals for states. */
export function newStates({ f, folds }: Draft): States {
  return folds.passes.map((pass) =>
    pass.folds.map((fold) => f.many(ruleOf(fold).shapes.length, "v128")));
}

/** Code that computes vectors into locals, all of them before any is set. */
export function assign(draft: Draft, targets: readonly (readonly [Lanes, number])[]): Code {
  const { f, graph, head } = draft;
  if (targets.length === 0) return [];
  const places = targets.map(([lanes]) => [lanes, f.local("v128")] as const);
  const { head: before, body } = graph.emit(places);
  head.push(before);
  return [body, targets.map(([, local], i) => set(local, get(places[i][1])))];
}

/** The vectors of a fold's state. */
export function stateOf({ graph }: Draft, fold: Fold, locals: readonly number[]): Lanes[] {
  const { shapes } = ruleOf(fold);
  return locals.map((local, i) => graph.local(local).as(shapes[i]));
}

/** Code that sets a state. */
export function setState(draft: Draft, locals: readonly number[], state: readonly Lanes[]): Code {
  return assign(draft, state.map((lanes, i) => [lanes, locals[i]] as const));
}

/** Code that gives the folds of a pass their first state. */
export function begin(draft: Draft, pass: FoldPass, locals: readonly (readonly number[])[]): Code {
  return pass.folds.map((fold, i) => setState(draft, locals[i], neutralOf(fold, draft.graph)));
}

/** Code that adds other states to those of a pass. */
export function join(
  draft: Draft, pass: FoldPass,
  into: readonly (readonly number[])[], from: readonly (readonly number[])[],
): Code {
  return pass.folds.map((fold, i) => setState(draft, into[i], ruleOf(fold).merge(
    stateOf(draft, fold, into[i]), stateOf(draft, fold, from[i]))));
}

/** Code that makes of four lanes of states one, in every lane. */
export function acrossLanes(
  draft: Draft, pass: FoldPass, locals: readonly (readonly number[])[],
): Code {
  return pass.folds.map((fold, i) =>
    setState(draft, locals[i], across(fold, stateOf(draft, fold, locals[i]))));
}

/** A float64 parameter in all lanes. */
function parameter({ graph }: Draft, number: number): Value {
  const node = graph.node(`d${number}`, [], more("f64x2.splat", get(number)), true);
  const lanes = new Lanes(graph, node, "f64x2");
  return { low: lanes, high: lanes };
}

/** The scope of what is the same for all elements: accumulators, counts, numbers. */
export function lineScope(draft: Draft, states: States): Scope {
  const { folds, graph, f } = draft;
  const done = new Map<number, Value>();
  const scope: Scope = {
    graph, f, isWide: false,
    leaf(node) {
      if (node.kind !== "variable") return undefined;
      if (node.name === countName) return parameter(draft, draft.count);
      const scalar = folds.program.scalars.indexOf(node.name);
      if (scalar >= 0) return parameter(draft, draft.scalars + scalar);
      const k = accumulatorNumber(node);
      let value = done.get(k);
      if (value === undefined) done.set(k, value = accumulated(k));
      return value;
    },
  };
  const accumulated = (k: number): Value => {
    const number = folds.passes.findLastIndex(({ first }) => first <= k);
    const pass = folds.passes[number];
    const i = pass.folds.findIndex(({ target, kind }) =>
      target === k || (kind === "first" && target + 1 === k));
    const initial = pass.initial[k - pass.first];
    if (i < 0) return evaluate([initial], scope)[0];
    const fold = pass.folds[i];
    const values = ruleOf(fold).value(stateOf(draft, fold, states[number][i]));
    return fold.kind === "first" ? values[k - fold.target]
      : startedWith(initial, values[0], fold, scope);
  };
  return scope;
}

const reached = variable("reached");
const names = { sum: "add", product: "mul", max: "max", min: "min" } as const;

/** What a fold leaves, together with the first value of its accumulator. */
function startedWith(initial: Expression, value: Value, fold: Fold, scope: Scope): Value {
  const { kind } = fold;
  if (kind === "first") return value;
  if (kind !== "latch" && initial.is(ruleOf(fold).neutral[0])) return value;
  const root = kind === "latch" ? reached.select(fold.value, initial)
    : reached[names[kind]](initial);
  return evaluate([root], {
    ...scope, leaf: (node) => node === reached ? value : scope.leaf(node),
  })[0];
}

/** Values that are the same for all elements, in locals that are set before these. */
export class Hoisted {
  private readonly draft: Draft;
  private readonly wanted = new Map<string, { node: Expression; locals: number[]; form: Form }>();

  constructor(draft: Draft) {
    this.draft = draft;
  }

  /** The value in one form: one vector, or two for `wide`. */
  get(node: Expression, form: Form): Lanes[] {
    const key = `${form}${node.id}`;
    let entry = this.wanted.get(key);
    if (entry === undefined) {
      const locals = this.draft.f.many(form === "wide" ? 2 : 1, "v128");
      this.wanted.set(key, entry = { node, locals, form });
    }
    const { graph } = this.draft;
    return entry.locals.map((local) =>
      form === "wide" ? graph.local(local).as("f64x2") : graph.local(local));
  }

  /** Code that computes what was asked for so far. */
  code(states: States): Code {
    const scope = lineScope(this.draft, states);
    const entries = [...this.wanted.values()];
    const values = evaluate(entries.map(({ node }) => node), scope);
    return assign(this.draft, entries.flatMap(({ locals, form }, i) => {
      const value = values[i];
      if (form === "narrow") return [[numbersOf(value), locals[0]] as const];
      if (form === "rest") return [[restOf(value), locals[0]] as const];
      const { low, high } = wide({ lanes: numbersOf(value) });
      const exact = "low" in value && value.low.shape === "f64x2" ? value : { low, high };
      return [[exact.low, locals[0]] as const, [exact.high, locals[1]] as const];
    }));
  }
}

type Form = "narrow" | "rest" | "wide";

/** Where an element is read, and how. */
export interface Reading extends Place {
  readonly pass: number;
  readonly states: readonly (readonly number[])[];
  readonly hoisted: Hoisted;
  /** Local: lanes that hold elements, where others must not count. */
  readonly valid: number | null;
  /** What is added to the positions. */
  readonly positionOffset: number;
}

/** Code that takes one vector of elements into a pass. */
export function element(draft: Draft, reading: Reading): Code {
  const { folds, graph, ports } = draft;
  const pass = folds.passes[reading.pass];
  const forms = new Map<Port, { narrow: boolean; wide: boolean }>();
  const at = graph.local(draft.positions).as("i32x4");
  const place = reading.positionOffset === 0 ? at : at.add(reading.positionOffset);
  const scopes = [false, true].map((isWide) => bodyScope(draft, reading, forms, isWide, place));
  const valid = reading.valid === null ? null : graph.local(reading.valid).as("i32x4");
  const next = pass.folds.flatMap((fold, i) => {
    const [term] = evaluate([fold.term], scopes[isSummedWide(fold) ? 1 : 0]);
    const state = stateOf(draft, fold, reading.states[i]);
    return ruleOf(fold).step(state, { term, position: place, valid })
      .map((lanes, k) => [lanes, reading.states[i][k]] as const);
  });
  const stored: { lanes: Lanes; to: number }[] = evaluate(pass.stores, scopes[0])
    .map((value, i) => ({ lanes: asStored(draft, value, pass.firstStore + i),
      to: pass.firstStore + i }));
  for (const kept of draft.kept) {
    if (kept.pass !== reading.pass) continue;
    const [value] = evaluate([kept.term], scopes[0]);
    stored.push({ lanes: narrow(value), to: kept.operand });
  }
  const outputs = stored.map(({ lanes, to }) => ({ lanes, to, local: draft.f.local("v128") }));
  const code = assign(draft, [...next,
    ...outputs.map(({ lanes, local }) => [lanes, local] as const)]);
  return [
    [...forms].map(([from, wanted]) => load(from, reading, wanted)), code,
    outputs.map(({ to, local }) => store(ports[to], reading, local)),
  ];
}

const isSummedWide = ({ kind, term }: Fold): boolean =>
  (kind === "sum" || kind === "product") && isPlain(term);

/** The scope of elements: float32 for functions and stores, float64 for sums. */
function bodyScope(
  draft: Draft, { pass, hoisted }: Reading, forms: Map<Port, { narrow: boolean; wide: boolean }>,
  isWide: boolean, place: Lanes,
): Scope {
  const { folds, graph, f, ports, classes } = draft;
  const { program } = folds;
  const form = isWide ? "wide" : "narrow";
  const valueOf = ([low, high]: readonly Lanes[]): Value =>
    isWide ? { low, high } : { lanes: low };
  const read = (operand: number): Value => {
    const from = ports[operand];
    const wanted = forms.get(from) ?? { narrow: false, wide: false };
    if (classes[operand] === "i") {
      forms.set(from, { ...wanted, narrow: true });
      return { lanes: graph.local(from.value).as("i32x4"), isInteger: true };
    }
    forms.set(from, { ...wanted, [form]: true });
    return valueOf((isWide ? [from.low, from.high] : [from.value]).map((local) =>
      isWide ? graph.local(local).as("f64x2") : graph.local(local)));
  };
  const isFixedNode = (node: Expression) => node.kind !== "constant" && isFixed(node, program);
  return {
    graph, f, isWide,
    leaf(node) {
      const kept = draft.kept.find((one) => one.term === node && one.pass < pass);
      if (kept !== undefined) return read(kept.operand);
      if (node === position) return { lanes: place, isInteger: true };
      if (isFixedNode(node)) return valueOf(hoisted.get(node, form));
      const input = node.kind === "variable" ? program.inputs.indexOf(node.name) : -1;
      return input < 0 ? undefined : read(folds.outputs + input);
    },
    rest: isWide ? undefined : (node) => isFixedNode(node) && isWideFixed(folds, node)
      ? hoisted.get(node, "rest")[0] : undefined,
  };
}

/** Whether the value of something that is the same for all elements is float64. */
function isWideFixed(folds: FoldProgram, root: Expression): boolean {
  return isWideNode(root, (node) => {
    const k = accumulatorNumber(node);
    if (k < 0) return true;
    const pass = folds.passes.findLast(({ first }) => first <= k)!;
    const fold = pass.folds.find(({ target, kind }) =>
      target === k || (kind === "first" && target + 1 === k));
    return fold === undefined ? isWideFixed(folds, pass.initial[k - pass.first])
      : fold.kind === "sum" || fold.kind === "product";
  });
}

/** A value as it is stored to an operand. */
export function asStored({ classes }: Draft, value: Value, operand: number): Lanes {
  if (classes[operand] === "i") return integersOf(value);
  if (classes[operand] === "f") return numbersOf(value);
  const ones = maskOf(value).and(1);
  const halves = ones.apply("i16x8.narrow_i32x4_u", "i32x4", ones);
  return halves.apply("i8x16.narrow_i16x8_u", "i32x4", halves);
}

/** Numbers of the operands that a pass moves through. */
export function movingOperands({ folds, kept }: Draft, number: number): number[] {
  const pass = folds.passes[number];
  const read = variablesOf(...pass.folds.map(({ term }) => term), ...pass.stores);
  const inputs = folds.program.inputs.flatMap((name, i) =>
    read.has(name) ? [folds.outputs + i] : []);
  const outputs = pass.stores.map((_, i) => pass.firstStore + i);
  return [...new Set([...outputs, ...kept.filter(({ pass: from }) => from <= number)
    .map(({ operand }) => operand), ...inputs])];
}
