// The SIMD product against the float64 reference: any strides, sizes around tiles and blocks.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { multiplySimd } from "../../src/kernels/matmul-simd.ts";
import { matmul, type Matrix } from "../../src/kernels/matmul.ts";
import {
  areDeterministicAlgorithmsEnabled, hasRelaxedMultiplyAdd, hasSimd, useDeterministicAlgorithms,
  withSimd,
} from "../../src/wasm/features.ts";
import { Generator } from "../../src/random/generator.ts";

/** A matrix in an array of its own, with gaps and in either order; unused elements are NaN. */
function place(rows: number, columns: number, seed: number, byColumns: boolean, gap: number): Matrix {
  const generator = new Generator(seed);
  const [outer, inner] = byColumns ? [columns, rows] : [rows, columns];
  const stride = inner * (gap + 1) + gap;
  const data = new Float32Array(3 + outer * stride).fill(NaN);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      data[3 + i * stride + j * (gap + 1)] = generator.uniform24() * 2 - 1;
    }
  }
  return byColumns ? { data, offset: 3, rowStride: gap + 1, columnStride: stride }
    : { data, offset: 3, rowStride: stride, columnStride: gap + 1 };
}

const element = ({ offset, rowStride, columnStride }: Matrix, i: number, j: number) =>
  offset + i * rowStride + j * columnStride;

/** Standard bound of a float32 dot product of length k: `k u / (1 - k u) Σ|a||b|`, u = 2⁻²⁴. */
function check(a: Matrix, b: Matrix, m: number, n: number, k: number, outByColumns: boolean): void {
  const out = place(m, n, 1, outByColumns, 1);
  out.data.fill(7);
  if (!multiplySimd(out, a, b, m, n, k)) throw new Error("the product was not taken");
  const exact: Matrix = { data: new Float64Array(m * n), offset: 0, rowStride: n, columnStride: 1 };
  const sizes: Matrix = { ...exact, data: new Float64Array(m * n) };
  const absolute = (x: Matrix): Matrix => ({ ...x, data: (x.data as Float32Array).map(Math.abs) });
  matmul(exact, a, b, m, n, k);
  matmul(sizes, absolute(a), absolute(b), m, n, k);
  const unit = k * 2 ** -24;
  const bound = unit / (1 - unit);
  const touched = new Set<number>();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      touched.add(element(out, i, j));
      const error = Math.abs(out.data[element(out, i, j)]! - exact.data[i * n + j]!);
      const allowed = bound * sizes.data[i * n + j]!;
      if (!(error <= allowed)) expect(error, `element ${i}, ${j}`).toBeLessThanOrEqual(allowed);
    }
  }
  expect([...out.data].filter((value, i) => value !== 7 && !touched.has(i))).toEqual([]);
}

const small = fc.integer({ min: 2, max: 40 });
const order = fc.boolean();
const gap = fc.integer({ min: 0, max: 2 });

test("SIMD is there: otherwise the tests below would say nothing", () => {
  expect(hasSimd()).toBe(true);
  expect(withSimd(false, hasSimd)).toBe(false);
});

describe.each([
  ["with fused multiply-add, where the engine has it", false], ["deterministic", true],
])("%s", (_, deterministic) => {
  beforeAll(() => useDeterministicAlgorithms(deterministic));
  afterAll(() => useDeterministicAlgorithms(false));

  test("any shape, order and gaps stay within the bound, and touch nothing else", () => {
    fc.assert(fc.property(small, small, fc.integer({ min: 1, max: 60 }), order, order, order, gap, gap,
      (m, n, k, byA, byB, byOut, gapA, gapB) => {
        fc.pre(m * n * k >= 4096);
        check(place(m, k, 2, byA, gapA), place(k, n, 3, byB, gapB), m, n, k, byOut);
      }), { numRuns: 60 });
  });

  test.each([[255, 9, 257], [256, 8, 256], [257, 7, 255], [4, 513, 300], [300, 5, 513], [260, 520, 3],
    [33, 511, 260]])("blocks end anywhere: %i × %i × %i", (m, n, k) => {
    for (const byColumns of [false, true]) {
      check(place(m, k, 4, byColumns, 0), place(k, n, 5, !byColumns, 0), m, n, k, byColumns);
    }
  });

  test("an expanded operand is read as often as it appears", () => {
    const row = { data: Float32Array.from({ length: 40 }, (_, i) => i % 7), offset: 0, rowStride: 0,
      columnStride: 1 };
    check(row, place(40, 30, 6, false, 0), 20, 30, 40, false);
  });
});

test("deterministic results do not use fused multiply-add", () => {
  useDeterministicAlgorithms(true);
  expect(areDeterministicAlgorithmsEnabled()).toBe(true);
  expect(hasRelaxedMultiplyAdd()).toBe(false);
  useDeterministicAlgorithms(false);
  expect(() => useDeterministicAlgorithms(1 as never)).toThrow("takes true or false, got 1");
});

test("small products, other dtypes and vectors are left to the reference", () => {
  const of = (data: Matrix["data"]): Matrix => ({ data, offset: 0, rowStride: 64, columnStride: 1 });
  const float = () => of(new Float32Array(64 * 64));
  expect(multiplySimd(float(), float(), float(), 8, 8, 8)).toBe(false);
  expect(multiplySimd(float(), float(), float(), 1, 64, 64)).toBe(false);
  expect(multiplySimd(float(), of(new Float64Array(64 * 64)), float(), 64, 64, 64)).toBe(false);
  expect(withSimd(false, () => multiplySimd(float(), float(), float(), 64, 64, 64))).toBe(false);
});
