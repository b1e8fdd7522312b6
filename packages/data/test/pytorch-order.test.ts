// PyTorch 1.13's data orders (fixtures/rng-data.json, the acceptance run), word for word.
import { readFileSync } from "node:fs";
import { defaultGenerator, Generator, manualSeed } from "@chainrule/core";
import { describe, expect, test } from "vitest";
import { DataLoader } from "../src/data-loader.ts";
import type { Dataset } from "../src/dataset.ts";
import { randomSplit } from "../src/random-split.ts";
import { RandomSampler, SubsetRandomSampler, WeightedRandomSampler } from "../src/samplers.ts";

interface Options {
  batchSize?: number | null;
  shuffle?: boolean;
  dropLast?: boolean;
  stopAfterBatches?: number;
  generatorSeed?: number;
  replacement?: boolean;
  numSamples?: number;
}

interface Step {
  call: string;
  args: never[];
  options?: Options;
  epochs?: unknown[];
  batches?: number[][];
  splits?: number[][];
  generatorRandAfter?: number[];
  result?: { data: number[] };
}

interface Case {
  id: string;
  seed: number;
  steps: Step[];
}

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8"));
}

/** The dataset 0 … n − 1. */
function range(length: number): Dataset<number> {
  return { length, get: (index) => index };
}

function loaderOf(length: number, options: Options, generator: Generator | undefined) {
  const { batchSize, shuffle, dropLast } = options;
  const batched = { shuffle, dropLast, generator };
  if (batchSize === null) return new DataLoader(range(length), { ...batched, batchSize });
  const collateFn = (samples: number[]) => samples;
  return new DataLoader(range(length), { ...batched, batchSize, collateFn });
}

function take<T>(items: Iterable<T>, count = Infinity): T[] {
  const taken: T[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length >= count) break;
  }
  return taken;
}

/** float32 uniforms, as `rand` draws them. */
function rand(generator: Generator, count: number): number[] {
  return Array.from({ length: count }, () => generator.uniform24());
}

function samplerOf({ call, args, options }: Step): Iterable<number> {
  if (call === "RandomSampler") return new RandomSampler(range(args[0]!), options);
  if (call === "SubsetRandomSampler") return new SubsetRandomSampler(args[0]!);
  return new WeightedRandomSampler(args[0]!, args[1]!, options);
}

let iterator: Iterable<unknown>;

/** What one step of a case gives, and what it should. */
function outcome(step: Step): [got: unknown, expected: unknown] {
  const { call, args, options = {}, epochs, result } = step;
  const { generatorSeed, stopAfterBatches } = options;
  const generator = generatorSeed === undefined ? undefined : new Generator(generatorSeed);
  switch (call) {
    case "rand": return [rand(defaultGenerator, args[0]![0]!), result!.data.map(Math.fround)];
    case "dataLoader": {
      const loader: Iterable<unknown> = loaderOf(args[0]!, options, generator);
      const got = epochs!.map(() => take(loader, stopAfterBatches));
      const after = step.generatorRandAfter?.map(Math.fround) ?? [];
      return [[got, generator ? rand(generator, after.length) : []], [epochs, after]];
    }
    case "createIterator": {
      iterator = loaderOf(args[0]!, options, generator)[Symbol.iterator]() as Iterable<unknown>;
      return [0, 0];
    }
    case "drainIterator": return [take(iterator), step.batches];
    case "randomSplit": {
      const parts = randomSplit(range(args[0]!), args[1]!, { generator });
      return [parts.map(({ indices }) => [...indices]), step.splits];
    }
    default: {
      const sampler = samplerOf(step);
      return [epochs!.map(() => take(sampler)), epochs];
    }
  }
}

describe("data orders are PyTorch's", () => {
  const { cases } = fixture("rng-data.json") as { cases: Case[] };
  test.each(cases)("$id", ({ seed, steps }) => {
    manualSeed(seed);
    for (const step of steps) {
      const [got, expected] = outcome(step);
      expect(got).toEqual(expected);
    }
  });
});

interface Run {
  batchSize: number;
  data: { train: number; test: number };
  epochResults: { trainOrder: number[]; trainEvalOrder: number[]; testEvalOrder: number[] }[];
  nextRandAfterTraining: number;
}

test("ten epochs of the acceptance run visit MNIST in PyTorch's order", () => {
  const run = fixture("training-mnist-mlp-adam.json") as Run;
  const generator = manualSeed(0);
  // One word per element: both layers' default weights and biases, then kaimingNormal_ of the
  // weights, whose sizes divide by 16.
  const words = 784 * 256 + 256 + 256 * 10 + 10 + 784 * 256 + 256 * 10;
  for (let i = 0; i < words; i++) generator.u32();
  const [train, evaluation] = [run.data.train, run.data.test].map((length) =>
    new DataLoader(range(length), {
      batchSize: run.batchSize, shuffle: true, collateFn: (samples) => samples,
    }));
  const first = (loader: Iterable<number[]>) => take(loader, 1)[0]!.slice(0, 5);
  for (const { trainOrder, trainEvalOrder, testEvalOrder } of run.epochResults) {
    expect(first(train!)).toEqual(trainOrder);
    expect(first(train!)).toEqual(trainEvalOrder);
    expect(first(evaluation!)).toEqual(testEvalOrder);
  }
  expect(generator.uniform24()).toBe(Math.fround(run.nextRandAfterTraining));
});
