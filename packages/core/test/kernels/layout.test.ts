// Layout kernels against loops in JavaScript, over every byte of a memory.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planCopies, planCopy, pieces, type Copy } from "../../src/kernels/layout/copy.ts";
import { planAddRows, planGatherRows, type RowIndex } from "../../src/kernels/layout/rows.ts";
import { places, planUnfold, type Window } from "../../src/kernels/layout/unfold.ts";
import { numel } from "../../src/shape/dims.ts";
import { expectSteps, SIZE, type Views } from "./layout-memory.ts";

/** Calls `visit` with the number of every position of a shape and its place by each of `strides`. */
function walk(
  shape: readonly number[], strides: readonly (readonly number[])[],
  visit: (...offsets: number[]) => void,
): void {
  const index = shape.map(() => 0);
  for (let k = numel(shape); k > 0; k--) {
    visit(...strides.map((steps) => steps.reduce((sum, step, dim) => sum + step * index[dim], 0)));
    for (let dim = shape.length - 1; dim >= 0 && ++index[dim] === shape[dim]; dim--) index[dim] = 0;
  }
}

function copyReference({ bytes }: Views, copy: Copy, size: number): void {
  walk(copy.shape, [copy.outStrides, copy.inStrides], (to, from) => {
    for (let k = 0; k < size; k++) bytes[copy.out + to + k] = bytes[copy.in + from + k];
  });
}

/** Strides that nest dimensions in an order, with gaps between them. */
function nest(
  shape: readonly number[], order: readonly number[], gaps: readonly number[], bytes: number,
): { strides: number[]; extent: number } {
  const strides = shape.map(() => 0);
  let extent = bytes;
  for (const dim of order.toReversed()) {
    extent += bytes * gaps[dim];
    strides[dim] = extent;
    extent *= shape[dim];
  }
  return { strides, extent };
}

/** Any copy: dimensions in any order on both sides, gaps, reversed and repeated inputs. */
const anyCopy = fc.record({
  bytes: fc.constantFrom(1 as const, 4 as const),
  shape: fc.array(fc.oneof(fc.nat(6), fc.integer({ min: 1, max: 40 })), { maxLength: 6 })
    .filter((shape) => numel(shape) <= 5000),
}).chain(({ bytes, shape }) => {
  const order = fc.shuffledSubarray(shape.map((_, dim) => dim), { minLength: shape.length });
  const each = <T>(value: fc.Arbitrary<T>) =>
    fc.array(value, { minLength: shape.length, maxLength: shape.length });
  const gaps = each(fc.constantFrom(0, 0, 0, 1));
  const ways = each(fc.constantFrom("forward", "forward", "forward", "backward", "repeated"));
  return fc.record({ outOrder: order, inOrder: order, outGaps: gaps, inGaps: gaps, ways })
    .map(({ outOrder, inOrder, outGaps, inGaps, ways }) => {
      const target = nest(shape, outOrder, outGaps, bytes);
      const source = nest(shape, inOrder, inGaps, bytes);
      const out = 64;
      let from = out + Math.ceil(target.extent / 4) * 4 + 64;
      const end = from + source.extent;
      const inStrides = source.strides.map((stride, dim) => {
        if (ways[dim] === "repeated") return 0;
        if (ways[dim] === "forward") return stride;
        from += stride * Math.max(shape[dim] - 1, 0);
        return -stride;
      });
      const copy: Copy = { shape, out, outStrides: target.strides, in: from, inStrides };
      return { bytes, copy, end: Math.ceil((end + 64) / 4) * 4 };
    });
});

describe("planCopy", () => {
  test("any strides: every element arrives, and nothing else is written", () => {
    fc.assert(fc.property(anyCopy, ({ bytes, copy, end }) => {
      fc.pre(end <= SIZE);
      expectSteps(end, (shared) => planCopy(copy, bytes, shared),
        (memory) => copyReference(memory, copy, bytes));
    }), { numRuns: 400 });
  });

  const forms: [string, (rows: number, columns: number, bytes: number) => Partial<Copy>][] = [
    ["contiguous", (_, columns, bytes) => ({ inStrides: [columns * bytes, bytes] })],
    ["transposed", (rows, _, bytes) => ({ inStrides: [bytes, rows * bytes] })],
    ["rows repeated", (_, __, bytes) => ({ inStrides: [0, bytes] })],
    ["columns repeated", (_, __, bytes) => ({ inStrides: [bytes, 0] })],
    ["every second", (_, columns, bytes) => ({ inStrides: [2 * columns * bytes, 2 * bytes] })],
  ];
  describe.each(forms)("%s", (_, form) => {
    test.each([[4, 400, 417], [4, 3, 50001], [4, 50001, 3], [4, 5, 30003], [1, 400, 403],
      [1, 5, 30001], [4, 64, 17], [1, 33, 31]] as const)(
      "%i bytes, %i × %i", (bytes, rows, columns) => {
        const copy: Copy = { shape: [rows, columns], out: 16, outStrides: [columns * bytes, bytes],
          in: 4 * Math.ceil(rows * columns * bytes / 4) + 32, inStrides: [],
          ...form(rows, columns, bytes) };
        const end = copy.in + 2 * rows * columns * bytes + 32;
        expectSteps(4 * Math.ceil(end / 4), (shared) => planCopy(copy, bytes, shared),
          (memory) => copyReference(memory, copy, bytes));
      });
  });

  test("large copies are divided, small ones are not", () => {
    const calls = (shape: number[], inStrides: number[]) => {
      const strides = [shape[1] * 4, 4];
      const steps = planCopy({ shape, out: 0, outStrides: strides, in: 1e8, inStrides }, 4, false);
      expect(steps).toHaveLength(1);
      return steps[0].calls.length;
    };
    expect(calls([362, 362], [4, 1448])).toBe(1);
    expect(calls([1000, 1000], [4000, 4])).toBe(16);
    expect(calls([1000, 1000], [4, 4000])).toBeGreaterThan(8);
    expect(calls([2, 500000], [4, 8])).toBeGreaterThan(8);
  });

  test("several copies to slices of one output are one step for each kind", () => {
    const copies = [0, 1, 2].map((k): Copy => ({ shape: [7, 5], out: 16 + 20 * k,
      outStrides: [60, 4], in: 1000 + 200 * k, inStrides: k === 1 ? [4, 28] : [20, 4] }));
    expect(planCopies(copies, 4, false).map(({ calls }) => calls.length)).toEqual([2, 1]);
    expectSteps(2048, (shared) => planCopies(copies, 4, shared),
      (memory) => copies.forEach((copy) => copyReference(memory, copy, 4)));
  });

  test("nothing to copy gives no steps", () => {
    const strides = [8, 4];
    expect(planCopy({ shape: [0, 2], out: 0, outStrides: strides, in: 64, inStrides: strides }, 4,
      false)).toEqual([]);
  });
});

test("pieces cover a loop in order, none shorter than the grain unless the loop is", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 999 }), fc.double({ min: 0, max: 500,
    noNaN: true }), fc.integer({ min: 1, max: 64 }), (size, wanted, grain) => {
    const all = pieces(size, wanted, grain);
    const starts = all.map((_, k) => all.slice(0, k).reduce((sum, [, count]) => sum + count, 0));
    expect(all.map(([start]) => start)).toEqual(starts);
    expect(all.reduce((sum, [, count]) => sum + count, 0)).toBe(size);
    expect(Math.min(...all.map(([, count]) => count))).toBeGreaterThanOrEqual(
      Math.min(grain, size));
  }));
});

/** Writes row numbers to the memory, spread over it in steps. */
function putIndex({ floats, integers }: Views, index: RowIndex, rows: number): void {
  for (let i = 0; i < index.count; i++) {
    (index.isFloat ? floats : integers)[(index.address + i * index.stride) / 4] = i * i * 7 % rows;
  }
}

const readIndex = ({ floats, integers }: Views, index: RowIndex, i: number) =>
  (index.isFloat ? floats : integers)[(index.address + i * index.stride) / 4];

const lookups = fc.record({
  outer: fc.integer({ min: 1, max: 3 }), count: fc.nat(20), rows: fc.integer({ min: 1, max: 9 }),
  width: fc.oneof(fc.nat(9), fc.integer({ min: 10, max: 90 })), gap: fc.constantFrom(0, 4, 12),
  stride: fc.constantFrom(4, 8), isFloat: fc.boolean(),
});

interface Lookup {
  outer: number; count: number; rows: number; width: number; gap: number; stride: number;
  isFloat: boolean;
}

function expectGather(
  { outer, count, rows, width, gap, stride, isFloat }: Lookup, bytes: 1 | 4,
): void {
  const row = 4 * Math.ceil(width * bytes / 4) + gap;
  const index = { address: 16, stride, count, isFloat };
  const table = { address: 32 + stride * count, stride: row, outerStride: row * rows + 4 };
  const out = { address: table.address + outer * table.outerStride + 16, stride: row,
    outerStride: row * count + gap };
  expectSteps(out.address + outer * out.outerStride + 32,
    (shared) => planGatherRows(outer, out, table, index, width, bytes, shared),
    (memory) => {
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < count; i++) {
          const from = table.address + o * table.outerStride + readIndex(memory, index, i) * row;
          memory.bytes.copyWithin(out.address + o * out.outerStride + i * row, from,
            from + width * bytes);
        }
      }
    }, (memory) => putIndex(memory, index, rows));
}

describe("planGatherRows", () => {
  test("any sizes, gaps and kinds of index", () => {
    fc.assert(fc.property(lookups, fc.constantFrom(1 as const, 4 as const), expectGather));
  });

  test.each([[1, 3001, 64], [300, 7, 100], [3, 70001, 1]])(
    "divided: %i × %i rows of %i", (outer, count, width) => {
      expectGather({ outer, count, rows: 50, width, gap: 0, stride: 4, isFloat: false }, 4);
    });
});

function expectAdded(
  { outer, count, rows, width, gap, stride, isFloat }: Lookup, hasBase: boolean,
): void {
  const row = 4 * width + gap;
  const index = { address: 16, stride, count, isFloat };
  const source = { address: 32 + stride * count, stride: row, outerStride: row * count + 4 };
  const base = { address: source.address + outer * source.outerStride + 16, stride: row,
    outerStride: row * rows + gap };
  const out = { ...base, address: base.address + outer * base.outerStride + 16 };
  const end = out.address + outer * out.outerStride + 32;
  expectSteps(end,
    (shared) => planAddRows(outer, rows, out, hasBase ? base : null, source, index, width, shared),
    (memory) => {
      const { floats } = memory;
      walk([outer, rows, width], [[out.outerStride, row, 4]], (at) => {
        floats[(out.address + at) / 4] = hasBase ? floats[(base.address + at) / 4] : 0;
      });
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < count; i++) {
          const to = (out.address + o * out.outerStride + readIndex(memory, index, i) * row) / 4;
          const from = (source.address + o * source.outerStride + i * row) / 4;
          for (let k = 0; k < width; k++) floats[to + k] += floats[from + k];
        }
      }
    },
    (memory) => {
      memory.floats.forEach((_, i) => memory.floats[i] = Math.fround(((i * 37) % 101 - 50) / 7));
      putIndex(memory, index, rows);
    });
}

describe("planAddRows", () => {
  test("adds in order to zeros or to a base, in float32, and keeps its rows and columns", () => {
    fc.assert(fc.property(lookups, fc.boolean(), expectAdded));
  });

  test.each([[1, 3001, 100, 77], [2, 5000, 31, 64], [1, 200000, 3, 5]])(
    "divided: %i × %i rows added to %i of %i", (outer, count, rows, width) => {
      expectAdded({ outer, count, rows, width, gap: 0, stride: 4, isFloat: false }, true);
    });
});

const windows: fc.Arbitrary<Window> = fc.record({
  size: fc.integer({ min: 1, max: 12 }), kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 3 }), padding: fc.nat(3), dilation: fc.integer({ min: 1, max: 2 }),
}).filter((window) => places(window) > 0);

test("planUnfold lays out every window, with zeros outside the image", () => {
  const counts = fc.integer({ min: 1, max: 3 });
  fc.assert(fc.property(windows, windows, counts, counts, (rows, columns, images, channels) => {
    const [height, width] = [places(rows), places(columns)];
    const shape = [images * channels, rows.kernel, columns.kernel, height, width];
    const out = 32;
    const input = out + 4 * numel(shape) + 16;
    const end = input + 4 * images * channels * rows.size * columns.size + 16;
    expectSteps(end,
      (shared) => planUnfold(images, channels, rows, columns, out, input, 0, shared),
      ({ floats }) => {
        let at = out / 4;
        walk(shape, shape.map((_, dim) => shape.map((__, k) => k === dim ? 1 : 0)),
          (plane, y, x, i, j) => {
            const row = i * rows.stride + y * rows.dilation - rows.padding;
            const column = j * columns.stride + x * columns.dilation - columns.padding;
            const isInside = row >= 0 && row < rows.size && column >= 0 && column < columns.size;
            floats[at++] = isInside
              ? floats[input / 4 + (plane * rows.size + row) * columns.size + column] : 0;
          });
      }, ({ floats }) => { floats[0] = 0; });
  }));
});
