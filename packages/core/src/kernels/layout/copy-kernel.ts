// Compiled strided copies: five nested loops, whose innermost ones are as wide as strides allow.
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import {
  get, i32, laneMemoryAt, loopWhile, memory, memoryCopy, op, scalarMemoryAt, set, shuffle,
  shuffleBytes, tee, when,
} from "../../wasm/instructions.ts";
import type { HeapKernel } from "../heap-kernel.ts";

/** Bytes of an element that is moved. */
export type ElementBytes = 1 | 4;

/**
 * How the innermost loops walk: a `run` of neighbours on both sides, a `splat` of one element over
 * neighbours, a `step` of any strides, or a `transpose`, whose two innermost loops have neighbours
 * on the input's and on the output's side.
 */
export type CopyKind = "run" | "splat" | "step" | "transpose";

/** Loops of a kernel; `run` takes (out, in), then (size, out stride, in stride) of each. */
export const COPY_LOOPS = 5;

/** Rows and columns of a transposed block, which stays in the first-level cache. */
const BLOCK = 32;

/** Rows and columns of a tile, which is transposed in registers. */
export const TILE = 4;

/** Bytes from which the engine's own copy is faster than a loop of vectors. */
const LONG_RUN = 2048;

const kernels = new Map<string, HeapKernel>();

/** The kernel of a kind of copy, compiled once for each width and kind of memory. */
export function copyKernel(kind: CopyKind, bytes: ElementBytes, shared: boolean): HeapKernel {
  const key = `${kind}${bytes}${shared}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = { bytes: build(kind, bytes, shared), needsScalars: false, usesScratch: false };
    kernels.set(key, kernel);
  }
  return kernel;
}

/** One loop: parameters with its size and its strides. */
interface Level {
  readonly size: number;
  readonly out: number;
  readonly in: number;
}

function build(kind: CopyKind, bytes: ElementBytes, shared: boolean): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(new Array<"i32">(2 + 3 * COPY_LOOPS).fill("i32"));
  const levels = Array.from({ length: COPY_LOOPS }, (_, k): Level =>
    ({ size: 2 + 3 * k, out: 3 + 3 * k, in: 4 + 3 * k }));
  const inner = levels.splice(kind === "transpose" ? COPY_LOOPS - 2 : COPY_LOOPS - 1);
  const body = (out: number, from: number): Code => {
    switch (kind) {
      case "run": return copyRun(f, bytes, out, from, bytesOf(inner[0].size, bytes));
      case "splat": return splatRun(f, bytes, out, from, inner[0].size);
      case "step": return copySteps(f, bytes, out, from, inner[0]);
      case "transpose": return transpose(f, bytes, out, from, inner[0], inner[1]);
    }
  };
  return f.module(nest(f, levels, 0, 1, body), shared);
}

const bytesOf = (count: number, bytes: ElementBytes): Code =>
  bytes === 1 ? get(count) : op("i32.shl", get(count), i32(2));

/** Code that adds to a local. */
export const advance = (local: number, by: Code): Code =>
  set(local, op("i32.add", get(local), by));

const decrease = (local: number, by: number): Code =>
  set(local, op("i32.sub", get(local), i32(by)));

/** Loops around `body`, each at least once; `out` and `from` are locals with the positions. */
function nest(
  f: FunctionBuilder, levels: readonly Level[], out: number, from: number,
  body: (out: number, from: number) => Code,
): Code {
  if (levels.length === 0) return body(out, from);
  const [{ size, out: outStep, in: inStep }, ...rest] = levels;
  const [left, nextOut, nextIn] = f.many(3, "i32");
  return [
    set(left, get(size)), set(nextOut, get(out)), set(nextIn, get(from)),
    loopWhile(get(left),
      nest(f, rest, nextOut, nextIn, body),
      advance(nextOut, get(outStep)), advance(nextIn, get(inStep)),
      decrease(left, 1)),
  ];
}

/**
 * Copies `length` bytes, at least one element, leaving `out` and `from` as they are.
 *
 * Method: vectors from the start, and one that ends where the run ends; it may overlap the last.
 */
export function copyRun(
  f: FunctionBuilder, bytes: ElementBytes, out: number, from: number, length: Code,
): Code {
  const [size, at, last] = f.many(3, "i32");
  const address = (base: number, offset: number): Code =>
    op("i32.add", get(base), get(offset));
  const move = (offset: number): Code =>
    memory("v128.store", 0, address(out, offset), memory("v128.load", 0, address(from, offset)));
  const one = bytes === 4
    ? scalarMemoryAt("i32.store", 0, address(out, at),
      scalarMemoryAt("i32.load", 0, address(from, at)))
    : scalarMemoryAt("i32.store8", 0, address(out, at),
      scalarMemoryAt("i32.load8_u", 0, address(from, at)));
  return [
    set(size, length), set(at, i32(0)),
    when(op("i32.lt_u", get(size), i32(16)),
      loopWhile(op("i32.lt_u", get(at), get(size)), one, advance(at, i32(bytes))),
      when(op("i32.lt_u", get(size), i32(LONG_RUN)), [
        set(last, op("i32.sub", get(size), i32(16))),
        when(get(last), loopWhile(op("i32.lt_u", get(at), get(last)),
          move(at), advance(at, i32(16)))),
        move(last),
      ], memoryCopy(get(out), get(from), get(size)))),
  ];
}

/** Writes one element `count` times side by side. */
function splatRun(
  f: FunctionBuilder, bytes: ElementBytes, out: number, from: number, count: number,
): Code {
  const [at, end] = f.many(2, "i32");
  const value = f.local("v128");
  const lanes = 16 / bytes;
  const [load, store] = bytes === 4 ? ["v128.load32_splat", "v128.store32_lane"] as const
    : ["v128.load8_splat", "v128.store8_lane"] as const;
  return [
    set(value, memory(load, 0, get(from))),
    set(at, get(out)),
    set(end, op("i32.add", get(out), bytesOf(count, bytes))),
    when(op("i32.lt_u", get(count), i32(lanes)),
      loopWhile(op("i32.lt_u", get(at), get(end)),
        laneMemoryAt(store, 0, get(at), get(value)), advance(at, i32(bytes))),
      [
        decrease(end, 16),
        loopWhile(op("i32.lt_u", get(at), get(end)),
          memory("v128.store", 0, get(at), get(value)), advance(at, i32(16))),
        memory("v128.store", 0, get(end), get(value)),
      ]),
  ];
}

/** Copies element by element, four in a round. */
function copySteps(
  f: FunctionBuilder, bytes: ElementBytes, out: number, from: number, level: Level,
): Code {
  const [to, at, left] = f.many(3, "i32");
  const [load, store] = bytes === 4 ? ["i32.load", "i32.store"] as const
    : ["i32.load8_u", "i32.store8"] as const;
  const one = [
    scalarMemoryAt(store, 0, get(to), scalarMemoryAt(load, 0, get(at))),
    advance(to, get(level.out)), advance(at, get(level.in)),
  ];
  return [
    set(to, get(out)), set(at, get(from)),
    set(left, op("i32.shr_u", get(level.size), i32(2))),
    when(get(left), loopWhile(get(left), one, one, one, one, decrease(left, 1))),
    set(left, op("i32.and", get(level.size), i32(3))),
    when(get(left), loopWhile(get(left), one, decrease(left, 1))),
  ];
}

/**
 * `out[a, b] = in[b, a]`: `a` counts neighbours of the input, `b` those of the output; sizes ≥ 4.
 *
 * Method: blocks of 32 × 32, in them tiles of 4 × 4; a tile at the end of a size starts earlier
 * and writes some elements again.
 */
function transpose(
  f: FunctionBuilder, bytes: ElementBytes, out: number, from: number, a: Level, b: Level,
): Code {
  const [blockA, endA, blockB, endB, i, j, row, column] = f.many(8, "i32");
  const least = (first: Code, second: Code): Code => // of two non-negative numbers
    op("select", first, second, op("i32.lt_u", first, second));
  const along = (counter: number, start: Code, end: Code, step: number, ...body: Code[]): Code => [
    set(counter, start),
    loopWhile(op("i32.lt_u", get(counter), end), body, advance(counter, i32(step))),
  ];
  const tileAt = (counter: number, size: number): Code =>
    least(get(counter), op("i32.sub", get(size), i32(TILE)));
  const { lines, code } = tile(f, bytes, a.out, b.in);
  const ends = (start: number, size: number): Code =>
    least(op("i32.add", get(start), i32(BLOCK)), get(size));
  return along(blockA, i32(0), get(a.size), BLOCK,
    set(endA, ends(blockA, a.size)),
    along(blockB, i32(0), get(b.size), BLOCK,
      set(endB, ends(blockB, b.size)),
      along(i, get(blockA), get(endA), TILE,
        set(row, tileAt(i, a.size)),
        along(j, get(blockB), get(endB), TILE,
          set(column, tileAt(j, b.size)),
          set(lines.from, op("i32.add", op("i32.add", get(from), bytesOf(row, bytes)),
            op("i32.mul", get(column), get(b.in)))),
          set(lines.out, op("i32.add", op("i32.add", get(out), bytesOf(column, bytes)),
            op("i32.mul", get(row), get(a.out)))),
          code))));
}

/** Transposes one tile; `lines` are the locals with the places of its first element. */
function tile(f: FunctionBuilder, bytes: ElementBytes, outStep: number, inStep: number) {
  const [from, out] = f.many(2, "i32");
  const rows = f.many(TILE, "v128");
  const next = (local: number, step: number): Code =>
    tee(local, op("i32.add", get(local), get(step)));
  const lines = { from, out };
  const source = (k: number) => k === 0 ? get(from) : next(from, inStep);
  const target = (k: number) => k === 0 ? get(out) : next(out, outStep);
  if (bytes === 1) {
    const whole = rows[0];
    const order = Array.from({ length: 16 }, (_, k) => 4 * (k % 4) + (k >> 2));
    return { lines, code: [
      set(whole, memory("v128.load32_zero", 0, source(0))),
      [1, 2, 3].map((k) =>
        set(whole, laneMemoryAt("v128.load32_lane", k, source(k), get(whole)))),
      set(whole, shuffleBytes(order, get(whole), get(whole))),
      [0, 1, 2, 3].map((k) => laneMemoryAt("v128.store32_lane", k, target(k), get(whole))),
    ] };
  }
  const pairs = f.many(TILE, "v128");
  const combine = (order: readonly number[], first: number, second: number): Code =>
    shuffle(order, get(first), get(second));
  return { lines, code: [
    rows.map((row, k) => set(row, memory("v128.load", 0, source(k)))),
    [0, 1].map((k) => [
      set(pairs[2 * k], combine([0, 4, 1, 5], rows[2 * k], rows[2 * k + 1])),
      set(pairs[2 * k + 1], combine([2, 6, 3, 7], rows[2 * k], rows[2 * k + 1]))]),
    [0, 1, 2, 3].map((k) => memory("v128.store", 0, target(k),
      combine(k % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7], pairs[k >> 1], pairs[2 + (k >> 1)]))),
  ] };
}
