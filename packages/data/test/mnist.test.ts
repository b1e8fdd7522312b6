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
    const other = await SyntheticDigits.load(join(folder, "other"), { counts, seed: 1 });
    expect(other.data).not.toEqual(MNIST.loadSync(folder).data);
  });

  test("come from a loader as images and int32 labels", async () => {
    const set = await SyntheticDigits.load(folder, { counts });
    for (const [x, y] of new DataLoader(set, { batchSize: 10, shuffle: true })) {
      expectTypeOf(x).toEqualTypeOf<Tensor>();
      expect([x.dtype, x.shape]).toEqual(["float32", [10, 1, 28, 28]]);
      expect([y.dtype, y.shape]).toEqual(["int32", [10]]);
      const pixels = x.toTypedArray();
      expect([Math.min(...pixels), Math.max(...pixels)]).toEqual([0, 1]);
    }
  });
});

describe("refused are", () => {
  test("a folder without files, options that do not exist, damaged files", async () => {
    const empty = mkdtempSync(join(tmpdir(), "digits-"));
    const refusals: [string, Promise<unknown>][] = [
      ["no train-images-idx3-ubyte", MNIST.load(empty)],
      ["unknown option split", MNIST.load(empty, { split: "test" } as never)],
      ["train must be a boolean, got 1", MNIST.load(empty, { train: 1 } as never)],
      ["download must be a boolean", MNIST.load(empty, { download: "yes" } as never)],
      ["train must be a boolean, got 0", SyntheticDigits.load(empty, { train: 0 } as never)],
      ["unknown option all", SyntheticDigits.load(empty, { counts: { all: 1 } as never })],
    ];
    for (const [message, loading] of refusals) await expect(loading).rejects.toThrow(message);
    expect(() => MNIST.loadSync(empty, { download: true } as never)).toThrow("option download");
    expect(readdirSync(empty)).toEqual([]);
    writeFileSync(join(empty, "train-images-idx3-ubyte"), new Uint8Array(20));
    writeFileSync(join(empty, "train-labels-idx1-ubyte"), new Uint8Array(20));
    const problem = /train-(labels|images).*byte 2: expected an element type/;
    expect(() => MNIST.loadSync(empty)).toThrow(problem);
    rmSync(empty, { recursive: true });
  });
});

const { MNIST_DIR } = process.env;

describe.skipIf(MNIST_DIR === undefined)("the real MNIST, skipped where MNIST_DIR is unset", () => {
  test("has 60000 + 10000 digits with the known first labels and mean brightness", async () => {
    const [train, held] = await Promise.all(
      [true, false].map((part) => MNIST.load(MNIST_DIR!, { train: part })));
    expect([train!.length, held!.length]).toEqual([60_000, 10_000]);
    expect(Array.from({ length: 5 }, (_, i) => train!.get(i)[1])).toEqual([5, 0, 4, 1, 9]);
    expect(held!.targets.tolist<number[]>().slice(0, 5)).toEqual([7, 2, 1, 0, 4]);
    // 0.1307, the constant of every tutorial, is the mean over the training images.
    const sum = train!.data.reduce((total, byte) => total + byte, 0);
    const mean = sum / train!.data.length / 255;
    expect(mean.toFixed(4)).toBe("0.1307");
  });

  test("a shuffled pass sees every digit once", () => {
    const train = MNIST.loadSync(MNIST_DIR!);
    const counts = new Array<number>(10).fill(0);
    let brightness = 0;
    for (const [x, y] of new DataLoader(train, { batchSize: 256, shuffle: true })) {
      for (const label of y.tolist<number[]>()) counts[label]!++;
      brightness += x.double().sum().item();
    }
    const expected = new Array<number>(10).fill(0);
    for (const label of train.targets.tolist<number[]>()) expected[label]!++;
    expect(counts).toEqual(expected);
    const bytes = train.data.reduce((total, byte) => total + byte, 0);
    // Each of 4.7e7 pixels is rounded to float32 once, by at most 2⁻²⁴ of itself.
    expect(Math.abs(brightness * 255 / bytes - 1)).toBeLessThan(2 ** -24);
  });
});
