// Which accumulations of a program can be done in lanes and in parts: steps that are associative.
import {
  constant, topological, variable, variablesOf, type Expression,
} from "../../expression/expression.ts";
import { accumulator, position, type Pass, type Reduction } from "../reduce.ts";

/** One accumulation whose order does not matter; `term` is what every element adds to it. */
export interface Fold {
  readonly kind: "sum" | "product" | "max" | "min" | "latch" | "first";
  /** Number of its accumulator; `first` also has the one behind it, the position. */
  readonly target: number;
  /** A truth value for `latch`: whether the element sets the accumulator to `value`. */
  readonly term: Expression;
  readonly value: number;
}

/** A pass made of folds and of accumulators that keep their first value. */
export interface FoldPass {
  readonly folds: readonly Fold[];
  /** Number of its first accumulator. */
  readonly first: number;
  readonly initial: readonly Expression[];
  readonly stores: readonly Expression[];
  /** Number of the operand that its first store goes to. */
  readonly firstStore: number;
}

/** A term of an early pass that a store of a later one reads again, kept in the output. */
export interface Kept { readonly term: Expression; readonly pass: number; readonly operand: number }

/** A program as folds. */
export interface FoldProgram {
  readonly program: Reduction;
  readonly passes: readonly FoldPass[];
  readonly kept: readonly Kept[];
  /** Whether an element takes long: it needs functions such as exp. */
  readonly isHeavy: boolean;
  /** Number of outputs: results, then stores. */
  readonly outputs: number;
}

const known = new WeakMap<Reduction, FoldProgram | null>();

/** The program as folds; `null` where an accumulation is sequential, as a running sum is. */
export function foldsOf(program: Reduction): FoldProgram | null {
  let found = known.get(program);
  if (found === undefined) known.set(program, found = analyse(program));
  return found;
}

function analyse(program: Reduction): FoldProgram | null {
  const passes: FoldPass[] = [];
  let first = 0;
  let operand = program.results.length;
  for (const pass of program.passes) {
    const folds = foldsOfPass(pass, first);
    if (folds === null) return null;
    passes.push({
      folds, first, initial: pass.initial as readonly Expression[], stores: pass.stores,
      firstStore: operand,
    });
    first += pass.steps.length;
    operand += pass.stores.length;
  }
  if (variablesOf(...program.results).has(position.name)) return null;
  const isHeavy = passes.some(({ folds, stores }) =>
    [...folds.map(({ term }) => term), ...stores].some((root) => !isPlain(root)));
  return { program, passes, kept: keptTerms(passes), isHeavy, outputs: operand };
}

function foldsOfPass(pass: Required<Pass>, first: number): Fold[] | null {
  const folds: Fold[] = [];
  const changing = new Set<string>();
  for (let i = 0; i < pass.steps.length; i++) {
    const own = accumulator(first + i);
    if (pass.steps[i] === own) continue;
    const next = i + 1 < pass.steps.length ? pass.steps[i + 1] : null;
    const fold = firstOf(pass.steps[i], next, first + i) ??
      foldOf(pass.steps[i], own, first + i);
    if (fold === null) return null;
    folds.push(fold);
    changing.add(own.name);
    if (fold.kind === "first") changing.add(accumulator(first + ++i).name);
  }
  // What is read at an element must not change there.
  const read = variablesOf(...folds.map(({ term }) => term), ...pass.stores);
  for (const name of read) if (changing.has(name)) return null;
  return folds;
}

/** The steps of `first largest (or smallest) element, and its position`, as argmax writes them. */
function firstOf(step: Expression, next: Expression | null, target: number): Fold | null {
  if (next === null || step.kind !== "select") return null;
  const best = accumulator(target);
  const term = step.args[1];
  for (const kind of ["le", "ge"] as const) {
    const better = term[kind](best).not().and(best.eq(best));
    if (step === better.select(term, best) &&
      next === better.select(position, accumulator(target + 1))) {
      return { kind: "first", target, term, value: kind === "le" ? -Infinity : Infinity };
    }
  }
  return null;
}

/** Terms of elements that leave the accumulator as it is. */
const neutral = { sum: 0, product: 1, max: -Infinity, min: Infinity } as const;
const kinds = { add: "sum", mul: "product", max: "max", min: "min" } as const;

function foldOf(step: Expression, own: Expression, target: number): Fold | null {
  if (step.kind === "add" || step.kind === "mul" || step.kind === "max" || step.kind === "min") {
    const [a, b] = step.args;
    const term = a === own ? b : b === own ? a : null;
    return term === null ? null : { kind: kinds[step.kind], target, term, value: 0 };
  }
  if (step.kind !== "select") return null;
  const [condition, yes, no] = step.args;
  if (yes !== own && no !== own) return null;
  const other = yes === own ? no : yes;
  const holds = yes === own ? condition.not() : condition;
  if (other.kind === "constant") return { kind: "latch", target, term: holds, value: other.value };
  const inner = foldOf(other, own, target);
  if (inner === null || inner.kind === "latch") return null;
  const rest = constant(neutral[inner.kind as keyof typeof neutral]);
  const term = yes === own ? condition.select(rest, inner.term)
    : condition.select(inner.term, rest);
  return { ...inner, term };
}

/** Primitives that a lane computes in an instruction or two. */
const plain: ReadonlySet<string> = new Set(["constant", "variable", "add", "sub", "mul", "div",
  "neg", "abs", "sqrt", "max", "min", "select", "eq", "ne", "lt", "le", "gt", "ge", "and", "or",
  "not"]);

/** Whether an expression needs no function that takes long. */
export function isPlain(root: Expression): boolean {
  return topological([root]).every(({ kind }) => plain.has(kind));
}

/** Terms that take long and that a store of a later pass needs again. */
function keptTerms(passes: readonly FoldPass[]): Kept[] {
  const found: Kept[] = [];
  passes.forEach(({ folds }, pass) => folds.forEach(({ term, kind }) => {
    if (isPlain(term) || kind === "latch") return;
    for (const later of passes.slice(pass + 1)) {
      const store = later.stores.findIndex((root) => topological([root]).includes(term));
      if (store >= 0) found.push({ term, pass, operand: later.firstStore + store });
      if (store >= 0) return;
    }
  }));
  // One term per output.
  return found.filter(({ operand }, i) =>
    found.findIndex((one) => one.operand === operand) === i);
}

/** Whether an expression is the same at every element: it reads no input. */
export function isFixed(root: Expression, program: Reduction): boolean {
  if (root.kind === "constant") return false;
  for (const name of variablesOf(root)) {
    if (name === position.name || program.inputs.includes(name)) return false;
  }
  return true;
}

/** Number of an accumulator by its variable; -1 for other nodes. */
export function accumulatorNumber(node: Expression): number {
  const match = node.kind === "variable" ? /^accumulator(\d+)$/.exec(node.name) : null;
  return match === null ? -1 : Number(match[1]);
}

/** Whether a pass needs the positions of elements. */
export function readsPosition({ folds, stores }: FoldPass): boolean {
  return folds.some(({ kind }) => kind === "first") ||
    variablesOf(...folds.map(({ term }) => term), ...stores).has(position.name);
}

/** Whether an input is nowhere read but where it is compared with the position. */
export function isPosition(input: string, { passes }: FoldProgram): boolean {
  const node = variable(input);
  return passes.every(({ folds, stores }) => {
    const roots = [...folds.map(({ term }) => term), ...stores];
    return !roots.includes(node) && topological(roots).every((one) =>
      !one.args.includes(node) || (one.kind === "eq" && one.args.includes(position)) ||
      (one.kind === "ne" && one.args[0] === node));
  });
}

/** The number of elements, as a variable. */
export const countName = variable("count").name;
