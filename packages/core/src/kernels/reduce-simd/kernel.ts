// Kernels of reductions: loops around vectors, in lines (lanes are elements) or in rows (results).
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import {
  block, brIf, get, i32, loopWhile, memory, op, set, v128, when, type ValueType,
} from "../../wasm/instructions.ts";
import { LaneGraph } from "../../wasm/lanes.ts";
import type { HeapKernel } from "../heap-kernel.ts";
import type { Access } from "../simd/access.ts";
import {
  acrossLanes, asStored, assign, begin, element, Hoisted, join, lineScope, movingOperands,
  newStates, type Draft, type States,
} from "./element.ts";
import { ruleOf } from "./fold-lanes.ts";
import { foldsOf, isPosition, readsPosition, type FoldPass, type FoldProgram } from "./folds.ts";
import { more } from "./instructions.ts";
import { advance, at, port, store, storeLane, type Port } from "./ports.ts";
import { evaluate } from "./values.ts";

/** What a kernel is made for, besides the program. */
export interface Form {
  /** Whether lanes are neighbouring results rather than neighbouring elements of one. */
  readonly rows: boolean;
  /** How the lanes of each operand lie in memory. */
  readonly pattern: string;
  /** Class of each operand. */
  readonly classes: string;
  /**
   * The passes that are run: all, one of them over a part of the elements, or none and only
   * the results. Passes before it are read from the workspace.
   */
  readonly run: "all" | "results" | number;
}

/** Parameters of `run` before those of the operands, scalars after `count`. */
export const parameters = {
  outer: 0, lines: 1, blocks: 2, length: 3, position: 4, parts: 5, part: 6, record: 7, count: 8,
} as const;

/** Parameters of each operand: address, then bytes of a step of each loop, innermost last. */
export const OPERAND_PARAMETERS = 5;

const { outer, lines, blocks, length, parts, part, record, count } = parameters;

/** Bytes that the states of four lanes take in the workspace, of one pass or of all. */
export function stateBytes(passes: readonly FoldPass[]): number {
  return passes.reduce((sum, { folds }) =>
    folds.reduce((bytes, fold) => bytes + 16 * ruleOf(fold).shapes.length, sum), 0);
}

/** Vectors of elements or of results that a light program takes together. */
const UNROLLED = 4;

const kernels = new WeakMap<FoldProgram, Map<string, HeapKernel>>();

/** The kernel of a program in one form, made once. */
export function reductionKernel(folds: FoldProgram, form: Form, shared: boolean): HeapKernel {
  let known = kernels.get(folds);
  if (known === undefined) kernels.set(folds, known = new Map());
  const key = `${form.rows}${form.pattern}${form.classes}${form.run}${shared}`;
  let kernel = known.get(key);
  if (kernel === undefined) known.set(key, kernel = build(folds, form, shared));
  return kernel;
}

/** A kernel under construction with the positions of its loops. */
interface Loops extends Draft {
  readonly form: Form;
  /** Locals: position of each operand at the line, and at the block of the line. */
  readonly line: readonly number[];
  readonly block: readonly number[];
  /** Locals: what is left of loops; the position of the block; lanes left; lanes that count. */
  readonly linesLeft: number;
  readonly blocksLeft: number;
  readonly left: number;
  readonly start: number;
  readonly valid: number;
  /** Local: the numbers 0 to 3. */
  readonly iota: number;
  readonly address: number;
}

function build(folds: FoldProgram, form: Form, shared: boolean): HeapKernel {
  const { scalars } = folds.program;
  const first = count + 1 + scalars.length;
  const operands = form.pattern.length;
  const f = new FunctionBuilder([
    ...new Array<ValueType>(count).fill("i32"), ...new Array<ValueType>(1 + scalars.length)
      .fill("f64"), ...new Array<ValueType>(OPERAND_PARAMETERS * operands).fill("i32")]);
  const ports = Array.from(form.pattern, (access, k) =>
    port(f, access as Access, first + OPERAND_PARAMETERS * k + (form.rows ? 2 : 4)));
  const draft: Loops = {
    f, graph: new LaneGraph(f), folds, ports, form, classes: form.classes, count,
    scalars: count + 1, positions: f.local("v128"), head: [],
    kept: form.run === "all" ? folds.kept.filter(({ operand }) =>
      form.classes[operand] === "f") : [],
    line: f.many(operands, "i32"), block: f.many(operands, "i32"), linesLeft: f.local("i32"),
    blocksLeft: f.local("i32"), left: f.local("i32"), start: f.local("i32"),
    valid: f.local("v128"), iota: f.local("v128"), address: f.local("i32"),
  };
  const step = (k: number, level: number) => get(first + OPERAND_PARAMETERS * k + level);
  const body = loopWhile(get(outer),
    draft.line.map((local, k) => set(local, step(k, 0))),
    set(draft.linesLeft, get(lines)),
    when(get(lines), (form.rows ? columns : eachLine)(draft, step)),
    draft.line.map((_, k) => set(first + OPERAND_PARAMETERS * k,
      op("i32.add", step(k, 0), step(k, 1)))),
    decrease(outer, 1));
  const iota = new Uint8Array(Int32Array.of(0, 1, 2, 3).buffer);
  return {
    bytes: f.module(block(brIf(0, op("i32.eqz", get(outer))),
      set(draft.iota, v128(iota)), draft.head, body), shared),
    needsScalars: f.importedFunctions.some(({ module }) => module === "scalar"),
    usesScratch: false,
  };
}

const decrease = (local: number, by: number): Code =>
  set(local, op("i32.sub", get(local), i32(by)));

type Step = (operand: number, level: number) => Code;

/** Lines: every line in rounds of vectors, the last of which is masked. */
function eachLine(draft: Loops, step: Step): Code {
  const { folds, form, line } = draft;
  const isUnrolled = !folds.isHeavy && !/s/i.test(form.pattern);
  const slots = Array.from({ length: isUnrolled ? UNROLLED : 1 }, () => newStates(draft));
  const code = folds.passes.map((pass, number) => {
    if (!isRun(form, number)) return read(draft, number, slots[0], 0, true);
    const hoisted = new Hoisted(draft);
    const vector = (slot: number, valid: number | null) => element(draft, {
      pass: number, states: slots[slot][number], hoisted, vector: slot, valid,
      rest: valid === null ? null : draft.left, positionOffset: 4 * slot,
    });
    const walked = walk(draft, number, step, walkLine(draft, number, slots.map((_, slot) =>
      vector(slot, null)), vector(0, draft.valid)));
    return [
      hoisted.code(slots[0]),
      slots.map((states) => begin(draft, pass, states[number])), walked,
      isUnrolled ? [[0, 1], [2, 3], [0, 2]].map(([into, from]) =>
        join(draft, pass, slots[into][number], slots[from][number])) : [],
      typeof form.run === "number" ? save(draft, number, slots[0], 0)
        : acrossLanes(draft, pass, slots[0][number]),
    ];
  });
  return loopWhile(get(draft.linesLeft), code, results(draft, slots[0], 0, null),
    line.map((local, k) => set(local, op("i32.add", get(local), step(k, 2)))),
    nextRecords(draft, 1), decrease(draft.linesLeft, 1));
}

function isRun({ run }: Form, pass: number): boolean {
  return run === "all" || run === pass;
}

/** The innermost loop of a line: four vectors at a time, single ones, a rest. */
function walkLine(draft: Loops, number: number, vectors: readonly Code[], rest: Code): Code {
  const { left, ports, folds, positions, iota, start, valid } = draft;
  const moving = movingOperands(draft, number);
  const hasPosition = readsPosition(folds.passes[number]);
  const on = (elements: number): Code => [
    moving.map((k) => advance(ports[k], elements)),
    hasPosition ? set(positions, op("i32x4.add", get(positions),
      op("i32x4.splat", i32(elements)))) : [],
  ];
  const rounds = (elements: number, body: Code): Code => when(get(left),
    loopWhile(get(left), body, on(elements), decrease(left, 1)));
  const quads = op("i32.shr_u", get(length), i32(2));
  return [
    hasPosition ? set(positions, op("i32x4.add", op("i32x4.splat", get(start)), get(iota))) : [],
    vectors.length > 1 ? [
      set(left, op("i32.shr_u", get(length), i32(4))), rounds(16, vectors),
      set(left, op("i32.and", quads, i32(3))),
    ] : set(left, quads),
    rounds(4, vectors[0]),
    set(left, op("i32.and", get(length), i32(3))),
    when(get(left), [
      set(valid, more("i32x4.gt_s", op("i32x4.splat", get(left)), get(iota))), rest]),
  ];
}

/** Loops over the blocks of a line, or of lines side by side. */
function walk(draft: Loops, number: number, step: Step, body: Code): Code {
  const { block: blockAt, line, ports, blocksLeft, start } = draft;
  const moving = movingOperands(draft, number);
  return when(op("i32.and", op("i32.ne", get(blocks), i32(0)), op("i32.ne", get(length), i32(0))), [
    moving.map((k) => set(blockAt[k], get(line[k]))),
    set(start, get(parameters.position)), set(blocksLeft, get(blocks)),
    loopWhile(get(blocksLeft),
      moving.map((k) => set(ports[k].position, get(blockAt[k]))), body,
      moving.map((k) => set(blockAt[k], op("i32.add", get(blockAt[k]), step(k, 3)))),
      set(start, op("i32.add", get(start), get(length))), decrease(blocksLeft, 1)),
  ]);
}

/** Columns: vectors of results side by side, four or one at a time, then a rest. */
function columns(draft: Loops, step: Step): Code {
  const { folds, form, linesLeft, ports, line } = draft;
  const isUnrolled = !folds.isHeavy && !/s/i.test(form.pattern);
  const group = (vectors: number, rest: number | null) =>
    rowGroup(draft, step, vectors, rest);
  const on = (vectors: number): Code => [
    line.map((position, k) => advance({ ...ports[k], position }, 4 * vectors)),
    nextRecords(draft, vectors), decrease(linesLeft, 4 * vectors)];
  const atLeast = (n: number) => op("i32.gt_u", get(linesLeft), i32(n - 1));
  return [
    (isUnrolled ? [UNROLLED, 1] : [1]).map((vectors) => when(atLeast(4 * vectors),
      loopWhile(atLeast(4 * vectors), group(vectors, null), on(vectors)))),
    when(get(linesLeft), group(1, linesLeft)),
  ];
}

/** Some vectors of results, all the way down. */
function rowGroup(draft: Loops, step: Step, vectors: number, rest: number | null): Code {
  const { folds, form, left, ports, positions, start } = draft;
  const groups = Array.from({ length: vectors }, () => newStates(draft));
  const code = folds.passes.map((pass, number) => {
    if (!isRun(form, number)) {
      return groups.map((states, v) => read(draft, number, states, v, false));
    }
    const hoisted = groups.map(() => new Hoisted(draft));
    const row = groups.map((states, vector) => element(draft, {
      pass: number, states: states[number], hoisted: hoisted[vector], vector, rest, valid: null,
      positionOffset: 0,
    }));
    const hasPosition = readsPosition(pass);
    const down = [
      set(left, get(length)),
      hasPosition ? set(positions, op("i32x4.splat", get(start))) : [],
      loopWhile(get(left), row,
        movingOperands(draft, number).map((k) =>
          set(ports[k].position, op("i32.add", get(ports[k].position), step(k, 4)))),
        hasPosition ? set(positions, op("i32x4.add", get(positions),
          op("i32x4.splat", i32(1)))) : [],
        decrease(left, 1)),
    ];
    return [
      groups.map((states, v) => [hoisted[v].code(states), begin(draft, pass, states[number])]),
      walk(draft, number, step, down),
      typeof form.run === "number"
        ? groups.map((states, v) => save(draft, number, states, v)) : [],
    ];
  });
  return [code, groups.map((states, v) => results(draft, states, v, rest))];
}

/** Stores the results: of a line, or of a vector of lines. */
function results(draft: Loops, states: States, vector: number, rest: number | null): Code {
  const { folds, form, f, line, ports } = draft;
  if (typeof form.run === "number") return [];
  const values = evaluate(folds.program.results, lineScope(draft, states));
  const stored = values.map((value, k) =>
    [asStored(draft, value, k), f.local("v128")] as const);
  return [assign(draft, stored), stored.map(([, local], k) => {
    const to: Port = { ...ports[k], position: line[k] };
    return form.rows ? store(to, { vector, rest }, local) : storeLane(to, 0, local);
  })];
}

/** Bytes of the states of earlier passes, and of this one. */
function place({ folds }: Draft, number: number): { before: number; own: number } {
  return {
    before: stateBytes(folds.passes.slice(0, number)),
    own: stateBytes([folds.passes[number]]),
  };
}

/** Sets `address` to the first record of a pass for a vector of lines. */
function findRecords(draft: Loops, number: number, vector: number): Code {
  const { folds, address } = draft;
  const bytes = vector * stateBytes(folds.passes) + place(draft, number).before;
  return set(address, op("i32.add", get(record), op("i32.mul", get(parts), i32(bytes))));
}

/** Stores the states of a pass over a part of the elements. */
function save(draft: Loops, number: number, states: States, vector: number): Code {
  const { address } = draft;
  return [
    findRecords(draft, number, vector),
    set(address, op("i32.add", get(address),
      op("i32.mul", get(part), i32(place(draft, number).own)))),
    states[number].flat().map((local, i) =>
      memory("v128.store", 16 * i, get(address), get(local))),
  ];
}

/** Puts together, in order, the states of a pass over all parts. */
function read(
  draft: Loops, number: number, states: States, vector: number, isLine: boolean,
): Code {
  const { folds, address, left, f } = draft;
  const pass = folds.passes[number];
  if (pass.folds.length === 0 || typeof draft.form.run === "number" && number > draft.form.run) {
    return [];
  }
  const loaded = pass.folds.map((fold) => f.many(ruleOf(fold).shapes.length, "v128"));
  return [
    begin(draft, pass, states[number]), findRecords(draft, number, vector),
    set(left, get(parts)),
    loopWhile(get(left),
      loaded.flat().map((local, i) => set(local, memory("v128.load", 16 * i, get(address)))),
      join(draft, pass, states[number], loaded),
      set(address, at(address, place(draft, number).own)), decrease(left, 1)),
    isLine ? acrossLanes(draft, pass, states[number]) : [],
  ];
}

/** Moves on to the records of the lines behind some vectors. */
function nextRecords({ folds, form }: Loops, vectors: number): Code {
  if (form.run === "all") return [];
  return set(record, op("i32.add", get(record),
    op("i32.mul", get(parts), i32(vectors * stateBytes(folds.passes)))));
}

/** The folds of a program whose operands are of classes that kernels take; `null` otherwise. */
export function foldsFor(
  program: Parameters<typeof foldsOf>[0], classes: string,
): FoldProgram | null {
  const folds = foldsOf(program);
  if (folds === null) return null;
  const isKnown = Array.from(classes).every((one, k) => /[fb]/.test(one) || (one === "i" &&
    (k < folds.outputs || isPosition(program.inputs[k - folds.outputs], folds))));
  return isKnown ? folds : null;
}
