// Laws of TensorDataset, Subset, ConcatDataset and randomSplit.
import { Generator, tensor, zeros, type Tensor } from "@chainrule/core";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { defaultCollate } from "../src/collate.ts";
import { ConcatDataset } from "../src/concat-dataset.ts";
import type { Dataset } from "../src/dataset.ts";
import { randomSplit } from "../src/random-split.ts";
import { Subset } from "../src/subset.ts";
import { TensorDataset } from "../src/tensor-dataset.ts";

function range(length: number): Dataset<number> {
  return { length, get: (index) => index };
}

/** `[n, 2]` and `[n]` with values that tell every element apart. */
function pairs(n: number): TensorDataset<[Tensor, Tensor]> {
  const x = tensor(Float32Array.from({ length: 2 * n }, (_, i) => i)).reshape([n, 2]);
  return new TensorDataset(x, tensor(Int32Array.from({ length: n }, (_, i) => 100 + i)));
}

/** A dataset's size and indices into it, negative ones included. */
const picks = fc.integer({ min: 1, max: 20 }).chain((size) => fc.tuple(
  fc.constant(size), fc.array(fc.integer({ min: -size, max: size - 1 }), { minLength: 1 }),
));

function values(batch: Tensor[]): unknown[] {
  return batch.map((part) => [part.dtype, part.shape, part.tolist()]);
}

describe("TensorDataset", () => {
  test("sample i is row i of every tensor", () => {
    const dataset = pairs(3);
    const [x, y] = dataset.get(1);
    expectTypeOf(dataset.get(1)).toEqualTypeOf<[Tensor, Tensor]>();
    expect(values([x, y])).toEqual([["float32", [2], [2, 3]], ["int32", [], 101]]);
    expect(dataset.get(-1)[1].item()).toBe(102);
    expect(dataset.length).toBe(3);
  });

  test("getBatch gives what defaultCollate makes of the samples", () => {
    fc.assert(fc.property(picks, ([size, indices]) => {
      const dataset = pairs(size);
      const batch = dataset.getBatch(indices);
      expect(values(batch)).toEqual(values(defaultCollate(indices.map((i) => dataset.get(i)))));
    }));
  });

  test("a batch is a copy", () => {
    const x = tensor([[1], [2]]);
    const [batch] = new TensorDataset(x).getBatch([0, 1]);
    batch.add_(1);
    expect(x.tolist()).toEqual([[1], [2]]);
  });

  test.each<[string, () => unknown]>([
    ["Size mismatch between tensors: [2, 3] rows",
      () => new TensorDataset(zeros([2, 1]), zeros([3]))],
    ["expected at least one tensor", () => new TensorDataset()],
    ["expected tensors, got [1]", () => new TensorDataset([1] as never)],
    ["no dimensions", () => new TensorDataset(tensor(1))],
    ["index 2 is out of bounds for a dataset of 2 samples", () => pairs(2).get(2)],
    ["index -3 is out of bounds for a dataset of 2 samples", () => pairs(2).getBatch([0, -3])],
    ["index must be an integer, got 0.5", () => pairs(2).get(0.5)],
  ])("refuses: %s", (message, act) => expect(act).toThrow(message));
});

describe("Subset", () => {
  test("sample i is sample indices[i], one by one and in batches", () => {
    fc.assert(fc.property(picks, ([size, indices]) => {
      const dataset = pairs(size);
      const subset = new Subset(dataset, indices);
      const all = indices.map((_, i) => i);
      expect(subset.length).toBe(indices.length);
      expect(values(subset.getBatch!(all))).toEqual(values(dataset.getBatch(indices)));
      expect(values(subset.get(-1))).toEqual(values(dataset.get(indices.at(-1)!)));
    }));
  });

  test("gathers batches only where the dataset does", () => {
    expect(new Subset(range(3), [1]).getBatch).toBeUndefined();
  });

  test("refuses indices that the dataset does not have", () => {
    expect(() => new Subset(range(3), [0, 3])).toThrow("index 3 is out of bounds");
    expect(() => new Subset(range(3), [0]).get(1)).toThrow("index 1 is out of bounds");
    expect(() => new Subset(range(3), 3 as never)).toThrow("indices must be an array of whole");
    expect(() => new Subset([1] as never, [0])).toThrow("a dataset with length and get, got [1]");
  });
});

describe("ConcatDataset", () => {
  test("holds the samples of all datasets in order", () => {
    fc.assert(fc.property(fc.array(fc.nat({ max: 5 }), { minLength: 1 }), (lengths) => {
      const parts = lengths.map((length, part) =>
        ({ length, get: (index: number) => `${part}:${index}` }));
      const whole = new ConcatDataset(parts);
      const expected = parts.flatMap((part) =>
        Array.from({ length: part.length }, (_, i) => part.get(i)));
      expect(Array.from({ length: whole.length }, (_, i) => whole.get(i))).toEqual(expected);
      expected.forEach((sample, i) => expect(whole.get(i - whole.length)).toBe(sample));
    }));
  });

  test("refuses nothing, streams and indices out of range", () => {
    expect(() => new ConcatDataset([])).toThrow("datasets should not be an empty iterable");
    expect(() => new ConcatDataset([new Set() as never])).toThrow("a dataset with length and get");
    expect(() => new ConcatDataset(range(1) as never)).toThrow("an array of datasets");
    expect(() => new ConcatDataset([range(2)]).get(2)).toThrow("index 2 is out of bounds");
  });
});

describe("randomSplit", () => {
  const lengths = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 5 })
    .filter((counts) => counts.reduce((a, b) => a + b) !== 1); // 1 is a fraction
  test("parts have the lengths asked for and share no sample", () => {
    fc.assert(fc.property(lengths, (counts) => {
      const total = counts.reduce((a, b) => a + b);
      const parts = randomSplit(range(total), counts);
      expect(parts.map((part) => part.length)).toEqual(counts);
      const all = parts.flatMap((part) => [...part.indices]).sort((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: total }, (_, i) => i));
    }));
  });

  // Lengths by torch.utils.data.random_split 1.13.
  test.each<[number, number[], number[]]>([
    [10, [0.33, 0.33, 0.34], [4, 3, 3]],
    [7, [0.5, 0.5], [4, 3]],
    [5, [1], [5]],
    [10, [0.1, 0.2, 0.7], [1, 2, 7]],
    [11, [0.7, 0.2, 0.1], [8, 2, 1]],
    [10, Array.from({ length: 10 }, () => 0.1), Array.from({ length: 10 }, () => 1)],
  ])("%d samples in fractions %j give %j", (total, fractions, expected) => {
    expect(randomSplit(range(total), fractions).map((part) => part.length)).toEqual(expected);
  });

  test("the same seed gives the same parts", () => {
    const split = () => randomSplit(range(50), [30, 20], { generator: new Generator(3) });
    expect(split().map(({ indices }) => indices)).toEqual(split().map(({ indices }) => indices));
  });

  test("a part without samples is warned of", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    expect(randomSplit(range(1), [0.5, 0.5]).map((part) => part.length)).toEqual([1, 0]);
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining("Length of split at index 1 is 0."));
    warn.mockRestore();
  });

  test.each<[string, number[]]>([
    ["Sum of input lengths does not equal the length of the input dataset!", [1, 2]],
    ["Sum of input lengths does not equal the length of the input dataset!", []],
    ["Fraction at index 0 is not between 0 and 1: -0.5", [-0.5, 1.5]],
    ["lengths must be non-negative integers, got 0.5", [0.5, 0.4]],
    ["lengths must be non-negative integers, got -1", [-1, 6]],
    ["lengths must be non-negative integers, got NaN", [NaN]],
  ])("refuses: %s, before anything is drawn", (message, wrong) => {
    const generator = new Generator(1);
    const before = generator.getState();
    expect(() => randomSplit(range(5), wrong, { generator })).toThrow(message);
    expect(generator.getState()).toEqual(before);
  });
});
