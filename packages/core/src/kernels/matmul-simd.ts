// The float32 matrix product in WebAssembly SIMD; operands are packed from JavaScript.
import type { Matrix } from "./matmul.ts";
import { FunctionBuilder } from "../wasm/assembler.ts";
import type { Code } from "../wasm/encoding.ts";
import { brIf, block, get, i32, loopWhile, memory, op, set, when, zeros }
  from "../wasm/instructions.ts";
import { hasRelaxedMultiplyAdd, hasSimd } from "../wasm/features.ts";

/** Columns of the tile of sums that is kept in registers, two vectors. */
const COLUMNS = 8;

/** Rows of the tile: more of them leave no register for products that are not fused. */
const ROWS = 4;
const FUSED_ROWS = 6;

/** Sizes of packed blocks, which stay in the second-level cache; rows divide by both tiles. */
const BLOCK_M = 264;
const BLOCK_N = 512;
const BLOCK_K = 256;

/** Multiply-adds from which packing pays: at 16×16×16 it is 3 to 4 times as fast. */
const SMALLEST = 4096;

interface Engine {
  /** Rows of the tile. */
  readonly rows: number;
  /** Memory of the packed blocks, as floats: a, then b, then the block of the result. */
  readonly floats: Float32Array;
  readonly run: (a: number, b: number, c: number, rowPanels: number, columnPanels: number,
    k: number, rowBytes: number, accumulate: number) => void;
}

const A = 0;
const B = A + BLOCK_M * BLOCK_K;
const C = B + BLOCK_N * BLOCK_K;
const TOTAL = C + BLOCK_M * BLOCK_N;

let [plain, fused]: (Engine | undefined)[] = [];

function start(isFused: boolean): Engine {
  const rows = isFused ? FUSED_ROWS : ROWS;
  const pages = Math.ceil((TOTAL * 4) / 65536);
  const heap = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(kernel(rows, isFused)), { env: { memory: heap } });
  return {
    rows, floats: new Float32Array(heap.buffer), run: instance.exports.run as Engine["run"],
  };
}

/**
 * `out[m, n] = a[m, k] · b[k, n]` in float32, where that pays: gives `false`, having done nothing,
 * for small products, other dtypes and engines without SIMD.
 *
 * Method: blocks of a and b are packed into panels of a tile's rows and columns, zero-padded; a
 * tile of sums runs down k, with fused multiply-add where the engine has it. Error ≤ γ_k Σ|a||b|
 * with u = 2⁻²⁴.
 */
export function multiplySimd(
  out: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number,
): boolean {
  if (m * n * k < SMALLEST || m < 2 || n < 2 || !hasSimd()) return false;
  for (const { data } of [out, a, b]) if (!(data instanceof Float32Array)) return false;
  const { rows, floats, run } = hasRelaxedMultiplyAdd() ? fused ??= start(true)
    : plain ??= start(false);
  for (let n0 = 0; n0 < n; n0 += BLOCK_N) {
    const nSize = Math.min(BLOCK_N, n - n0);
    const columnPanels = Math.ceil(nSize / COLUMNS);
    const rowBytes = columnPanels * COLUMNS * 4;
    for (let m0 = 0; m0 < m; m0 += BLOCK_M) {
      const mSize = Math.min(BLOCK_M, m - m0);
      for (let k0 = 0; k0 < k; k0 += BLOCK_K) {
        const kSize = Math.min(BLOCK_K, k - k0);
        pack(floats, A, a.data as Float32Array, a.offset + m0 * a.rowStride + k0 * a.columnStride,
          a.rowStride, a.columnStride, mSize, kSize, rows);
        pack(floats, B, b.data as Float32Array, b.offset + k0 * b.rowStride + n0 * b.columnStride,
          b.columnStride, b.rowStride, nSize, kSize, COLUMNS);
        run(A * 4, B * 4, C * 4, Math.ceil(mSize / rows), columnPanels, kSize, rowBytes,
          k0 === 0 ? 0 : 1);
      }
      unpack(out, m0, n0, mSize, nSize, floats, rowBytes / 4);
    }
  }
  return true;
}

/** Packs `lanes` neighbours of one dimension side by side, along the other dimension `k`. */
function pack(
  packed: Float32Array, at: number, data: Float32Array, offset: number,
  laneStride: number, kStride: number, size: number, k: number, lanes: number,
): void {
  for (let first = 0, start = at; first < size; first += lanes, start += lanes * k) {
    const count = Math.min(lanes, size - first);
    if (count < lanes) packed.fill(0, start, start + lanes * k);
    const base = offset + first * laneStride;
    if (kStride === 1 || laneStride !== 1) {
      for (let lane = 0; lane < count; lane++) {
        let from = base + lane * laneStride;
        for (let to = start + lane, end = to + lanes * k; to < end; to += lanes, from += kStride) {
          packed[to] = data[from];
        }
      }
    } else {
      for (let p = 0; p < k; p++) {
        const from = base + p * kStride;
        const to = start + p * lanes;
        for (let lane = 0; lane < count; lane++) packed[to + lane] = data[from + lane];
      }
    }
  }
}

function unpack(
  out: Matrix, m0: number, n0: number, m: number, n: number, floats: Float32Array, width: number,
): void {
  const data = out.data as Float32Array;
  for (let i = 0; i < m; i++) {
    const from = C + i * width;
    const to = out.offset + (m0 + i) * out.rowStride + n0 * out.columnStride;
    if (out.columnStride === 1) data.set(floats.subarray(from, from + n), to);
    else for (let j = 0; j < n; j++) data[to + j * out.columnStride] = floats[from + j];
  }
}

/** The inner loop: `sums += a[:, p] b[p, :]` along k, moving through both panels. */
function innerLoop(
  f: FunctionBuilder, isFused: boolean, sums: readonly number[][],
  pa: number, pb: number, left: number,
): Code {
  const [b0, b1, broadcast] = f.many(3, "v128");
  const never = f.local("i32");
  // A branch that is never taken keeps Node 20's compiler from hoisting all loads and spilling:
  // 1.5× there, and 1–3 % lost elsewhere.
  const multiply = sums.map((row, i): Code => [
    set(broadcast, memory("v128.load32_splat", 4 * i, get(pa))),
    brIf(1, get(never)),
    row.map((sum, half) => {
      const factors = [get(broadcast), get(half === 0 ? b0 : b1)];
      return set(sum, isFused ? op("f32x4.relaxed_madd", ...factors, get(sum))
        : op("f32x4.add", get(sum), op("f32x4.mul", ...factors)));
    }),
  ]);
  return block(loopWhile(get(left),
    set(b0, memory("v128.load", 0, get(pb))),
    set(b1, memory("v128.load", 16, get(pb))),
    multiply,
    set(pa, op("i32.add", get(pa), i32(sums.length * 4))),
    set(pb, op("i32.add", get(pb), i32(COLUMNS * 4))),
    set(left, op("i32.sub", get(left), i32(1)))));
}

/**
 * The kernel: for each panel of b, each panel of a, one tile `c (+)= a · b` over k.
 * Parameters: addresses of a, b and c, panels of rows and columns, k, bytes of a row of c, and
 * whether to add to c.
 */
function kernel(rows: number, isFused: boolean): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder(["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [a, b, c, rowPanels, columnPanels, k, rowBytes, accumulate] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [row, tile, pa, pb, left, address] = f.many(6, "i32");
  const sums = Array.from({ length: rows }, () => f.many(2, "v128"));
  const eachRow = (visit: (sum: number, half: number) => Code) => sums.map((halves, i) => [
    set(address, i === 0 ? get(tile) : op("i32.add", get(address), get(rowBytes))),
    halves.map(visit),
  ]);
  const load = eachRow((sum, half) => set(sum, memory("v128.load", 16 * half, get(address))));
  const store = eachRow((sum, half) => memory("v128.store", 16 * half, get(address), get(sum)));
  const clear = sums.flat().map((sum) => set(sum, zeros));
  const inner = innerLoop(f, isFused, sums, pa, pb, left);
  return f.module(loopWhile(get(columnPanels),
    set(row, get(rowPanels)),
    set(tile, get(c)),
    set(pa, get(a)),
    loopWhile(get(row),
      when(get(accumulate), load, clear),
      set(pb, get(b)),
      set(left, get(k)),
      inner,
      store,
      set(tile, op("i32.add", get(tile), op("i32.mul", get(rowBytes), i32(rows)))),
      set(row, op("i32.sub", get(row), i32(1)))),
    set(b, op("i32.add", get(b), op("i32.mul", get(k), i32(COLUMNS * 4)))),
    set(c, op("i32.add", get(c), i32(COLUMNS * 4))),
    set(columnPanels, op("i32.sub", get(columnPanels), i32(1)))));
}
