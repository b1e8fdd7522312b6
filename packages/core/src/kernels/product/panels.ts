// Packing in WebAssembly: lines of a matrix side by side, in the order in which tiles read them.
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import { get, i32, laneMemoryAt, loopWhile, memory, op, set, shuffle, when }
  from "../../wasm/instructions.ts";
import type { HeapKernel } from "../heap-kernel.ts";

/** Columns of a panel of b. */
export const WIDE = 8;

/** Columns of the last panel of b where that suffices. */
export const NARROW = 4;

/** Locals that say what is packed: strides in bytes; `to` moves behind what was written. */
export interface Packing {
  /** Address of the first element of the first line. */
  readonly from: number;
  /** From a line (a row of a, a column of b) to the next. */
  readonly lineStride: number;
  /** From an element of a line to the next. */
  readonly stepStride: number;
  /** Lines there are; a panel repeats the last one where there are fewer than its width. */
  readonly lines: number;
  readonly steps: number;
  readonly to: number;
}

/**
 * Packs one panel: element 0 of all its lines, then element 1 of them, and so on. Width 4, 6 or 8;
 * of width 6, up to 8 bytes behind the panel are overwritten, so panels go from low to high.
 */
export function packPanel(f: FunctionBuilder, width: number, packing: Packing): Code {
  const { from, lineStride, stepStride, lines, steps, to } = packing;
  const pointers = f.many(width, "i32");
  const left = f.local("i32");
  const advance = (stride: Code) =>
    pointers.map((pointer) => set(pointer, op("i32.add", get(pointer), stride)));
  const count = (name: number, by: number) => set(name, op("i32.sub", get(name), i32(by)));
  const isFull = op("i32.gt_u", get(lines), i32(width - 1));
  return [
    pointers.map((pointer, i) => set(pointer, i === 0 ? get(from) : op("i32.add",
      get(pointers[i - 1]!), clamped(lineStride, lines, i)))),
    set(left, get(steps)),
    when(op("i32.eq", get(stepStride), i32(4)),
      when(op("i32.gt_u", get(left), i32(3)), loopWhile(op("i32.gt_u", get(left), i32(3)),
        fourSteps(f, pointers, to), advance(i32(16)),
        set(to, op("i32.add", get(to), i32(16 * width))), count(left, 4)))),
    when(op("i32.and", isFull, op("i32.eq", get(lineStride), i32(4))),
      when(get(left), loopWhile(get(left),
        copies(width, pointers[0]!, to),
        set(pointers[0]!, op("i32.add", get(pointers[0]!), get(stepStride))),
        set(to, op("i32.add", get(to), i32(4 * width))), count(left, 1)))),
    when(get(left), loopWhile(get(left),
      oneStep(f, pointers, to), advance(get(stepStride)),
      set(to, op("i32.add", get(to), i32(4 * width))), count(left, 1))),
  ];
}

/** The step from line `i - 1` to line `i`: none where line `i` does not exist. */
export function clamped(stride: number, lines: number, i: number): Code {
  return op("i32.mul", get(stride), op("i32.gt_u", get(lines), i32(i)));
}

/** One step of lines that are neighbours in memory; width 6 as two vectors that overlap. */
function copies(width: number, pointer: number, to: number): Code {
  return (width === 4 ? [0] : [0, 4 * width - 16]).map((offset) =>
    memory("v128.store", offset, get(to), memory("v128.load", offset, get(pointer))));
}

/** One step of lines anywhere. */
function oneStep(f: FunctionBuilder, pointers: readonly number[], to: number): Code {
  const value = f.local("v128");
  return [0, 4].filter((first) => first < pointers.length).map((first) => [
    pointers.slice(first, first + 4).map((pointer, lane) => set(value, lane === 0
      ? memory("v128.load32_zero", 0, get(pointer))
      : laneMemoryAt("v128.load32_lane", lane, get(pointer), get(value)))),
    memory("v128.store", 4 * first, get(to), get(value)),
  ]);
}

/** Four steps of lines whose elements are neighbours: transposes of 4×4 and, for width 6, 2×4. */
function fourSteps(f: FunctionBuilder, pointers: readonly number[], to: number): Code {
  const width = pointers.length;
  const rows = f.many(width, "v128");
  const pairs = f.many(width, "v128");
  const [low, high] = [[0, 4, 1, 5], [2, 6, 3, 7]];
  const interleave = rows.filter((_, i) => i % 2 === 0).map((row, i) => [
    set(pairs[2 * i]!, shuffle(low, get(row), get(rows[2 * i + 1]!))),
    set(pairs[2 * i + 1]!, shuffle(high, get(row), get(rows[2 * i + 1]!))),
  ]);
  const stores = [0, 1, 2, 3].map((step) => [0, 4].filter((first) => first < width).map((first) => {
    const upper = pairs[first + (step >> 1)]!;
    const lower = pairs[first + 2 + (step >> 1)] ?? upper;
    const half = step % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7];
    return memory("v128.store", 4 * (step * width + first), get(to),
      lower === upper && step % 2 === 0 ? get(upper) : shuffle(half, get(upper), get(lower)));
  }));
  return [rows.map((row, i) => set(row, memory("v128.load", 0, get(pointers[i]!)))),
    interleave, stores];
}

/** Wide panels that are packed at a time where lines are neighbours: two cache lines of a step. */
const GROUP = 4;

/**
 * Packs a group of panels of neighbours, step by step: one panel alone would read a part of each
 * cache line, and the others again when it is long gone; 2 to 3 times as fast.
 */
function packGroup(f: FunctionBuilder, { from, stepStride, steps, to }: Packing): Code {
  const [pointer, left, panelBytes] = f.many(3, "i32") as [number, number, number];
  const targets = f.many(GROUP, "i32");
  return [
    set(panelBytes, op("i32.mul", get(steps), i32(4 * WIDE))),
    set(pointer, get(from)), set(left, get(steps)),
    targets.map((target, i) => set(target, i === 0 ? get(to)
      : op("i32.add", get(targets[i - 1]!), get(panelBytes)))),
    when(get(left), loopWhile(get(left),
      targets.map((target, i) => [0, 16].map((offset) => memory("v128.store", offset, get(target),
        memory("v128.load", 4 * WIDE * i + offset, get(pointer))))),
      targets.map((target) => set(target, op("i32.add", get(target), i32(4 * WIDE)))),
      set(pointer, op("i32.add", get(pointer), get(stepStride))),
      set(left, op("i32.sub", get(left), i32(1))))),
    set(to, get(targets.at(-1)!)),
  ];
}

/**
 * Packs all panels of a matrix's columns, the last one narrow where that suffices: panel `j` of
 * `k` steps starts at `to + 32 j k`. Here `lines` is used up and `from` moves.
 */
export function packColumns(f: FunctionBuilder, packing: Packing): Code {
  const { from, lineStride, lines } = packing;
  const more = (width: number) => op("i32.gt_u", get(lines), i32(width));
  const areNeighbours = op("i32.eq", get(lineStride), i32(4));
  const next = (width: number) => [
    set(from, op("i32.add", get(from), op("i32.mul", get(lineStride), i32(width)))),
    set(lines, op("i32.sub", get(lines), i32(width))),
  ];
  return loopWhile(get(lines),
    when(op("i32.and", areNeighbours, more(GROUP * WIDE - 1)),
      [packGroup(f, packing), next(GROUP * WIDE)],
      when(more(NARROW), [
        packPanel(f, WIDE, packing), when(more(WIDE), next(WIDE), set(lines, i32(0))),
      ], [packPanel(f, NARROW, packing), set(lines, i32(0))])));
}

/** Bytes of the packed panels of a matrix of `n` columns and `k` rows. */
export function packedBytes(n: number, k: number): number {
  return 4 * k * NARROW * Math.ceil(n / NARROW);
}

const kernels = new Map<boolean, HeapKernel>();

/**
 * Packs columns into panels. Arguments of `run`: address, bytes from a column to the next and from
 * a row to the next, columns, rows, address of the panels. At least one column.
 */
export function packingKernel(shared: boolean): HeapKernel {
  let kernel = kernels.get(shared);
  if (kernel === undefined) {
    const f = new FunctionBuilder(["i32", "i32", "i32", "i32", "i32", "i32"]);
    const [from, lineStride, stepStride, lines, steps, to] = [0, 1, 2, 3, 4, 5];
    const code = packColumns(f, { from, lineStride, stepStride, lines, steps, to });
    kernel = { bytes: f.module(code, shared), needsScalars: false, usesScratch: false };
    kernels.set(shared, kernel);
  }
  return kernel;
}
