// MNIST and SyntheticDigits as datasets, from real files.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@chainrule/core";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { DataLoader } from "../src/data-loader.ts";
import { MNIST } from "../src/mnist.ts";
import { SyntheticDigits } from "../src/synthetic-digits.ts";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "digits-"))));
afterAll(() => rmSync(folder, { recursive: true }));

describe("SyntheticDigits", () => {
  const counts = { train: 30, test: 20 };

  test("are drawn once, then read from the files", async () => {
    const reports: [number, number][] = [];
    const onProgress = (done: number, total: number) => void reports.push([done, total]);
    const train = await SyntheticDigits.load(folder, { counts, onProgress });
    const test = await SyntheticDigits.load(folder, { train: false, counts, onProgress });
    expect([train.length, test.length, train.imageShape]).toEqual([30, 20, [1, 28, 28]]);
    expect(reports.at(-1)).toEqual([50, 50]);
    const drawn = reports.length;
    const times = () => readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs);
    const before = times();
    const again = await SyntheticDigits.load(folder, { counts, onProgress });
    expect([reports.length, times()]).toEqual([drawn, before]);
    expect(again.data).toEqual(train.data);
  });

  test("are read by MNIST, too: the files are MNIST's", async () => {
    const synthetic = await SyntheticDigits.load(folder, { counts });
    const mnist = await MNIST.load(folder);
    expect(mnist.data).toEqual(synthetic.data);
    expect(mnist.targets.tolist()).toEqual(synthetic.targets.tolist());
    expect(mnist.classes[7]).toBe("7 - seven");
    expect(MNIST.loadSync(folder, { train: false }).length).toBe(20);
  });

  test("another seed draws other digits", async () => {
    const [other] = [await SyntheticDigits.load(join(folder, "other"), { counts, seed: 1 })];
    expect(other.data).not.toEqual(MNIST.loadSync(folder).data);
  });

  test("come from a loader as images and int32 labels", async () => {
    const set = await SyntheticDigits.load(folder, { counts });
    for (const [x, y] of new DataLoader(set, { batchSize: 10, shuffle: true })) {
      expectTypeOf(x).toEqualTypeOf<Tensor>();
      expect([x.dtype, x.shape, y.dtype, y.shape]).toEqual(["float32", [10, 1, 28, 28], "int32", [10]]);
      const pixels = x.toTypedArray();
      expect([Math.min(...pixels), Math.max(...pixels)]).toEqual([0, 1]);
    }
  });
});

describe("refused are", () => {
  test("a folder without files, options that do not exist, damaged files", async () => {
    const empty = mkdtempSync(join(tmpdir(), "digits-"));
    await expect(MNIST.load(empty)).rejects.toThrow("no train-images-idx3-ubyte");
    await expect(MNIST.load(empty, { split: "test" } as never)).rejects.toThrow("option split");
    await expect(MNIST.load(empty, { train: 1 } as never)).rejects.toThrow("train must be a boolean");
    expect(() => MNIST.loadSync(empty, { download: true } as never)).toThrow("option download");
    await expect(SyntheticDigits.load(empty, { train: 0 } as never)).rejects.toThrow("a boolean");
    await expect(SyntheticDigits.load(empty, { counts: { all: 1 } as never })).rejects.toThrow("all");
    expect(readdirSync(empty)).toEqual([]);
    writeFileSync(join(empty, "train-images-idx3-ubyte"), new Uint8Array(20));
    writeFileSync(join(empty, "train-labels-idx1-ubyte"), new Uint8Array(20));
    expect(() => MNIST.loadSync(empty)).toThrow(/train-(labels|images).*byte 2: expected an element/);
    rmSync(empty, { recursive: true });
  });
});

const { MNIST_DIR } = process.env;

describe.skipIf(MNIST_DIR === undefined)("the real MNIST (skipped where MNIST_DIR is unset)", () => {
  test("has 60000 + 10000 digits with the known first labels and mean brightness", async () => {
    const [train, held] = await Promise.all(
      [true, false].map((part) => MNIST.load(MNIST_DIR!, { train: part })));
    expect([train!.length, held!.length]).toEqual([60_000, 10_000]);
    expect(Array.from({ length: 5 }, (_, i) => train!.get(i)[1])).toEqual([5, 0, 4, 1, 9]);
    expect(held!.targets.tolist<number[]>().slice(0, 5)).toEqual([7, 2, 1, 0, 4]);
    // 0.1307, the constant of every tutorial, is the mean over the training images.
    const mean = train!.data.reduce((sum, byte) => sum + byte, 0) / train!.data.length / 255;
    expect(mean.toFixed(4)).toBe("0.1307");
  });

  test("is gathered in less than ten times what copying as many floats takes", () => {
    const train = MNIST.loadSync(MNIST_DIR!);
    const loader = new DataLoader(train, { batchSize: 256, shuffle: true });
    const source = new Float32Array(256 * 784);
    const seconds = (pass: () => void) => {
      const started = performance.now();
      pass();
      return (performance.now() - started) / 1000;
    };
    let samples = 0;
    const load = () => { for (const [x] of loader) samples += x.shape[0]!; };
    const copy = () => {
      for (let i = 0; i < 60_000; i += 256) new Float32Array(256 * 784).set(source);
    };
    const rounds = Array.from({ length: 5 }, () => [seconds(load), seconds(copy)] as const);
    const [loading, copying] = [0, 1].map((i) => Math.min(...rounds.map((times) => times[i]!)));
    const ratio = loading! / copying!;
    console.log(`a pass over MNIST: ${(1000 * loading!).toFixed(0)} ms, ${ratio.toFixed(1)}× copying`);
    expect(samples).toBe(5 * 60_000);
    expect(ratio).toBeLessThan(10);
  });
});
