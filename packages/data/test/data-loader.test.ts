// Laws of the DataLoader; the orders themselves are in pytorch-order.test.ts.
import { defaultGenerator, Generator, manualSeed, tensor, type Tensor } from "@chainrule/core";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { DataLoader } from "../src/data-loader.ts";
import type { Dataset } from "../src/dataset.ts";
import { SequentialSampler } from "../src/samplers.ts";
import { TensorDataset } from "../src/tensor-dataset.ts";

function range(length: number): Dataset<number> {
  return { length, get: (index) => index };
}

async function* stream(length: number): AsyncGenerator<number> {
  for (let i = 0; i < length; i++) yield i;
}

const list = (samples: number[]) => samples;

async function collect<T>(batches: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

const settings = fc.record({
  length: fc.integer({ min: 0, max: 60 }),
  batchSize: fc.integer({ min: 1, max: 20 }),
  shuffle: fc.boolean(),
  dropLast: fc.boolean(),
  seed: fc.option(fc.nat(), { nil: undefined }),
});

describe("an epoch", () => {
  test("has every sample once, in full batches but for the last, as many as length says", () => {
    fc.assert(fc.property(settings, ({ length, batchSize, shuffle, dropLast, seed }) => {
      const generator = seed === undefined ? undefined : new Generator(seed);
      const options = { batchSize, shuffle, dropLast, generator, collateFn: list };
      const loader = new DataLoader(range(length), options);
      const batches = [...loader];
      const seen = batches.flat();
      expect(batches).toHaveLength(loader.length);
      expect(batches.slice(0, -1).every((batch) => batch.length === batchSize)).toBe(true);
      expect(seen).toHaveLength(dropLast ? length - length % batchSize : length);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.every((i) => i >= 0 && i < length)).toBe(true);
      if (!shuffle) expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    }));
  });

  test("is repeated by the same seed, with for await as with for", async () => {
    await fc.assert(fc.asyncProperty(settings, async ({ length, batchSize, shuffle, seed }) => {
      const epochs = () => new DataLoader(range(length), { batchSize, shuffle, collateFn: list });
      manualSeed(seed ?? 0);
      const synchronous = [...epochs()];
      const state = defaultGenerator.getState();
      manualSeed(seed ?? 0);
      expect(await collect(epochs())).toEqual(synchronous);
      expect(defaultGenerator.getState()).toEqual(state);
    }));
  });

  test("of an empty dataset has no batches, shuffled or not", () => {
    for (const shuffle of [true, false]) {
      const loader = new DataLoader(range(0), { shuffle });
      expect([[...loader], loader.length]).toEqual([[], 0]);
    }
  });

  test("comes in single samples, as they are, where batchSize is null", () => {
    const loader = new DataLoader(range(3), { batchSize: null });
    expectTypeOf([...loader]).toEqualTypeOf<number[]>();
    expect([...loader]).toEqual([0, 1, 2]);
    expect(loader.length).toBe(3);
    const collateFn = (sample: number) => `${sample}`;
    expect([...new DataLoader(range(2), { batchSize: null, collateFn })]).toEqual(["0", "1"]);
  });

  test("follows a sampler or batchSampler; a batch sampler's length is the loader's", () => {
    const sampler = [2, 0, 2];
    expect([...new DataLoader(range(3), { sampler, batchSize: 2, collateFn: list })])
      .toEqual([[2, 0], [2]]);
    const batchSampler = [[0], Int32Array.of(1, 2)];
    const loader = new DataLoader(range(3), { batchSampler, collateFn: list });
    expect([...loader]).toEqual([[0], [1, 2]]);
    expect(loader.length).toBe(2);
  });

  test("that is left early closes the sampler", () => {
    let closed = false;
    function* sampler() {
      try { yield* [0, 1, 2]; } finally { closed = true; }
    }
    const options = { sampler: sampler(), batchSize: null };
    for (const sample of new DataLoader(range(3), options)) {
      expect(sample).toBe(0);
      break;
    }
    expect(closed).toBe(true);
  });
});

describe("batches", () => {
  const x = tensor([[1, 2], [3, 4], [5, 6]]);
  const dataset = new TensorDataset(x, tensor([0, 1, 2], { dtype: "int32" }));

  test("are typed by the dataset and collated", () => {
    const [first, second] = [...new DataLoader(dataset, { batchSize: 2 })];
    expectTypeOf(first!).toEqualTypeOf<[Tensor, Tensor]>();
    expect(first![0].tolist()).toEqual([[1, 2], [3, 4]]);
    expect(second!.map((part) => part.tolist())).toEqual([[[5, 6]], [2]]);
    const [numbers] = [...new DataLoader(range(4), { batchSize: 4 })];
    expectTypeOf(numbers!).toEqualTypeOf<Tensor>();
    expect(numbers!.tolist()).toEqual([0, 1, 2, 3]);
  });

  test("hold one sample by default", () => {
    const shapes = [...new DataLoader(dataset)].map(([rows]) => rows.shape);
    expect(shapes).toEqual([[1, 2], [1, 2], [1, 2]]);
  });

  test("are gathered at once where the dataset can, but not with a collateFn", () => {
    const calls: string[] = [];
    const spied: Dataset<number> = {
      length: 4,
      get: (i) => (calls.push("get"), i),
      getBatch: (indices) => (calls.push("getBatch"), tensor([...Array.from(indices)])),
    };
    void [...new DataLoader(spied, { batchSize: 2 })];
    expect(calls.splice(0)).toEqual(["getBatch", "getBatch"]);
    void [...new DataLoader(spied, { batchSize: 2, collateFn: list })];
    expect(calls).toEqual(["get", "get", "get", "get"]);
  });

  test("of promises are awaited by for await and refused by for", async () => {
    const later = { length: 3, get: (i: number) => Promise.resolve(i) };
    const loader = new DataLoader(later, { batchSize: 2 });
    const batches = await collect(loader);
    expectTypeOf(batches).toEqualTypeOf<Tensor[]>();
    expect(batches.map((batch) => batch.tolist())).toEqual([[0, 1], [2]]);
    expect(await collect(new DataLoader(later, { batchSize: null }))).toEqual([0, 1, 2]);
    expect(() => [...loader]).toThrow("samples are promises: iterate with for await");
  });
});

describe("an iterable dataset", () => {
  test("is batched as it comes, a stream like an array", async () => {
    await fc.assert(fc.asyncProperty(settings, async ({ length, batchSize, dropLast }) => {
      const array = Array.from({ length }, (_, i) => i);
      const options = { batchSize, dropLast, collateFn: list };
      const loader = new DataLoader(array, options);
      const batches = [...loader];
      const kept = dropLast ? length - length % batchSize : length;
      expect(batches.flat()).toEqual(array.slice(0, kept));
      expect(batches).toHaveLength(loader.length);
      expect(await collect(new DataLoader(stream(length), options))).toEqual(batches);
      expect(await collect(new DataLoader(stream(length), { batchSize: null }))).toEqual(array);
    }));
  });

  test("draws a base seed for every epoch, too", () => {
    manualSeed(3);
    void [...new DataLoader([1, 2])];
    const after = defaultGenerator.getState();
    manualSeed(3).u64();
    expect(defaultGenerator.getState()).toEqual(after);
  });

  test("has no length where it does not tell one", () => {
    expect(() => new DataLoader(new Set([1])).length).toThrow("length is unknown");
    expect(() => new DataLoader(new Set([1]), { batchSize: null }).length)
      .toThrow("length is unknown: Set has none");
    expect(() => new DataLoader(stream(3)).length).toThrow("length is unknown");
  });

  test("that is a stream is refused by for", () => {
    expect(() => [...new DataLoader(stream(1))]).toThrow("a stream: iterate with for await");
  });
});

describe("DataLoader refuses", () => {
  const data = range(3);
  const order = new SequentialSampler(data);
  test.each<[string, unknown, unknown]>([
    ["sampler option is mutually exclusive with shuffle", data, { sampler: order, shuffle: true }],
    ["batchSampler option is mutually exclusive with batchSize, shuffle, sampler, and dropLast",
      data, { batchSampler: [[0]], batchSize: 2 }],
    ["batchSampler option is mutually exclusive", data, { batchSampler: [[0]], shuffle: true }],
    ["batchSampler option is mutually exclusive", data, { batchSampler: [[0]], sampler: order }],
    ["batchSampler option is mutually exclusive", data, { batchSampler: [[0]], dropLast: true }],
    ["batchSampler option is mutually exclusive", data, { batchSampler: [[0]], batchSize: null }],
    ["batchSize=null option disables auto-batching and is mutually exclusive with dropLast",
      data, { batchSize: null, dropLast: true }],
    ["IterableDataset: expected unspecified shuffle option, but got shuffle=true",
      [1, 2], { shuffle: true }],
    ["IterableDataset: expected unspecified sampler option", [1, 2], { sampler: order }],
    ["IterableDataset: expected unspecified batchSampler option", [1], { batchSampler: [[0]] }],
    ["batchSize should be a positive integer value, but got batchSize=0", data, { batchSize: 0 }],
    ["batchSize should be a positive integer value, but got batchSize=2.5",
      data, { batchSize: 2.5 }],
    ["batchSize should be a positive integer value, but got batchSize=-1", [1], { batchSize: -1 }],
    ["dropLast should be a boolean value", data, { dropLast: 1 }],
    ["shuffle must be a boolean, got 1", data, { shuffle: 1 }],
    ["sampler must be iterable, got 3", data, { sampler: 3 }],
    ["collateFn must be a function, got \"stack\"", data, { collateFn: "stack" }],
    ["generator must be a Generator, got 1", data, { generator: 1 }],
    ["unknown option batch_size", data, { batch_size: 2 }],
    ["expected a dataset with length and get, or an iterable, got 5", 5, {}],
    ["expected a dataset with length and get, or an iterable", { length: 2 }, {}],
  ])("%s", (message, dataset, options) => {
    const before = defaultGenerator.getState();
    expect(() => new DataLoader(dataset as never, options as never)).toThrow(message);
    expect(defaultGenerator.getState()).toEqual(before);
  });

  test("an index that the dataset does not have", () => {
    const dataset = new TensorDataset(tensor([1, 2]));
    const loader = new DataLoader(dataset, { sampler: [2] });
    expect(() => [...loader]).toThrow("index 2 is out of bounds");
  });
});
