// Products of known result, computed before a BLAS is trusted.
import type { BlasProduct } from "./library.ts";

/** Edges of vector tiles, a single element, and one beyond OpenBLAS's kernels for small sizes. */
const SIZES = [[1, 1, 1], [3, 5, 7], [17, 33, 9], [130, 70, 129]] as const;

/** Rows above which the infinity is left out: such a product takes longer than all others. */
const MOST_ROWS = 100;

/** Elements between lines, which must stay as they are. */
const GAP = 3;

const PAGE = 65536;

/** A matrix in a memory, row by row or column by column, with gaps. */
interface Placed {
  readonly address: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/**
 * What is wrong with products made by `productOver`, or null. Method: small integers, which every
 * order of summation adds up exactly, in all four transpose cases; then one infinity as well, which
 * must make NaN of a zero; an output full of NaN, which must be overwritten; gaps, which must not.
 */
export function problemOfProduct(
  productOver: (memory: WebAssembly.Memory) => BlasProduct,
): string | null {
  const memory = new WebAssembly.Memory({ initial: 3, maximum: 4, shared: true });
  const product = productOver(memory);
  for (const [m, n, k] of SIZES) {
    for (let i = 0; i < 8; i++) {
      const [transA, transB, isInfinite] = [(i & 1) > 0, (i & 2) > 0, (i & 4) > 0];
      if (isInfinite && m > MOST_ROWS) continue;
      const problem = check(product, memory, m, n, k, transA, transB, isInfinite);
      if (problem !== null) return `cblas_sgemm is wrong: ${problem}`;
    }
    if (memory.buffer.byteLength === 3 * PAGE) memory.grow(1);
  }
  return null;
}

function check(
  product: BlasProduct, memory: WebAssembly.Memory, m: number, n: number, k: number,
  transA: boolean, transB: boolean, isInfinite: boolean,
): string | null {
  const end = 3 + m * k + k * n + GAP * (m + 2 * k + n);
  const floats = new Float32Array(memory.buffer, 0, end + m * (n + GAP) + GAP).fill(NaN);
  const a = place(floats, 1, m, k, transA);
  const b = place(floats, 2 + m * k + GAP * (m + k), k, n, transB);
  if (isInfinite) floats[1] = Infinity;
  const expected = reference(floats, a, b, m, n, k, end);
  product(m, n, k, a.address, a.rowStride, a.columnStride, b.address, b.rowStride,
    b.columnStride, end * 4, n + GAP);
  for (let i = 0; i < floats.length; i++) {
    if (Object.is(floats[i], expected[i]) || floats[i] === expected[i]) continue;
    return `${floats[i]} for ${expected[i]} in [${m}, ${k}]${transA ? "ᵀ" : ""} · ` +
      `[${k}, ${n}]${transB ? "ᵀ" : ""}`;
  }
  return null;
}

/** Writes integers from -5 to 5. */
function place(
  floats: Float32Array, start: number, rows: number, columns: number, byColumns: boolean,
): Placed {
  const [rowStride, columnStride] = byColumns ? [1, rows + GAP] : [columns + GAP, 1];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      floats[start + i * rowStride + j * columnStride] = ((start + 7 * i + 3 * j) % 11) - 5;
    }
  }
  return { address: start * 4, rowStride, columnStride };
}

/** All floats as they must be afterwards. */
function reference(
  floats: Float32Array, a: Placed, b: Placed, m: number, n: number, k: number, out: number,
): Float32Array {
  const after = floats.slice();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      let fromA = a.address / 4 + i * a.rowStride;
      let fromB = b.address / 4 + j * b.columnStride;
      for (let p = 0; p < k; p++, fromA += a.columnStride, fromB += b.rowStride) {
        sum += floats[fromA]! * floats[fromB]!;
      }
      after[out + i * (n + GAP) + j] = sum;
    }
  }
  return after;
}
