// The matrix product over strided typed arrays in JavaScript: the float64 reference for every
// faster path, and the path for small products. Knows no tensors, shapes or broadcasting.
import type { TypedArray } from "../dtype.ts";

/** A matrix inside a typed array: `(i, j)` lies at `offset + i * rowStride + j * columnStride`. */
export interface Matrix {
  data: TypedArray;
  offset: number;
  rowStride: number;
  columnStride: number;
}

/** Rows and columns of a register tile: 4×2, 2×4 and 3×3 tie; with 12 or more sums V8 spills. */
const TILE_ROWS = 4;
const TILE_COLUMNS = 2;

/** Side of a block of a, b and out: three of them in float64 take 384 KB; 256 is no faster. */
const BLOCK = 128;

/** Multiply-adds that a packed element must serve to repay its copy: measured with 0 to 6. */
const PACKING_COST = 3;

/** Scratch for one block of a, b and out, made by the first product that needs it and then kept. */
let scratch: { a: Float64Array; b: Float64Array; sums: Float64Array } | undefined;

/**
 * `out[m, n] = a[m, k] · b[k, n]` for any strides; zeros where `k` is 0.
 *
 * Sums are kept in float64 and rounded once, on store. Integer sums are exact up to 2^53 and wrap
 * as the array of `out` does. `out` must not share memory with `a` or `b`.
 */
export function matmul(
  out: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number,
): void {
  // Method: out = Σ_p a[:, p] b[p, :] in float64, error ≤ γ_k Σ|a||b| before the one rounding.
  if (m * n * k > PACKING_COST * (m * n + m * k + k * n)) multiplyBlocks(out, a, b, m, n, k);
  // outᵀ = bᵀ · aᵀ, so that the longer side always runs down the four rows of the tile.
  else if (m < n) multiplyDirectly(transpose(out), transpose(b), transpose(a), n, m, k);
  else multiplyDirectly(out, a, b, m, n, k);
}

function transpose({ data, offset, rowStride, columnStride }: Matrix): Matrix {
  return { data, offset, rowStride: columnStride, columnStride: rowStride };
}

/** Small and thin products, where an element is used too few times to be worth packing. */
function multiplyDirectly(
  out: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number,
): void {
  const { data: to, rowStride: toRow, columnStride: toColumn } = out;
  const { data: left, rowStride: leftRow, columnStride: leftStep } = a;
  const { data: right, rowStride: rightStep, columnStride: rightColumn } = b;
  let i = 0;
  // Four rows of a against one column of b: four independent sums hide the latency of addition.
  for (; i + 4 <= m; i += 4) {
    for (let j = 0; j < n; j++) {
      let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      let x = a.offset + i * leftRow;
      let y = b.offset + j * rightColumn;
      for (let p = 0; p < k; p++) {
        const v = right[y]!;
        s0 += left[x]! * v;
        s1 += left[x + leftRow]! * v;
        s2 += left[x + 2 * leftRow]! * v;
        s3 += left[x + 3 * leftRow]! * v;
        x += leftStep;
        y += rightStep;
      }
      const z = out.offset + i * toRow + j * toColumn;
      to[z] = s0;
      to[z + toRow] = s1;
      to[z + 2 * toRow] = s2;
      to[z + 3 * toRow] = s3;
    }
  }
  // The last rows, fewer than four, as dot products.
  for (; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const x = a.offset + i * leftRow, y = b.offset + j * rightColumn;
      to[out.offset + i * toRow + j * toColumn] = dot(left, x, leftStep, right, y, rightStep, k);
    }
  }
}

/** `Σ_p left[x + p * leftStep] * right[y + p * rightStep]` for `p < k`. */
function dot(
  left: TypedArray, x: number, leftStep: number,
  right: TypedArray, y: number, rightStep: number, k: number,
): number {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  let p = 0;
  // Every fourth term goes to the same sum, for the same reason as the four rows above.
  for (; p + 4 <= k; p += 4) {
    s0 += left[x]! * right[y]!;
    s1 += left[x + leftStep]! * right[y + rightStep]!;
    s2 += left[x + 2 * leftStep]! * right[y + 2 * rightStep]!;
    s3 += left[x + 3 * leftStep]! * right[y + 3 * rightStep]!;
    x += 4 * leftStep;
    y += 4 * rightStep;
  }
  for (; p < k; p++, x += leftStep, y += rightStep) s0 += left[x]! * right[y]!;
  return s0 + s1 + (s2 + s3);
}

/** Large products: blocks of a and b are packed in the order in which the tiles read them. */
function multiplyBlocks(
  out: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number,
): void {
  scratch ??= {
    a: new Float64Array(BLOCK * BLOCK),
    b: new Float64Array(BLOCK * BLOCK),
    sums: new Float64Array(BLOCK * BLOCK),
  };
  for (let i = 0; i < m; i += BLOCK) {
    const rows = Math.min(BLOCK, m - i);
    for (let j = 0; j < n; j += BLOCK) {
      const columns = Math.min(BLOCK, n - j);
      scratch.sums.fill(0, 0, roundUp(rows, TILE_ROWS) * BLOCK);
      for (let p = 0; p < k; p += BLOCK) {
        const steps = Math.min(BLOCK, k - p);
        pack(scratch.a, TILE_ROWS, a.data, a.offset + i * a.rowStride + p * a.columnStride,
          a.rowStride, rows, a.columnStride, steps);
        pack(scratch.b, TILE_COLUMNS, b.data, b.offset + p * b.rowStride + j * b.columnStride,
          b.columnStride, columns, b.rowStride, steps);
        addBlock(scratch.sums, scratch.a, scratch.b, rows, columns, steps);
      }
      store(out, i, j, scratch.sums, rows, columns);
    }
  }
}

/** The product of a packed block of a and one of b, added to `sums`, tile by tile. */
function addBlock(
  sums: Float64Array, a: Float64Array, b: Float64Array,
  rows: number, columns: number, steps: number,
): void {
  // One panel of a stays in the L1 cache while the panels of b pass by.
  for (let i = 0; i < rows; i += TILE_ROWS) {
    for (let j = 0; j < columns; j += TILE_COLUMNS) {
      addTile(sums, i * BLOCK + j, a, i * steps, b, j * steps, steps);
    }
  }
}

/** Adds a 4-row panel of a times a 2-column panel of b to the tile of `sums` at `z`. */
function addTile(
  sums: Float64Array, z: number,
  a: Float64Array, x: number, b: Float64Array, y: number, steps: number,
): void {
  let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
  // Each step reads a column of the panel of a and a row of the panel of b. `| 0` drops the
  // overflow checks of the index arithmetic: 1.25× faster on Node 20 and 24.
  const end = x + steps * TILE_ROWS;
  for (; x < end; x = (x + TILE_ROWS) | 0, y = (y + TILE_COLUMNS) | 0) {
    const b0 = b[y]!, b1 = b[(y + 1) | 0]!;
    const a0 = a[x]!;
    s00 += a0 * b0;
    s01 += a0 * b1;
    const a1 = a[(x + 1) | 0]!;
    s10 += a1 * b0;
    s11 += a1 * b1;
    const a2 = a[(x + 2) | 0]!;
    s20 += a2 * b0;
    s21 += a2 * b1;
    const a3 = a[(x + 3) | 0]!;
    s30 += a3 * b0;
    s31 += a3 * b1;
  }
  sums[z] += s00;
  sums[z + 1] += s01;
  sums[z + BLOCK] += s10;
  sums[z + BLOCK + 1] += s11;
  sums[z + 2 * BLOCK] += s20;
  sums[z + 2 * BLOCK + 1] += s21;
  sums[z + 3 * BLOCK] += s30;
  sums[z + 3 * BLOCK + 1] += s31;
}

/**
 * Copies `lines` lines (rows of a, columns of b) of `steps` elements into panels of `width` lines.
 *
 * A panel holds element 0 of all its lines, then element 1, and so on; missing lines are zeros.
 */
function pack(
  panels: Float64Array, width: number, data: TypedArray, start: number,
  lineStride: number, lines: number, stepStride: number, steps: number,
): void {
  for (let line = 0, end = roundUp(lines, width); line < end; line++) {
    const inPanel = line % width;
    let to = (line - inPanel) * steps + inPanel;
    let from = start + line * lineStride;
    if (line < lines) {
      for (let p = 0; p < steps; p++, to += width, from += stepStride) panels[to] = data[from]!;
    } else {
      for (let p = 0; p < steps; p++, to += width) panels[to] = 0;
    }
  }
}

/** Rounds a block of sums to the type of `out` and writes it at row `i`, column `j`. */
function store(
  out: Matrix, i: number, j: number, sums: Float64Array, rows: number, columns: number,
): void {
  const { data, rowStride, columnStride } = out;
  for (let row = 0; row < rows; row++) {
    let to = out.offset + (i + row) * rowStride + j * columnStride;
    const from = row * BLOCK;
    for (let column = 0; column < columns; column++, to += columnStride) {
      data[to] = sums[from + column]!;
    }
  }
}

function roundUp(size: number, multiple: number): number {
  return Math.ceil(size / multiple) * multiple;
}
