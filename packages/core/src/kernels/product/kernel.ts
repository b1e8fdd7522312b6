// The product kernel: whole matrices or blocks of one, block by block of the inner dimension.
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import { get, i32, loopWhile, memory, op, set, when, zeros } from "../../wasm/instructions.ts";
import type { HeapKernel } from "../heap-kernel.ts";
import { NARROW, packColumns, packPanel, WIDE } from "./panels.ts";
import { columnSteps, rowsOfTile, tileCode, type Place, type TileCode } from "./tile.ts";

/** Steps of the inner dimension between two visits of a sum that is not in a register. */
export const BLOCK_K = 256;

/** Zeros at the start of the scratch memory, from which sums start where there is no bias. */
export const ZERO_BYTES = 64;

/** Parameters of `run` behind the scratch address, in order; addresses and strides in bytes. */
export const parameters = [
  /** Matrices, and how far apart they lie. */
  "count", "out", "a", "b", "outNext", "aNext", "bNext",
  "outRow", "outColumn", "aRow", "aColumn", "bRow", "bColumn",
  "m", "n", "k",
  /** What is added to every row: address (0: nothing) and strides. */
  "bias", "biasRow", "biasColumn",
  "relu",
  /** Whether b is a matrix, packed by the call itself, or the address of panels. */
  "packs",
  /** Scratch offsets: panels of a, sums between blocks of k, panels of b. */
  "panelsOfA", "partial", "panelsOfB",
] as const;

/** Name of a parameter of the kernel. */
export type Parameter = typeof parameters[number];

type Locals = Record<Parameter | "scratch", number>;

const add = (x: Code, y: Code): Code => op("i32.add", x, y);
const increase = (local: number, by: Code): Code => set(local, add(get(local), by));
const decrease = (local: number, by: Code): Code => set(local, op("i32.sub", get(local), by));
const product = (x: number, y: Code): Code => op("i32.mul", get(x), y);

/** By number: a name for each would take longer to make than a small plan. */
const kernels: HeapKernel[] = [];

/**
 * `out = bias + a · b`, then relu if asked for, over blocks that start anywhere.
 *
 * Method: panels of b and, unless `isDirect`, of a; a tile of sums runs down at most 256 steps of
 * k, then waits in scratch memory. Every sum is one chain over k in order, fused where `isFused`:
 * error ≤ γ_k Σ|a||b| (γ_{k+1} with a bias), u = 2⁻²⁴, whatever the blocks.
 */
export function productKernel(isFused: boolean, isDirect: boolean, shared: boolean): HeapKernel {
  const index = (isFused ? 1 : 0) + (isDirect ? 2 : 0) + (shared ? 4 : 0);
  return kernels[index] ??=
    { bytes: build(isFused, isDirect, shared), needsScalars: false, usesScratch: true };
}

function build(isFused: boolean, isDirect: boolean, shared: boolean): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(
    Array.from({ length: parameters.length + 1 }, () => "i32" as const));
  const p = Object.fromEntries(["scratch", ...parameters].map((name, i) => [name, i])) as Locals;
  return f.module([
    [0, 16, 32, 48].map((offset) => memory("v128.store", offset, get(p.scratch), zeros)),
    [p.panelsOfA, p.partial, p.panelsOfB].map((offset) => increase(offset, get(p.scratch))),
    when(op("i32.eqz", get(p.packs)), set(p.panelsOfB, get(p.b))),
    loopWhile(get(p.count),
      when(get(p.packs), [
        packB(f, p), set(p.packs, op("i32.ne", get(p.bNext), i32(0))),
      ]),
      blocksOfK(f, p, isFused, isDirect),
      increase(p.out, get(p.outNext)),
      increase(p.a, get(p.aNext)),
      increase(p.b, get(p.bNext)),
      decrease(p.count, i32(1))),
  ], shared);
}

function packB(f: FunctionBuilder, p: Locals): Code {
  const [from, lines, to] = f.many(3, "i32") as [number, number, number];
  return [set(from, get(p.b)), set(lines, get(p.n)), set(to, get(p.panelsOfB)),
    packColumns(f, { from, lineStride: p.bColumn, stepStride: p.bRow, lines, steps: p.k, to })];
}

/** Blocks of k: the first starts from the bias or zeros, only the last one writes to `out`. */
function blocksOfK(
  f: FunctionBuilder, p: Locals, isFused: boolean, isDirect: boolean,
): Code {
  const place = (): Place => ({ tile: f.local("i32"), row: f.local("i32"), column: f.local("i32"),
    isWhole: f.local("i32"), steps: f.many(WIDE - 1, "i32") });
  const [k, done, left, a, relu, rowsLeft, b, packed] = f.many(8, "i32") as
    [number, number, number, number, number, number, number, number];
  const [to, from] = f.many(2, "i32") as [number, number];
  const advance = f.local("i32");
  const tile: TileCode = {
    f, isFused, isDirect, relu, rowsLeft, b, k, a: isDirect ? f.local("i32") : packed,
    aRow: p.aRow, aColumn: p.aColumn, to: place(), from: place(),
    sums: Array.from({ length: rowsOfTile(isFused) }, () => f.many(2, "v128")),
  };
  const isLast = op("i32.eq", get(left), get(k));
  const target = (address: Code, row: Code, column: Code) =>
    [set(to, address), set(tile.to.row, row), set(tile.to.column, column)];
  const partialRow = f.local("i32");
  return [
    set(partialRow, op("i32.and", add(product(p.n, i32(4)), i32(31)), i32(-32))),
    set(done, i32(0)), set(left, get(p.k)), set(a, get(p.a)),
    loopWhile(get(left),
      set(k, get(left)),
      isDirect ? [] : when(op("i32.gt_u", get(k), i32(BLOCK_K)), set(k, i32(BLOCK_K))),
      when(get(done), [
        set(from, get(p.partial)), set(tile.from.row, get(partialRow)),
        set(tile.from.column, i32(4)), set(advance, i32(4)),
      ], start(p, tile.from, from, advance)),
      when(isLast, target(get(p.out), get(p.outRow), get(p.outColumn)),
        target(get(p.partial), get(partialRow), i32(4))),
      set(relu, op("i32.and", get(p.relu), isLast)),
      isDirect ? [] : packA(f, p, tile, a),
      panelsOfB(f, p, tile, { done, left, a, to, from, advance }),
      increase(a, product(p.aColumn, get(k))),
      increase(done, get(k)),
      decrease(left, get(k))),
  ];
}

/** Sums start from the bias, or from zeros that do not move along with the columns. */
function start(p: Locals, from: Place, address: number, advance: number): Code {
  return when(get(p.bias), [
    set(address, get(p.bias)), set(from.row, get(p.biasRow)), set(from.column, get(p.biasColumn)),
    set(advance, get(p.biasColumn)),
  ], [
    set(address, get(p.scratch)), set(from.row, i32(0)), set(from.column, i32(4)),
    set(advance, i32(0)),
  ]);
}

/** Packs the rows of a for this block of k. */
function packA(f: FunctionBuilder, p: Locals, tile: TileCode, a: number): Code {
  const rows = tile.sums.length;
  const [from, lines, to] = f.many(3, "i32") as [number, number, number];
  return [
    set(from, get(a)), set(lines, get(p.m)), set(to, get(p.panelsOfA)),
    loopWhile(get(lines),
      packPanel(f, rows, { from, lineStride: p.aRow, stepStride: p.aColumn, lines,
        steps: tile.k, to }),
      increase(from, product(p.aRow, i32(rows))),
      nextOf(lines, rows)),
  ];
}

/** Takes `by` from a count, at most what is left. */
function nextOf(count: number, by: number): Code {
  return when(op("i32.gt_u", get(count), i32(by)), decrease(count, i32(by)), set(count, i32(0)));
}

interface Walk {
  readonly done: number;
  readonly left: number;
  readonly a: number;
  readonly to: number;
  readonly from: number;
  readonly advance: number;
}

/** All panels of b against all rows, for this block of k. */
function panelsOfB(f: FunctionBuilder, p: Locals, tile: TileCode, walk: Walk): Code {
  const [columns, panel] = f.many(2, "i32") as [number, number];
  const each = (width: number): Code => [
    set(tile.b, add(get(panel), product(walk.done, i32(4 * width)))),
    // Partial sums and zeros have room for whole panels.
    whole(tile.to, op("i32.ne", get(walk.left), get(tile.k)), columns, width),
    whole(tile.from, op("i32.eqz", get(walk.advance)), columns, width, get(walk.done)),
    allRows(p, tile, walk, width),
    increase(panel, product(p.k, i32(4 * width))),
    increase(walk.to, product(tile.to.column, i32(width))),
    increase(walk.from, product(walk.advance, i32(width))),
  ];
  return [
    set(columns, get(p.n)), set(panel, get(p.panelsOfB)),
    loopWhile(get(columns),
      columnSteps(tile.to, columns), columnSteps(tile.from, columns),
      when(op("i32.gt_u", get(columns), i32(NARROW)), each(WIDE), each(NARROW)),
      nextOf(columns, WIDE)),
  ];
}

/** Sets whether a place can be read and written by vectors. */
function whole(
  place: Place, isPadded: Code, columns: number, width: number, isPartial: Code = i32(0),
): Code {
  return [
    set(place.isWhole, op("i32.gt_u", get(columns), i32(width - 1))),
    when(isPadded, set(place.isWhole, i32(1))),
    when(isPartial, set(place.isWhole, i32(1))),
    set(place.isWhole, op("i32.and", get(place.isWhole), op("i32.eq", get(place.column), i32(4)))),
  ];
}

/** One panel of b against all rows. */
function allRows(p: Locals, tile: TileCode, walk: Walk, width: number): Code {
  const rows = tile.sums.length;
  const { to, from } = tile;
  return [
    set(tile.a, get(tile.isDirect ? walk.a : p.panelsOfA)),
    set(to.tile, get(walk.to)), set(from.tile, get(walk.from)),
    set(tile.rowsLeft, get(p.m)),
    loopWhile(get(tile.rowsLeft),
      tileCode(tile, width / 4),
      increase(tile.a, tile.isDirect ? product(p.aRow, i32(rows)) : product(tile.k, i32(4 * rows))),
      increase(to.tile, product(to.row, i32(rows))),
      increase(from.tile, product(from.row, i32(rows))),
      nextOf(tile.rowsLeft, rows)),
  ];
}
