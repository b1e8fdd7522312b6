// Laws of the samplers.
import { Generator } from "@chainrule/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BatchSampler, RandomSampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler,
} from "../src/samplers.ts";

const sizes = fc.integer({ min: 0, max: 100 });
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

function counts(indices: Iterable<number>, size: number): number[] {
  const seen = new Array<number>(size).fill(0);
  for (const index of indices) seen[index]! += 1;
  return seen;
}

describe("every iteration of", () => {
  test("SequentialSampler counts up", () => {
    fc.assert(fc.property(sizes, (length) => {
      const sampler = new SequentialSampler({ length });
      expect([...sampler]).toEqual(Array.from({ length }, (_, i) => i));
      expect(sampler.length).toBe(length);
    }));
  });

  test("RandomSampler visits every index once, the same order for the same seed", () => {
    fc.assert(fc.property(sizes, seeds, (length, seed) => {
      const orders = [seed, seed].map((s) =>
        [...new RandomSampler({ length }, { generator: new Generator(s) })]);
      expect(counts(orders[0]!, length)).toEqual(new Array(length).fill(1));
      expect(orders[0]).toEqual(orders[1]);
    }));
  });

  test("RandomSampler with numSamples visits no index twice as often as another plus one", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 200 }),
      (length, numSamples) => {
        const sampler = new RandomSampler({ length }, { numSamples });
        const seen = counts(sampler, length);
        expect(seen.reduce((a, b) => a + b)).toBe(numSamples);
        expect(Math.max(...seen) - Math.min(...seen)).toBeLessThanOrEqual(1);
        expect(sampler.length).toBe(numSamples);
      }));
  });

  test("RandomSampler with replacement draws numSamples indices in range", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 200 }),
      (length, numSamples) => {
        const drawn = [...new RandomSampler({ length }, { replacement: true, numSamples })];
        expect(drawn).toHaveLength(numSamples);
        expect(drawn.every((i) => Number.isInteger(i) && i >= 0 && i < length)).toBe(true);
      }));
  });

  test("SubsetRandomSampler visits each given index once", () => {
    fc.assert(fc.property(fc.array(fc.nat()), (indices) => {
      const sampler = new SubsetRandomSampler(indices);
      const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
      expect(sorted(sampler)).toEqual(sorted(indices));
      expect(sampler.length).toBe(indices.length);
    }));
  });

  test("WeightedRandomSampler draws only indices of positive weight", () => {
    const weights = fc.array(fc.constantFrom(0, 0, 0.5, 1, 7), { minLength: 1, maxLength: 9 })
      .filter((values) => values.some((value) => value > 0));
    fc.assert(fc.property(weights, fc.integer({ min: 1, max: 50 }), (given, numSamples) => {
      const sampler = new WeightedRandomSampler(given, numSamples);
      const drawn = [...sampler];
      expect(drawn).toHaveLength(numSamples);
      expect(sampler.length).toBe(numSamples);
      expect(drawn.every((i) => given[i]! > 0)).toBe(true);
    }));
  });

  test("BatchSampler gives the sampler's indices in full batches, but for the last", () => {
    fc.assert(fc.property(sizes, fc.integer({ min: 1, max: 20 }), fc.boolean(),
      (length, batchSize, dropLast) => {
        const order = new SequentialSampler({ length });
        const sampler = new BatchSampler(order, batchSize, { dropLast });
        const batches = [...sampler];
        const kept = dropLast ? length - length % batchSize : length;
        expect(batches.flat()).toEqual(Array.from({ length: kept }, (_, i) => i));
        expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
        expect(batches.every((batch) => batch.length > 0)).toBe(true);
        expect(sampler.length).toBe(batches.length);
      }));
  });
});

test("two iterations of one RandomSampler differ", () => {
  const sampler = new RandomSampler({ length: 100 }); // equal with probability 1 / 100!
  expect([...sampler]).not.toEqual([...sampler]);
});

test("WeightedRandomSampler without replacement draws every index at most once", () => {
  const sampler = new WeightedRandomSampler([1, 2, 3, 4], 4, { replacement: false });
  expect([...sampler].sort()).toEqual([0, 1, 2, 3]);
});

describe("samplers refuse", () => {
  const data = { length: 3 };
  test.each<[string, () => unknown]>([
    ["numSamples should be a positive integer value, but got numSamples=0",
      () => new RandomSampler(data, { numSamples: 0 })],
    ["numSamples should be a positive integer value, but got numSamples=1.5",
      () => new RandomSampler(data, { numSamples: 1.5 })],
    ["numSamples=2 of an empty dataset", () => new RandomSampler({ length: 0 }, { numSamples: 2 })],
    ["replacement should be a boolean value, but got replacement=1",
      () => new RandomSampler(data, { replacement: 1 as never })],
    ["generator must be a Generator, got 7",
      () => new SubsetRandomSampler([1], { generator: 7 as never })],
    ["unknown option num_samples", () => new RandomSampler(data, { num_samples: 2 } as never)],
    ["numSamples should be a positive integer value, but got numSamples=-1",
      () => new WeightedRandomSampler([1], -1)],
    ["weights should be a 1d sequence but given weights have shape [1, 2]",
      () => new WeightedRandomSampler([[1, 2]] as never, 1)],
    ["batchSize should be a positive integer value, but got batchSize=0",
      () => new BatchSampler([1], 0)],
    ["dropLast should be a boolean value, but got dropLast=null",
      () => new BatchSampler([1], 1, { dropLast: null as never })],
    ["length is unknown", () => new BatchSampler(new Set([1]), 1).length],
  ])("%s", (message, act) => expect(act).toThrow(message));
});
