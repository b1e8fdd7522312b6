// A tile of sums in registers: loaded, run down the inner dimension, stored.
import type { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import { block, brIf, get, i32, laneMemoryAt, loopWhile, memory, op, set, when, zeros }
  from "../../wasm/instructions.ts";
import { clamped } from "./panels.ts";

/** Rows of the tile: more of them leave no register for products that are not fused. */
export const rowsOfTile = (isFused: boolean): number => isFused ? 6 : 4;

/** A matrix that tiles are loaded from or stored to, as numbers of locals; strides in bytes. */
export interface Place {
  /** Address of the tile. */
  readonly tile: number;
  readonly row: number;
  readonly column: number;
  /** Whether vectors may be used: columns are neighbours, and none is missing. */
  readonly isWhole: number;
  /** Bytes to each next column, zero where it does not exist: set by `columnSteps`. */
  readonly steps: readonly number[];
}

/** Locals and choices of the code of a tile. */
export interface TileCode {
  readonly f: FunctionBuilder;
  readonly isFused: boolean;
  /** Whether a is read where it lies, by a pointer for each row, or from a packed panel. */
  readonly isDirect: boolean;
  readonly sums: readonly (readonly number[])[];
  readonly to: Place;
  readonly from: Place;
  /** Address of the first row of a, or of the packed panel. */
  readonly a: number;
  readonly aRow: number;
  readonly aColumn: number;
  /** Address of the panel of b. */
  readonly b: number;
  readonly k: number;
  /** Rows that are left, from the first one of the tile. */
  readonly rowsLeft: number;
  readonly relu: number;
}

/** Sets the steps between columns; those beyond `columns` coincide with the last one. */
export function columnSteps({ column, steps }: Place, columns: number): Code {
  return steps.map((step, i) => set(step, clamped(column, columns, i + 1)));
}

/**
 * `to = from + a · b` for one tile of `vectors` times four columns.
 *
 * Rows and columns that do not exist coincide with the last one that does: operands and results
 * are the same, so that they are stored twice, and nothing beyond the edge is touched.
 */
export function tileCode(tile: TileCode, vectors: number): Code {
  const sums = tile.sums.map((row) => row.slice(0, vectors));
  return [
    move(tile, tile.from, sums, (half, address) => set(half, memory("v128.load", 0, address)),
      (half, lane, address) =>
        set(half, laneMemoryAt("v128.load32_lane", lane, address, get(half)))),
    innerLoop(tile, sums),
    when(get(tile.relu), sums.flat().map((sum) =>
      set(sum, op("f32x4.pmax", get(sum), zeros)))), // NaN stays, as the first operand
    move(tile, tile.to, sums, (half, address) => memory("v128.store", 0, address, get(half)),
      (half, lane, address) => laneMemoryAt("v128.store32_lane", lane, address, get(half))),
  ];
}

/** Loads or stores all sums, by vectors or by elements. */
function move(
  { f, rowsLeft }: TileCode, place: Place, sums: readonly number[][],
  vector: (sum: number, address: Code) => Code,
  element: (sum: number, lane: number, address: Code) => Code,
): Code {
  const [address, at] = f.many(2, "i32");
  const eachRow = (body: (row: readonly number[]) => Code) => sums.map((row, i) => [
    set(address!, i === 0 ? get(place.tile)
      : op("i32.add", get(address!), clamped(place.row, rowsLeft, i))),
    body(row),
  ]);
  return when(get(place.isWhole),
    eachRow((row) => row.map((sum, half) => vector(sum, half === 0 ? get(address!)
      : op("i32.add", get(address!), i32(16 * half))))),
    eachRow((row) => [set(at!, get(address!)), row.map((sum, half) => [0, 1, 2, 3].map((lane) => [
      half + lane === 0 ? []
        : set(at!, op("i32.add", get(at!), get(place.steps[4 * half + lane - 1]!))),
      element(sum, lane, get(at!)),
    ]))]));
}

/** `sums += a[:, p] b[p, :]` along k. */
function innerLoop(tile: TileCode, sums: readonly number[][]): Code {
  const { f, isFused, isDirect, a, aRow, aColumn, rowsLeft } = tile;
  const [broadcast, ...factors] = f.many(1 + sums[0]!.length, "v128");
  const [pb, left] = f.many(2, "i32");
  const pointers = f.many(isDirect ? sums.length : 1, "i32");
  // Branches that are never taken, as addresses are even, and that the compiler cannot join keep
  // Node 20's and 22's from hoisting all loads and spilling: 1.35 times as fast there.
  const multiply = sums.map((row, i) => [
    i > 0 && i % 2 === 0 ? brIf(1, op("i32.eq", get(pb!), i32(2 * i + 1))) : [],
    set(broadcast!, isDirect ? memory("v128.load32_splat", 0, get(pointers[i]!))
      : memory("v128.load32_splat", 4 * i, get(pointers[0]!))),
    row.map((sum, half) => {
      const pair = [get(broadcast!), get(factors[half]!)];
      return set(sum, isFused ? op("f32x4.relaxed_madd", ...pair, get(sum))
        : op("f32x4.add", get(sum), op("f32x4.mul", ...pair)));
    }),
  ]);
  return [
    pointers.map((pointer, i) => set(pointer, i === 0 ? get(a)
      : op("i32.add", get(pointers[i - 1]!), clamped(aRow, rowsLeft, i)))),
    set(pb!, get(tile.b)),
    set(left!, get(tile.k)),
    when(get(left!), block(loopWhile(get(left!),
      factors.map((factor, half) => set(factor, memory("v128.load", 16 * half, get(pb!)))),
      multiply,
      pointers.map((pointer) => set(pointer, op("i32.add", get(pointer),
        isDirect ? get(aColumn) : i32(4 * sums.length)))),
      set(pb!, op("i32.add", get(pb!), i32(16 * factors.length))),
      set(left!, op("i32.sub", get(left!), i32(1)))))),
  ];
}
