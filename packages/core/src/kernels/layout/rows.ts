// Rows looked up by index, and rows added up by index: index_select, embedding, index_add.
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import {
  get, i32, loopWhile, memory, op, scalarMemoryAt, set, truncated, when, zeros,
} from "../../wasm/instructions.ts";
import type { Call, HeapKernel, Step } from "../heap-kernel.ts";
import { advance, copyRun, type ElementBytes } from "./copy-kernel.ts";
import { pieces } from "./copy.ts";

/** Numbers of rows in the heap: int32, or float32 that are whole; within the table. */
export interface RowIndex {
  readonly address: number;
  /** Bytes from one number to the next. */
  readonly stride: number;
  readonly count: number;
  readonly isFloat: boolean;
}

/** Rows in the heap, whose elements are neighbours; repeated `outer` times. */
export interface Rows {
  readonly address: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  /** Bytes from one repetition to the next. */
  readonly outerStride: number;
}

/** Elements that a call moves: 30 to 100 µs; twice as many are not divided. */
const CALL_ELEMENTS = 65536;

/** Calls that may share the work of adding rows: each reads the whole index. */
const readersOf = (width: number): number => Math.max(4, width >> 4);

const kernels = new Map<string, HeapKernel>();

function cached(key: string, build: () => Uint8Array<ArrayBuffer>): HeapKernel {
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = { bytes: build(), needsScalars: false, usesScratch: false };
    kernels.set(key, kernel);
  }
  return kernel;
}

/** `out[o, i] = table[o, index[i]]` for rows of `width` elements; the index is checked before. */
export function planGatherRows(
  outer: number, out: Rows, table: Rows, index: RowIndex, width: number, bytes: ElementBytes,
  shared: boolean,
): Step[] {
  const total = outer * index.count * width;
  if (total === 0) return [];
  const budget = total <= 2 * CALL_ELEMENTS ? total : CALL_ELEMENTS;
  const rounds = pieces(outer, budget / (index.count * width), 1);
  const calls: Call[] = [];
  for (const [round, count] of rounds) {
    for (const [start, size] of pieces(index.count, budget / (count * width), 1)) {
      calls.push([
        count, size, width * bytes,
        out.address + round * out.outerStride + start * out.stride, out.outerStride, out.stride,
        table.address + round * table.outerStride, table.outerStride, table.stride,
        index.address + start * index.stride, index.stride,
      ]);
    }
  }
  const kernel = cached(`gather${index.isFloat}${bytes}${shared}`,
    () => gatherModule(index.isFloat, bytes, shared));
  return [{ kernel, calls }];
}

function gatherModule(
  isFloat: boolean, bytes: ElementBytes, shared: boolean,
): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(new Array<"i32">(11).fill("i32"));
  const [outer, count, length, out, outOuter, outStep, table, tableOuter, tableStep, index,
    indexStep] = Array.from({ length: 11 }, (_, k) => k);
  const [left, to, from, at] = f.many(4, "i32");
  return f.module(loopWhile(get(outer),
    set(left, get(count)), set(to, get(out)), set(at, get(index)),
    loopWhile(get(left),
      set(from, rowAt(rowNumber(isFloat, at), table, tableStep)),
      copyRun(f, bytes, to, from, get(length)),
      advance(to, get(outStep)), advance(at, get(indexStep)), advance(left, i32(-1))),
    advance(out, get(outOuter)), advance(table, get(tableOuter)), advance(outer, i32(-1))),
  shared);
}

/** The row number at an address. */
function rowNumber(isFloat: boolean, at: number): Code {
  return isFloat ? truncated(scalarMemoryAt("f32.load", 0, get(at)))
    : scalarMemoryAt("i32.load", 0, get(at));
}

const rowAt = (row: Code, start: number, stride: number): Code =>
  op("i32.add", get(start), op("i32.mul", row, get(stride)));

/**
 * `out[o, r] = base[o, r] + Σ source[o, i]` over all `i` with `index[i] = r`, in their order, in
 * float32; without `base`, from zero. `out` has `rows` rows of `width` floats.
 *
 * A call makes some rows of `out` from the whole index, so that no order depends on who runs it.
 */
export function planAddRows(
  outer: number, rows: number, out: Rows, base: Rows | null, source: Rows, index: RowIndex,
  width: number, shared: boolean,
): Step[] {
  if (outer * rows * width === 0) return [];
  const total = (rows + index.count) * width;
  const parts = total <= 2 * CALL_ELEMENTS ? 1
    : Math.min(Math.ceil(total / CALL_ELEMENTS), readersOf(width));
  const from = base ?? { address: 0, stride: 0, outerStride: 0 };
  const calls: Call[] = [];
  for (let round = 0; round < outer; round++) {
    for (const [start, size] of pieces(rows, Math.ceil(rows / parts), 1)) {
      const place = ({ address, stride, outerStride }: Rows) =>
        address + round * outerStride + start * stride;
      calls.push([
        width, start, size, place(out), out.stride, place(from), from.stride, index.count,
        source.address + round * source.outerStride, source.stride, index.address, index.stride,
      ]);
    }
  }
  const kernel = cached(`add${index.isFloat}${base !== null}${shared}`,
    () => addModule(index.isFloat, base !== null, shared));
  return [{ kernel, calls }];
}

function addModule(
  isFloat: boolean, hasBase: boolean, shared: boolean,
): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(new Array<"i32">(12).fill("i32"));
  const [width, first, rows, out, outStep, base, baseStep, count, source, sourceStep, index,
    indexStep] = Array.from({ length: 12 }, (_, k) => k);
  const [left, to, row] = f.many(3, "i32");
  const bytes = op("i32.shl", get(width), i32(2));
  return f.module([
    set(left, get(rows)), set(to, get(out)),
    loopWhile(get(left),
      hasBase ? copyRun(f, 4, to, base, bytes) : clearRun(f, to, bytes),
      advance(to, get(outStep)), advance(base, get(baseStep)), advance(left, i32(-1))),
    when(get(count), loopWhile(get(count),
      set(row, op("i32.sub", rowNumber(isFloat, index), get(first))),
      when(op("i32.lt_u", get(row), get(rows)), [
        set(to, rowAt(get(row), out, outStep)), addRun(f, to, source, bytes)]),
      advance(source, get(sourceStep)), advance(index, get(indexStep)), advance(count, i32(-1)))),
  ], shared);
}

/** Writes zeros to at least one float. */
function clearRun(f: FunctionBuilder, out: number, length: Code): Code {
  return overRun(f, [out], length,
    ([to]) => memory("v128.store", 0, get(to), zeros),
    ([to]) => scalarMemoryAt("i32.store", 0, get(to), i32(0)));
}

/** Adds at least one float to others. */
function addRun(f: FunctionBuilder, out: number, from: number, length: Code): Code {
  return overRun(f, [out, from], length,
    ([to, at]) => memory("v128.store", 0, get(to), op("f32x4.add",
      memory("v128.load", 0, get(to)), memory("v128.load", 0, get(at)))),
    ([to, at]) => scalarMemoryAt("f32.store", 0, get(to), op("f32.add",
      scalarMemoryAt("f32.load", 0, get(to)), scalarMemoryAt("f32.load", 0, get(at)))));
}

/** Walks runs of `length` bytes together: four floats at a time, then one by one. */
function overRun(
  f: FunctionBuilder, starts: readonly number[], length: Code,
  four: (positions: readonly number[]) => Code, one: (positions: readonly number[]) => Code,
): Code {
  const positions = f.many(starts.length, "i32");
  const left = f.local("i32");
  const walk = (step: number, body: Code): Code => loopWhile(get(left), body,
    positions.map((position) => advance(position, i32(step))), advance(left, i32(-1)));
  return [
    positions.map((position, k) => set(position, get(starts[k]))),
    set(left, op("i32.shr_u", length, i32(4))),
    when(get(left), walk(16, four(positions))),
    set(left, op("i32.and", op("i32.shr_u", length, i32(2)), i32(3))),
    when(get(left), walk(4, one(positions))),
  ];
}
