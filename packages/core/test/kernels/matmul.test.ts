// matmul against a naive float64 triple loop: every dtype, any strides, sizes around block borders.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { TypedArray } from "../../src/dtype.ts";
import { type Matrix, matmul } from "../../src/kernels/matmul.ts";

type ArrayClass = { new (length: number): TypedArray; name: string };

const classes: ArrayClass[] = [Float32Array, Float64Array, Int32Array, Uint8Array];

/** How a matrix lies in its array. A step of 0 expands one element along that side. */
interface Layout {
  offset: number;
  /** Gap between neighbours along the inner side, and unused elements after each inner run. */
  step: number;
  padding: number;
  transposed: boolean;
  expanded: "rows" | "columns" | "none";
}

const plain: Layout = { offset: 0, step: 1, padding: 0, transposed: false, expanded: "none" };

const anyOutLayout = fc.record({
  offset: fc.nat(5),
  step: fc.integer({ min: 1, max: 3 }),
  padding: fc.nat(3),
  transposed: fc.boolean(),
  expanded: fc.constant("none" as const),
});
const anyLayout = fc.tuple(anyOutLayout, fc.constantFrom("none", "none", "rows", "columns"))
  .map(([layout, expanded]): Layout => ({ ...layout, expanded }));

/** A matrix with every element of its array, used or not, drawn by `draw`. */
function place(
  type: ArrayClass, rows: number, columns: number, layout: Layout, draw: () => number,
): Matrix {
  const [outer, inner] = layout.transposed ? [columns, rows] : [rows, columns];
  const outerStride = inner * layout.step + layout.padding;
  const data = new type(layout.offset + outer * outerStride + 2);
  for (let i = 0; i < data.length; i++) data[i] = draw();
  const [rowStride, columnStride] = layout.transposed
    ? [layout.step, outerStride]
    : [outerStride, layout.step];
  return {
    data,
    offset: layout.offset,
    rowStride: layout.expanded === "rows" ? 0 : rowStride,
    columnStride: layout.expanded === "columns" ? 0 : columnStride,
  };
}

const index = (x: Matrix, i: number, j: number): number =>
  x.offset + i * x.rowStride + j * x.columnStride;

const at = (x: Matrix, i: number, j: number): number => x.data[index(x, i, j)]!;

/** A seeded generator of 32-bit integers (mulberry32, Tommy Ettinger, public domain). */
function integers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), seed | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) | 0;
  };
}

/**
 * Runs matmul, compares each element with the naive sum and all others with what they were.
 *
 * The sum is exact up to the order of float64 additions, hence `slack · Σ|a||b|`, and is rounded
 * once, hence `2^-24` relative for float32. `slack` 0 demands equality.
 */
function check(
  out: Matrix, a: Matrix, b: Matrix, m: number, n: number, k: number, slack: number,
): void {
  const expected = out.data.slice();
  const bound = new Float64Array(out.data.length);
  const rounding = out.data instanceof Float32Array ? 2 ** -24 : 0;
  const exact = new Float64Array(expected);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0, size = 0;
      for (let p = 0; p < k; p++) {
        const term = at(a, i, p) * at(b, p, j);
        sum += term;
        size += Math.abs(term);
      }
      const to = index(out, i, j);
      expected[to] = sum;
      exact[to] = slack === 0 ? expected[to]! : sum;
      bound[to] = slack === 0 ? 0 : rounding * Math.abs(sum) + slack * size;
    }
  }
  matmul(out, a, b, m, n, k);
  for (let i = 0; i < exact.length; i++) {
    const difference = Math.abs(out.data[i]! - exact[i]!);
    if (!(difference <= bound[i]!)) {
      expect.fail(`[${m}, ${k}] · [${k}, ${n}] at ${i}: ${out.data[i]} is not ${exact[i]}`);
    }
  }
}

/** Small integers: every product and sum is exact in each class; the result may wrap. */
const small = (seed: number): (() => number) => {
  const next = integers(seed);
  return () => next() % 100;
};

/** Numbers of either sign between 2^-10 and 2^10, so that sums cancel. */
const real = (seed: number): (() => number) => {
  const next = integers(seed);
  return () => (next() / 2 ** 31) * 2 ** (next() % 11);
};

const anySize = fc.nat(40);
const anyProblem = fc.record({
  m: anySize, n: anySize, k: anySize,
  out: anyOutLayout, a: anyLayout, b: anyLayout,
  seed: fc.integer(),
});

for (const type of classes) {
  test(`matmul of integers is exact, whatever the strides: ${type.name}`, () => {
    fc.assert(fc.property(anyProblem, ({ m, n, k, out, a, b, seed }) => {
      const draw = small(seed);
      check(place(type, m, n, out, draw), place(type, m, k, a, draw),
        place(type, k, n, b, draw), m, n, k, 0);
    }), { numRuns: 150 });
  });
}

for (const type of [Float32Array, Float64Array]) {
  test(`matmul accumulates in float64 and rounds once: ${type.name}`, () => {
    fc.assert(fc.property(anyProblem, ({ m, n, k, out, a, b, seed }) => {
      const draw = real(seed);
      // 1e-12 is above γ_k = k · 2^-53 for both orders of summation up to k = 4000.
      check(place(type, m, n, out, draw), place(type, m, k, a, draw),
        place(type, k, n, b, draw), m, n, k, 1e-12);
    }), { numRuns: 150 });
  });
}

test("matmul is right around block borders in each dimension and transpose case", () => {
  const draw = real(1);
  const sizes = [63, 64, 65, 127, 128, 129, 255, 256, 257];
  const shapes = sizes.flatMap((s) => [[s, 9, 11], [9, s, 11], [9, 11, s]]);
  shapes.push([129, 130, 131], [257, 129, 257], [1, 257, 129], [129, 2, 600], [3, 600, 3]);
  let turn = 0;
  for (const [m, n, k] of shapes as [number, number, number][]) {
    for (const aTransposed of [false, true]) {
      for (const bTransposed of [false, true]) {
        const layout = { ...plain, padding: 1, transposed: turn++ % 3 === 0 };
        const out = place(Float32Array, m, n, layout, draw);
        const a = place(Float32Array, m, k, { ...plain, transposed: aTransposed }, draw);
        const b = place(Float32Array, k, n, { ...plain, transposed: bTransposed }, draw);
        check(out, a, b, m, n, k, 1e-12);
      }
    }
  }
});

test("matmul of integers is exact across blocks", () => {
  const draw = small(2);
  for (const type of classes) {
    check(place(type, 130, 131, plain, draw), place(type, 130, 259, plain, draw),
      place(type, 259, 131, { ...plain, transposed: true }, draw), 130, 131, 259, 0);
  }
});

test("matmul takes operands of other classes than the result", () => {
  const draw = small(3);
  for (const out of classes) for (const a of classes) for (const b of classes) {
    for (const size of [5, 21]) {
      check(place(out, size, size, plain, draw), place(a, size, size, plain, draw),
        place(b, size, size, plain, draw), size, size, size, 0);
    }
  }
});

test("matmul with nothing to sum writes zeros over what was there", () => {
  for (const [m, n] of [[1, 1], [3, 7], [40, 40]] as const) {
    const out = place(Float32Array, m, n, plain, () => NaN);
    const empty = place(Float32Array, 0, 0, plain, () => 1);
    matmul(out, empty, empty, m, n, 0);
    expect([...out.data.subarray(0, m * n)]).toEqual(Array(m * n).fill(0));
  }
});

test("matmul keeps NaN and infinities in their own row and column", () => {
  for (const size of [5, 21, 129]) {
    const a = place(Float32Array, size, size, plain, () => 1);
    const b = place(Float32Array, size, size, plain, () => 1);
    const out = place(Float32Array, size, size, plain, () => 7);
    a.data[index(a, size - 1, 2)] = Infinity;
    b.data[index(b, 0, size - 2)] = NaN;
    matmul(out, a, b, size, size, size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const expected = j === size - 2 ? NaN : i === size - 1 ? Infinity : size;
        if (!Object.is(at(out, i, j), expected)) expect.fail(`(${i}, ${j}): ${at(out, i, j)}`);
      }
    }
  }
});

test("matmul wraps int32 results past 2^31 and is exact up to 2^53", () => {
  for (const size of [2, 24]) {
    const a = place(Int32Array, size, size, plain, () => 0);
    const b = place(Int32Array, size, size, plain, () => 1);
    // 2147483647 · 4194303 + 1 lies just below 2^53.
    a.data[0] = 2147483647;
    a.data[1] = 1;
    b.data[index(b, 0, 0)] = 4194303;
    const out = place(Int32Array, size, size, plain, () => 5);
    matmul(out, a, b, size, size, size);
    expect(at(out, 0, 0)).toBe(Number(BigInt.asIntN(32, 2147483647n * 4194303n + 1n)));
    expect(at(out, 0, 1)).toBe(-2147483648);
    expect(at(out, 1, 0)).toBe(0);
  }
});

test("matmul gives the same bits for a product and for its transpose", () => {
  const draw = real(4);
  const turned = (x: Matrix): Matrix =>
    ({ ...x, rowStride: x.columnStride, columnStride: x.rowStride });
  for (const [m, n, k] of [[7, 3, 5], [45, 37, 300], [1, 50, 90]] as const) {
    const a = place(Float64Array, m, k, plain, draw), b = place(Float64Array, k, n, plain, draw);
    const out = place(Float64Array, m, n, plain, () => 0);
    const copy = { ...out, data: new Float64Array(out.data.length) };
    matmul(out, a, b, m, n, k);
    matmul(turned(copy), turned(b), turned(a), n, m, k);
    expect(copy.data).toEqual(out.data);
  }
});
