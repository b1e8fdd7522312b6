// Ranked tests on loading data: lengths, orders, splits, what cannot be collated.
import { describe, expect, it } from "vitest";
import { Generator, zeros } from "@chainrule/core";
import { DataLoader } from "../../src/data-loader.ts";
import { defaultCollate } from "../../src/collate.ts";
import { randomSplit } from "../../src/random-split.ts";
import { TensorDataset } from "../../src/tensor-dataset.ts";

const dataset = new TensorDataset(zeros([100, 2]));
const range = { length: 100, get: (index: number) => index };

describe("DataLoader", () => {
  it.each([[1, false, 100], [2, false, 50], [3, false, 34], [3, true, 33]])(
    "in batches of %d, dropLast %s, has length %d (test_len)", (batchSize, dropLast, length) => {
      const loader = new DataLoader(dataset, { batchSize, dropLast });
      expect(loader.length).toBe(length);
      expect([...loader]).toHaveLength(length);
    });

  it("shuffles alike with generators of one seed (test_shuffle_reproducibility)", () => {
    const order = (seed: number) => [...new DataLoader(range, {
      shuffle: true, generator: new Generator(seed), collateFn: ([i]: number[]) => i,
    })];
    expect(order(42)).toEqual(order(42));
    expect(order(42)).not.toEqual(order(43));
  });
});

describe("randomSplit", () => {
  it("takes lengths that add up (test_lengths_must_equal_dataset_size)", () => {
    expect(() => randomSplit(range, [1, 2]))
      .toThrow("Sum of input lengths does not equal the length of the input dataset!");
  });

  it.each<[number[]]>([[[30, 70]], [[0.3, 0.7]]])(
    "gives parts that share nothing, for %j (test_splits_are_mutually_exclusive)", (lengths) => {
      const parts = randomSplit(range, lengths, { generator: new Generator(1) });
      expect(parts.map(({ length }) => length)).toEqual([30, 70]);
      const all = new Set(parts.flatMap(({ indices }) => [...indices]));
      expect(all.size).toBe(100);
    });
});

describe("defaultCollate", () => {
  it("refuses lists of different lengths (test_default_collate_bad_sequence_type)", () => {
    expect(() => defaultCollate([["X"], ["X", "X"]]))
      .toThrow("each element in list of batch should be of equal size");
    expect(() => defaultCollate([["X", "X"], ["X"]]))
      .toThrow("each element in list of batch should be of equal size");
  });
});
