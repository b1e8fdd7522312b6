// Loops over operands taken block by block: where the elements of a block lie, and moving them.
import type { TypedArray } from "../dtype.ts";
import { BLOCK, type Block } from "../expression/interpreter.ts";
import type { Loops } from "./operand.ts";

/** A walk over all elements of some loops, row-major, up to `BLOCK` at a time. */
export class BlockWalk {
  /** The current elements lie, in operand `k`, at `bases[k] + positions[k][i]`. */
  readonly bases: Int32Array;
  readonly positions: readonly Int32Array[];
  private loops: Loops = { shape: [], strides: [] };
  /** Where the current row of each operand starts. */
  private readonly rows: Int32Array;
  /** The step of the positions, where they are those of one row from its start; else 2³¹ - 1. */
  private readonly steps: Int32Array;
  private index: number[] = [];
  /** The next element of the row, and how many it has. */
  private at = 0;
  private size = 0;

  constructor(operands: number) {
    this.positions = Array.from({ length: operands }, () => new Int32Array(BLOCK));
    this.bases = new Int32Array(operands);
    this.rows = new Int32Array(operands);
    this.steps = new Int32Array(operands);
  }

  /** Goes to the start of `loops`; `offsets` are the positions there, by default 0. */
  start(loops: Loops, offsets?: readonly number[]): void {
    const { shape } = loops;
    this.loops = loops;
    this.index = new Array<number>(shape.length).fill(0);
    if (offsets === undefined) this.rows.fill(0);
    else this.rows.set(offsets);
    this.at = 0;
    this.size = shape.includes(0) ? 0 : shape.length === 0 ? 1 : shape[shape.length - 1];
  }

  /** Takes up to `limit` elements and gives their number, 0 after the last one. */
  next(limit: number): number {
    const isOneRow = this.loops.shape.length < 2 || this.size - this.at >= limit;
    if (isOneRow) return this.nextOfRow(limit);
    this.bases.fill(0);
    this.steps.fill(NO_STEP);
    let count = 0;
    while (count < limit && this.at < this.size) {
      const run = Math.min(limit - count, this.size - this.at);
      for (let k = 0; k < this.rows.length; k++) {
        const step = this.stepOf(k);
        list(this.positions[k], count, run, this.rows[k] + this.at * step, step);
      }
      count += run;
      this.advance(run);
    }
    return count;
  }

  /** Positions within a row are the same for every block of it: most walks list them once. */
  private nextOfRow(limit: number): number {
    const count = Math.min(limit, this.size - this.at);
    if (count === 0) return 0;
    for (let k = 0; k < this.rows.length; k++) {
      const step = this.stepOf(k);
      this.bases[k] = this.rows[k] + this.at * step;
      if (this.steps[k] === step) continue;
      this.steps[k] = step;
      list(this.positions[k], 0, BLOCK, 0, step);
    }
    this.advance(count);
    return count;
  }

  private stepOf(k: number): number {
    const strides = this.loops.strides[k];
    return strides.length === 0 ? 0 : strides[strides.length - 1];
  }

  private advance(count: number): void {
    this.at += count;
    if (this.at < this.size) return;
    const { shape, strides } = this.loops;
    let dim = shape.length - 2;
    for (; dim >= 0; dim--) {
      const steps = ++this.index[dim] < shape[dim] ? 1 : 1 - shape[dim];
      for (let k = 0; k < this.rows.length; k++) this.rows[k] += strides[k][dim] * steps;
      if (steps === 1) break;
      this.index[dim] = 0;
    }
    if (dim >= 0) this.at = 0;
  }
}

const NO_STEP = 2 ** 31 - 1;

function list(positions: Int32Array, from: number, count: number, at: number, step: number): void {
  for (let i = 0; i < count; i++) positions[from + i] = at + i * step;
}

/**
 * Reads the elements at `base + rows[i] + columns[j]` into a block, row by row: `height` times
 * `width` of them, at most `BLOCK`.
 */
export function readBlock(
  block: Block, data: TypedArray, base: number,
  rows: Int32Array, height: number, columns: Int32Array, width: number,
): void {
  for (let i = 0, at = 0; i < height; i++) {
    const row = base + rows[i];
    for (let j = 0; j < width; j++, at++) block[at] = data[row + columns[j]];
  }
}

/** Writes what `readBlock` reads; into truth values as 0 and 1. */
export function writeBlock(
  block: Block, data: TypedArray, base: number,
  rows: Int32Array, height: number, columns: Int32Array, width: number,
): void {
  const isBool = data instanceof Uint8Array;
  for (let i = 0, at = 0; i < height; i++) {
    const row = base + rows[i];
    if (isBool) for (let j = 0; j < width; j++, at++) data[row + columns[j]] = +(block[at] !== 0);
    else for (let j = 0; j < width; j++, at++) data[row + columns[j]] = block[at];
  }
}

/** The only row of what has no rows. */
export const oneRow: Int32Array = new Int32Array(1);
