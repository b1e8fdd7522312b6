// Reductions and scans against plain loops: any shape, strides, dims, several passes.
import fc from "fast-check";
import { expect, test } from "vitest";
import { variable } from "../../src/expression/expression.ts";
import type { Operand } from "../../src/kernels/operand.ts";
import {
  accumulator, count, passes, position, reduction, runReduction, type Reduction,
} from "../../src/kernels/reduce.ts";

/** A shape up to rank 4 with the order in which its dimensions lie in memory, and what is reduced. */
const arrangement = fc.array(fc.constantFrom(1, 2, 3, 9, 0), { maxLength: 4 })
  .chain((shape) => fc.record({
    shape: fc.constant(shape),
    order: fc.shuffledSubarray(shape.map((_, i) => i), { minLength: shape.length }),
    reversed: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
    dims: fc.subarray(shape.map((_, i) => i)),
  }));

interface Arranged { shape: number[]; order: number[]; reversed: boolean[]; dims: number[] }

const sizeOf = (shape: readonly number[]) => shape.reduce((n, size) => n * size, 1);

/** Distinct whole numbers, in memory as `order` and `reversed` say. */
function memory({ shape, order, reversed }: Arranged): Operand {
  const strides = new Array<number>(shape.length);
  let step = 1;
  let offset = 0;
  for (const dim of order) {
    strides[dim] = reversed[dim] ? -step : step;
    if (reversed[dim]) offset += Math.max(shape[dim] - 1, 0) * step;
    step *= shape[dim];
  }
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 37) % 101) - 50);
  return { data, offset, strides };
}

/** Every index of a shape, row-major. */
function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>((found, size) =>
    found.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])), [[]]);
}

/** The values of each group of elements that is reduced to one, groups and values row-major. */
function groups(arranged: Arranged, { data, offset, strides }: Operand): number[][] {
  const { shape, dims } = arranged;
  const kept = shape.map((_, dim) => dim).filter((dim) => !dims.includes(dim));
  return indices(kept.map((dim) => shape[dim])).map((outer) =>
    indices(dims.map((dim) => shape[dim])).map((inner) => data[shape.reduce((at, _, dim) =>
      at + strides[dim] * (dims.includes(dim)
        ? inner[dims.indexOf(dim)] : outer[kept.indexOf(dim)]), offset)]));
}

function reduce(program: Reduction, arranged: Arranged, input: Operand): Float64Array[] {
  const { shape, dims } = arranged;
  const strides = new Array<number>(shape.length).fill(0);
  let size = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    if (dims.includes(dim)) continue;
    strides[dim] = size;
    size *= shape[dim];
  }
  const results = program.results.map(() => new Float64Array(size));
  runReduction(program, shape, dims, results.map((data) => ({ data, offset: 0, strides })),
    [input]);
  return results;
}

const x = variable("input");
const [first, second, third] = [accumulator(0), accumulator(1), accumulator(2)];

const moments = passes({
  inputs: ["input"],
  passes: [
    { initial: [0], steps: [first.add(x)] },
    { initial: [first.div(count), 0], steps: [second, third.add(x.sub(second).square())] },
  ],
  results: [second, third],
});
const hash = reduction({
  inputs: ["input"], initial: [0, -1], results: [first, second],
  steps: [first.mul(0.5).add(x), x.gt(0).select(position, second)],
});

test("a later pass sees the accumulators of an earlier one", () => {
  fc.assert(fc.property(arrangement, (arranged) => {
    const input = memory(arranged);
    const [means, squares] = reduce(moments, arranged, input);
    groups(arranged, input).forEach((values, i) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(means[i]).toBe(mean);
      expect(squares[i]).toBe(values.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    });
  }));
});

test("elements are taken row-major over the reduced dimensions, whatever the strides", () => {
  fc.assert(fc.property(arrangement, (arranged) => {
    const input = memory(arranged);
    const [values, positions] = reduce(hash, arranged, input);
    groups(arranged, input).forEach((group, i) => {
      expect(values[i]).toBe(group.reduce((sum, value) => 0.5 * sum + value, 0));
      expect(positions[i]).toBe(group.findLastIndex((value) => value > 0));
    });
  }));
});

test("a pass stores one value per element", () => {
  const running = passes({
    inputs: ["input"],
    passes: [{ initial: [0], steps: [first.add(x)], stores: [first, position] }],
  });
  fc.assert(fc.property(arrangement, (arranged) => {
    const input = memory(arranged);
    const output = (): Operand => ({ ...input, data: new Float64Array(input.data.length) });
    const [sums, positions] = [output(), output()];
    runReduction(running, arranged.shape, arranged.dims, [sums, positions], [input]);
    const stored = groups(arranged, sums);
    groups(arranged, positions).forEach((found, i) =>
      expect(found, `group ${i}`).toEqual(found.map((_, k) => k)));
    groups(arranged, input).forEach((values, i) => {
      let sum = 0;
      expect(stored[i]).toEqual(values.map((value) => (sum += value)));
    });
  }));
});

test("more results side by side than a block holds are all computed", () => {
  const width = 1500;
  const data = Float32Array.from({ length: 3 * width }, (_, i) => i % 7);
  const result = new Float64Array(width);
  runReduction(hash, [3, width], [0],
    [{ data: result, offset: 0, strides: [0, 1] },
      { data: new Float64Array(width), offset: 0, strides: [0, 1] }],
    [{ data, offset: 0, strides: [width, 1] }]);
  for (let j = 0; j < width; j++) {
    expect(result[j]).toBe(data[2 * width + j] + 0.5 * (data[width + j] + 0.5 * data[j]));
  }
});

test("accumulators change together, from their values before the element", () => {
  const fibonacci = reduction({
    inputs: ["input"], initial: [0, 1], steps: [second, first.add(second).add(x.mul(0))],
    results: [first],
  });
  const arranged = { shape: [10], order: [0], reversed: [false], dims: [0] };
  expect(reduce(fibonacci, arranged, memory(arranged))[0][0]).toBe(55);
});
