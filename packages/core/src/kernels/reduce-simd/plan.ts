// Plans of reductions: which kernel, and how the work is cut into calls by its sizes alone.
import type { Shape } from "../../shape/dims.ts";
import type { Call, Step } from "../heap-kernel.ts";
import type { Loops } from "../operand.ts";
import type { Reduction } from "../reduce.ts";
import { elementBytes, type Access } from "../simd/access.ts";
import { readsPosition, type FoldProgram } from "./folds.ts";
import {
  foldsFor, OPERAND_PARAMETERS, parameters, reductionKernel, stateBytes, type Form,
} from "./kernel.ts";

/** What a reduction is about, without the places of its operands. */
export interface ReductionForm {
  /** Loops over the kept and over the reduced dimensions, collapsed; strides in elements. */
  readonly outer: Loops;
  readonly inner: Loops;
  /** `signature` of the operands: outputs, then inputs. */
  readonly classes: string;
  /** Number of elements that are reduced to one. */
  readonly total: number;
  /** Whether the memory is shared. */
  readonly shared: boolean;
}

/** Where the operands of a reduction are, and its numbers. */
export interface ReductionPlaces {
  /** Byte addresses of the operands. */
  readonly addresses: readonly number[];
  readonly scalars: readonly number[];
  /** Address of `workspaceBytes`, divisible by 16. */
  readonly workspace: number;
}

/** Elements of a call: some 40 µs, of light and of heavy programs. */
const LIGHT_CALL = 131072;
const HEAVY_CALL = 32768;

/** Lines up to this length are taken four at a time: no time is spent on combining lanes. */
const SHORT_LINE = 16;

/** Results side by side that a call takes at least: neighbours share cache lines. */
const FEWEST_COLUMNS = 64;

/** Elements of a result that a call of neighbouring results takes at most. */
const MOST_ROWS = 64;

/** The same for passes that only store. */
const STORED_ROWS = 32;

/** Loops over dimensions beyond those of the kernel: calls are made for each. */
const MOST_REPEATS = 4096;

/** Positions are compared as float32 numbers, which are whole up to here. */
const MOST_POSITIONS = 2 ** 24;

/** How one reduction is done. */
interface Layout {
  readonly folds: FoldProgram;
  readonly rows: boolean;
  readonly pattern: string;
  /** Sizes and byte steps per operand: repeats, outer, lines, blocks, length. */
  readonly repeats: Loops;
  readonly sizes: readonly [number, number, number, number];
  readonly steps: readonly (readonly [number, number, number, number])[];
  /** Number of parts that every line is cut into. */
  readonly parts: number;
  /** Number of ranges of elements that a pass is called for: `parts` where it folds. */
  readonly ranges: number;
  /** Lines of one call. */
  readonly lines: number;
}

/** A reduction that kernels can do, wherever its operands are. */
export interface PreparedReduction {
  /** Bytes of memory for partial results; 0 for most. */
  readonly workspaceBytes: number;
  /** Number of calls of all steps. */
  readonly callCount: number;
  /** The steps that do it. */
  readonly steps: (places: ReductionPlaces) => readonly Step[];
}

/** How kernels do a reduction; `null` where JavaScript has to do it. */
export function prepareReduction(
  program: Reduction, form: ReductionForm,
): PreparedReduction | null {
  const layout = layoutOf(program, form);
  if (layout === null) return null;
  const steps = stepsOf(program, layout, form);
  return {
    workspaceBytes: layout.parts === 1 ? 0 : recordsBytes(layout) * recordCount(layout),
    callCount: steps.reduce((count, { calls }) => count + calls.length, 0),
    steps: (places) => steps.map((step) => placedStep(step, places)),
  };
}

/** A step of operands, workspace and scalars at 0, moved to where they are. */
function placedStep({ kernel, calls }: Step, places: ReductionPlaces): Step {
  const placed = new Array<Call>(calls.length);
  for (let i = 0; i < calls.length; i++) placed[i] = placedCall(calls[i], places);
  return { kernel, calls: placed };
}

function placedCall(call: Call, { addresses, scalars, workspace }: ReductionPlaces): Call {
  const args = call.slice();
  args[parameters.record] += workspace;
  let next = parameters.count + 1;
  for (let k = 0; k < scalars.length; k++) args[next++] = scalars[k];
  for (let k = 0; k < addresses.length; k++) {
    args[next] += addresses[k];
    next += OPERAND_PARAMETERS;
  }
  return args;
}

/** The steps of a reduction whose operands, workspace and scalars are all at 0. */
function stepsOf(program: Reduction, layout: Layout, form: ReductionForm): readonly Step[] {
  const { folds, parts } = layout;
  const kernelFor = (run: Form["run"]) => reductionKernel(folds,
    { rows: layout.rows, pattern: layout.pattern, classes: form.classes, run }, form.shared);
  const fixed = [form.total, ...program.scalars.map(() => 0)];
  const step = (run: Form["run"], calls: readonly Call[]): Step =>
    ({ kernel: kernelFor(run), calls });
  if (parts === 1) return [step("all", callsOf(layout, fixed, 1))];
  const steps = folds.passes.map((pass, number) => step(number, callsOf(
    layout.rows && pass.folds.length === 0 ? inRowOrder(layout) : layout, fixed, parts)));
  if (program.results.length > 0) {
    steps.push(step("results", callsOf({ ...layout, lines: layout.sizes[1] }, fixed, 1)));
  }
  return steps;
}

/** Bytes of the partial results of one line, or of four lines side by side. */
function recordsBytes({ folds, parts }: Layout): number {
  return parts * stateBytes(folds.passes);
}

function recordCount({ rows, sizes: [outer, lines], repeats }: Layout): number {
  return sizeOf(repeats.shape) * outer * (rows ? Math.ceil(lines / 4) : lines);
}

const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

function layoutOf(
  program: Reduction, { outer, inner, classes, total }: ReductionForm,
): Layout | null {
  const folds = foldsFor(program, classes);
  if (folds === null || inner.shape.length > 2) return null;
  if (total > MOST_POSITIONS && folds.passes.some(readsPosition)) return null;
  const repeated = Math.max(0, outer.shape.length - 2);
  const repeats = {
    shape: outer.shape.slice(0, repeated),
    strides: outer.strides.map((strides) => strides.slice(0, repeated)),
  };
  if (sizeOf(repeats.shape) > MOST_REPEATS) return null;
  const sizes = [...lastTwo(outer.shape, 1),
    ...total === 0 ? [0, 0] : lastTwo(inner.shape, 1)] as unknown as Layout["sizes"];
  const bytes = Array.from(classes, (one) => one === "b" ? 1 : 4);
  const steps = bytes.map((size, k) => [
    ...lastTwo(outer.strides[k], 0), ...lastTwo(inner.strides[k], 0),
  ].map((stride) => stride * size) as unknown as Layout["steps"][number]);
  const rows = isInRows(folds, sizes, steps);
  const pattern = steps.map((step, k) => {
    const lane = step[rows ? 1 : 3];
    const letter = lane === bytes[k] ? "c" : lane === 0 ? "r" : "s";
    // An output at which several lanes meet is written lane by lane.
    const access = rows && letter === "r" && k < folds.outputs ? "s" : letter;
    return classes[k] === "b" ? access.toUpperCase() : access;
  }).join("");
  const { parts, lines } = cut(folds, rows, sizes, repeats.shape);
  return { folds, rows, pattern, repeats, sizes, steps, parts, ranges: parts, lines };
}

function lastTwo(list: readonly number[], missing: number): [number, number] {
  const n = list.length;
  return [n < 2 ? missing : list[n - 2], n < 1 ? missing : list[n - 1]];
}

/** Whether lanes are neighbouring results: where these are neighbours in memory, or lines short. */
function isInRows(
  { outputs }: FoldProgram, [, lines, blocks, length]: Layout["sizes"], steps: Layout["steps"],
): boolean {
  const [, line, , element] = (steps[outputs] ?? steps[0]).map(Math.abs);
  if (lines < 2 || blocks === 0) return false;
  if (line > 0 && line < element) return true;
  return lines >= 4 && blocks * length <= SHORT_LINE;
}

/** How many parts a line is cut into, and how many lines a call takes. */
function cut(
  folds: FoldProgram, rows: boolean, [outer, lines, blocks, length]: Layout["sizes"],
  repeats: Shape,
): { parts: number; lines: number } {
  const most = folds.isHeavy ? HEAVY_CALL : LIGHT_CALL;
  const elements = Math.max(1, blocks * length);
  const whole = sizeOf(repeats) * outer * lines * elements;
  if (whole <= 2 * most) return { parts: 1, lines };
  const long = blocks > 1 ? blocks : length;
  const isSingle = outer * sizeOf(repeats) === 1;
  if (rows) {
    // A column of cache lines has to stay in the first-level cache.
    const parts = isSingle && elements > 4 * MOST_ROWS
      ? Math.min(long, 64, Math.ceil(elements / MOST_ROWS)) : 1;
    const fitting = Math.floor(most * parts / elements / FEWEST_COLUMNS) * FEWEST_COLUMNS;
    return { parts, lines: Math.min(lines, Math.max(FEWEST_COLUMNS, fitting)) };
  }
  const fitting = Math.floor(most / elements);
  if (fitting > 0 || !isSingle) return { parts: 1, lines: Math.min(lines, Math.max(1, fitting)) };
  // Few long lines: each is cut along its outermost loop.
  return { parts: Math.min(long, 64, Math.ceil(elements / most)), lines: 1 };
}

/** The layout for passes that only store: few rows, so that neighbours are written together. */
function inRowOrder(layout: Layout): Layout {
  const most = layout.folds.isHeavy ? HEAVY_CALL : LIGHT_CALL;
  return { ...layout, ranges: Math.ceil(longOf(layout) / STORED_ROWS),
    lines: Math.min(layout.sizes[1], Math.floor(most / STORED_ROWS)) };
}

/** The size of the loop that is cut into parts. */
function longOf({ sizes: [, , blocks, length] }: Pick<Layout, "sizes">): number {
  return blocks > 1 ? blocks : length;
}

/**
 * Calls over all lines, each over all elements or one of `ranges` of them.
 * @param fixed `total` and the scalars
 */
function callsOf(layout: Layout, fixed: readonly number[], parts: number): Call[] {
  const { repeats, sizes: [outer, lines], steps, rows } = layout;
  const calls: Call[] = [];
  if (lines === 0 || outer === 0 || repeats.shape.includes(0)) return calls;
  const ranges = parts === 1 ? 1 : layout.ranges;
  const isSplit = layout.parts > 1 || layout.lines < lines;
  let record = 0;
  eachRepeat(layout, (offsets) => {
    for (let o = 0; o < (isSplit ? outer : 1); o++) {
      for (let line = 0; line < lines; line += layout.lines) {
        const count = Math.min(layout.lines, lines - line);
        const start = offsets.map((offset, k) =>
          offset + o * steps[k][0] + line * steps[k][1]);
        const place = { start, outer: isSplit ? 1 : outer, lines: count, record };
        for (let range = 0; range < ranges; range++) {
          calls.push(callOf(layout, fixed, place, range, ranges));
        }
        record += (rows ? Math.ceil(count / 4) : count) * recordsBytes(layout);
      }
    }
  });
  return calls;
}

/** Visits the byte offsets of operands at each step of the loops beyond those of the kernel. */
function eachRepeat(
  { repeats, pattern }: Layout, visit: (offsets: readonly number[]) => void,
): void {
  const sizes = Array.from(pattern, (access) => elementBytes(access as Access));
  const walk = (dim: number, at: readonly number[]): void => {
    if (dim === repeats.shape.length) return visit(at);
    for (let i = 0; i < repeats.shape[dim]; i++) {
      walk(dim + 1, at.map((offset, k) => offset + i * repeats.strides[k][dim] * sizes[k]));
    }
  };
  walk(0, sizes.map(() => 0));
}

interface Place {
  readonly start: readonly number[];
  readonly outer: number;
  readonly lines: number;
  readonly record: number;
}

/** The arguments of one call, over one of `ranges` of its lines. */
function callOf(
  layout: Layout, fixed: readonly number[], place: Place, range: number, ranges: number,
): Call {
  const { parts, steps, sizes: [, , blocks, length] } = layout;
  const long = longOf(layout);
  const first = Math.floor(range * long / ranges);
  const size = Math.floor((range + 1) * long / ranges) - first;
  const isBlock = blocks > 1;
  const args = new Array<number>(parameters.count);
  args[parameters.outer] = place.outer;
  args[parameters.lines] = place.lines;
  args[parameters.blocks] = isBlock ? size : blocks;
  args[parameters.length] = isBlock ? length : size;
  args[parameters.position] = isBlock ? first * length : first;
  args[parameters.parts] = parts;
  args[parameters.part] = range;
  args[parameters.record] = place.record;
  args.push(...fixed);
  steps.forEach((step, k) => args.push(
    place.start[k] + first * step[isBlock ? 2 : 3], ...step));
  return args;
}
