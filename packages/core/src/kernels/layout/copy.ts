// Plans of copies between any strides: which kernel, in which loops, and in which pieces.
import { numel, type Shape } from "../../shape/dims.ts";
import type { Call, Step } from "../heap-kernel.ts";
import { COPY_LOOPS, TILE, copyKernel, type CopyKind, type ElementBytes } from "./copy-kernel.ts";

/** A copy of elements between places of the heap that do not overlap; all strides in bytes. */
export interface Copy {
  readonly shape: Shape;
  /** Address of the first element written; strides other than 0. */
  readonly out: number;
  readonly outStrides: readonly number[];
  /** Address of the first element read. */
  readonly in: number;
  readonly inStrides: readonly number[];
}

/** One loop: how often, and how far each time. */
interface Loop {
  readonly size: number;
  readonly out: number;
  readonly in: number;
}

/** Elements of a call: 30 to 100 µs; twice as many are not divided. */
const CALL_ELEMENTS = 65536;

/** Elements below which a loop is not divided, and not taken as the innermost of steps. */
const SHORT = 8;

/** Multiple of which pieces of the innermost loop are. */
const GRAIN = 64;

/** The steps that copy; none if there is nothing to copy. */
export function planCopy(copy: Copy, bytes: ElementBytes, shared: boolean): Step[] {
  return planCopies([copy], bytes, shared);
}

/** The steps that do several copies to places that do not overlap, as in `cat`. */
export function planCopies(
  copies: readonly Copy[], bytes: ElementBytes, shared: boolean,
): Step[] {
  const calls: Record<CopyKind, Call[]> = { run: [], splat: [], step: [], transpose: [] };
  for (const copy of copies) {
    if (numel(copy.shape) === 0) continue;
    const { kind, loops } = arrange(nested(copy), bytes);
    appendCalls(calls[kind], kind, copy.out, copy.in, loops);
  }
  return (Object.keys(calls) as CopyKind[]).filter((kind) => calls[kind].length > 0)
    .map((kind) => ({ kernel: copyKernel(kind, bytes, shared), calls: calls[kind] }));
}

/** The fewest loops, from the longest to the shortest step of the output. */
function nested({ shape, outStrides, inStrides }: Copy): Loop[] {
  const sorted = shape.map((size, dim): Loop =>
    ({ size, out: outStrides[dim], in: inStrides[dim] }))
    .filter(({ size }) => size !== 1)
    .sort((a, b) => Math.abs(b.out) - Math.abs(a.out));
  const loops: Loop[] = [];
  for (const loop of sorted) {
    const last = loops.at(-1);
    if (last?.out === loop.out * loop.size && last.in === loop.in * loop.size) {
      loops[loops.length - 1] = { ...loop, size: last.size * loop.size };
    } else loops.push(loop);
  }
  return loops;
}

/** The kernel for some loops, and these with its own innermost. */
function arrange(loops: Loop[], bytes: ElementBytes): { kind: CopyKind; loops: Loop[] } {
  const last = loops.at(-1) ?? { size: 1, out: bytes, in: bytes };
  if (loops.length === 0) return { kind: "run", loops: [last] };
  const isRow = last.out === bytes;
  if (isRow && last.in === bytes && last.size >= TILE) return { kind: "run", loops };
  if (isRow && last.in === 0) return { kind: "splat", loops };
  const rest = loops.slice(0, -1);
  const column = rest.findLastIndex((loop) => loop.in === bytes);
  const other = column >= 0 ? column : rest.length - 1;
  if (other < 0) return { kind: "step", loops };
  const others = rest.filter((_, k) => k !== other);
  if (isRow && column >= 0 && rest[other].size >= TILE && last.size >= TILE) {
    return { kind: "transpose", loops: [...others, rest[other], last] };
  }
  const isShort = last.size < SHORT && last.size < rest[other].size;
  return { kind: "step", loops: isShort ? [...others, last, rest[other]] : loops };
}

/** Appends the calls of a copy; the loops in excess of a kernel's become calls as well. */
function appendCalls(
  calls: Call[], kind: CopyKind, out: number, from: number, loops: readonly Loop[],
): void {
  const excess = Math.max(loops.length - COPY_LOOPS, 0);
  const padding = new Array<Loop>(Math.max(COPY_LOOPS - loops.length, 0))
    .fill({ size: 1, out: 0, in: 0 });
  const inner = [...padding, ...loops.slice(excess)];
  // The smallest pieces: some neighbours, whole short loops, tiles of columns, single rounds.
  const grains = inner.map(({ size }, k) => k === COPY_LOOPS - 1 ? GRAIN : size < SHORT ? size
    : k === COPY_LOOPS - 2 && kind === "transpose" ? TILE : 1);
  const elements = inner.reduce((product, { size }) => product * size, 1);
  const budget = elements <= 2 * CALL_ELEMENTS ? elements : CALL_ELEMENTS;
  const outer = (k: number, out: number, from: number): void => {
    if (k === excess) return divide(calls, out, from, inner, grains, 0, budget, []);
    for (let i = 0; i < loops[k].size; i++) {
      outer(k + 1, out + i * loops[k].out, from + i * loops[k].in);
    }
  };
  outer(0, out, from);
}

/** Divides loop `k` and those inside so that pieces have about `budget` elements. */
function divide(
  calls: Call[], out: number, from: number, loops: readonly Loop[], grains: readonly number[],
  k: number, budget: number, chosen: readonly number[],
): void {
  if (k === loops.length) {
    calls.push([out, from, ...loops.flatMap((loop, i) => [chosen[i], loop.out, loop.in])]);
    return;
  }
  const { size, out: outStep, in: inStep } = loops[k];
  const inside = loops.slice(k + 1).reduce((product, loop) => product * loop.size, 1);
  for (const [start, count] of pieces(size, budget / inside, grains[k])) {
    divide(calls, out + start * outStep, from + start * inStep, loops, grains, k + 1,
      budget / count, [...chosen, count]);
  }
}

/**
 * The starts and sizes of the pieces of a loop: about `wanted` long, multiples of `grain` except
 * for the last, which is not shorter than `grain` either.
 */
export function pieces(size: number, wanted: number, grain: number): [number, number][] {
  const length = Math.max(grain, Math.floor(wanted / grain) * grain);
  const result: [number, number][] = [];
  for (let start = 0; start < size;) {
    const left = size - start;
    const count = left < length + grain ? left : length;
    result.push([start, count]);
    start += count;
  }
  return result;
}
