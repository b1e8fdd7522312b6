// Laws of loadMnistFiles, and the real files where MNIST_DIR names them.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IdxArray } from "../src/idx/format.ts";
import { writeIdxSync } from "../src/idx/write.ts";
import { findMnistFile, loadMnistFiles, mnistFiles, mnistMirrors } from "../src/mnist-files.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "mnist-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const images: IdxArray = { type: "uint8", shape: [2, 3, 2], data: new Uint8Array(12).fill(9) };
const labels: IdxArray = { type: "uint8", shape: [2], data: Uint8Array.of(7, 1) };
const { train, test: held } = mnistFiles;

function write(name: string, array: IdxArray): void {
  writeIdxSync(join(folder, name), array);
}

describe("loadMnistFiles", () => {
  test.each([["", ".gz"], [".gz", ""], ["", ""], [".gz", ".gz"]])(
    "images%s and labels%s are read, compressed or not",
    (imagesEnd, labelsEnd) => {
      write(train.images.name + imagesEnd, images);
      write(train.labels.name + labelsEnd, labels);
      expect(loadMnistFiles(folder, "train")).toEqual({ images, labels });
    },
  );

  test("each part has its own files, and another table other names", () => {
    write(held.images.name, images);
    write(held.labels.name, labels);
    expect(loadMnistFiles(folder, "test")).toEqual({ images, labels });
    expect(() => loadMnistFiles(folder, "train")).toThrow(/has no train-images/);
    const files = { train: held, test: train };
    expect(loadMnistFiles(folder, "train", files)).toEqual({ images, labels });
  });

  test("every missing file is named, with what the folder holds", () => {
    expect(() => loadMnistFiles(folder, "test")).toThrow(
      /has no t10k-images-idx3-ubyte \(or .*\.gz\) and no t10k-labels-idx1-ubyte.*it is empty$/,
    );
    write(train.images.name, images);
    expect(() => loadMnistFiles(folder, "train")).toThrow(
      /has no train-labels-idx1-ubyte \(or .*\.gz\); it holds train-images-idx3-ubyte$/,
    );
    expect(() => loadMnistFiles(join(folder, "none"), "train")).toThrow(/cannot be read \(ENOENT/);
  });

  test.each([
    [images, { ...labels, shape: [1, 2] }, /labels must be uint8 of rank 1, got uint8 \[1, 2\]/],
    [{ ...images, shape: [12] }, labels, /images must be uint8 of rank 3, got uint8 \[12\]/],
    [images, { type: "int8", shape: [2], data: new Int8Array(2) }, /labels must be .* got int8/],
    [images, { ...labels, shape: [1], data: Uint8Array.of(1) }, /2 images, but 1 labels/],
  ])("files that are not images and labels are refused: %#", (first, second, message) => {
    write(train.images.name, first as IdxArray);
    write(train.labels.name, second as IdxArray);
    expect(() => loadMnistFiles(folder, "train")).toThrow(message);
  });

  test("wrong arguments are refused", () => {
    expect(() => loadMnistFiles(folder, "valid" as never)).toThrow(/split must be .* got "valid"/);
    expect(() => loadMnistFiles(5 as never, "train")).toThrow(/path of a folder, got 5/);
  });
});

describe("the table of MNIST's files", () => {
  test("sizes are those of the arrays, digests and mirrors are well formed", () => {
    expect(train.images.bytes).toBe(16 + 60_000 * 784);
    expect(train.labels.bytes).toBe(8 + 60_000);
    expect(held.images.bytes).toBe(16 + 10_000 * 784);
    expect(held.labels.bytes).toBe(8 + 10_000);
    for (const { sha256 } of [train, held].flatMap((part) => [part.images, part.labels])) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
    for (const mirror of mnistMirrors) expect(mirror).toMatch(/^https?:\/\/.*\/$/);
  });

  const real = process.env["MNIST_DIR"];
  test.skipIf(real === undefined)("the files in MNIST_DIR (skipped if unset) are these", () => {
    for (const file of [train, held].flatMap((part) => [part.images, part.labels])) {
      const path = findMnistFile(real!, file, "test")!;
      const bytes = path.endsWith(".gz") ? gunzipSync(readFileSync(path)) : readFileSync(path);
      expect(bytes.length).toBe(file.bytes);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(file.sha256);
    }
    const found = loadMnistFiles(real!, "test");
    expect(found.images.shape).toEqual([10_000, 28, 28]);
    expect([...found.labels.data.slice(0, 5)]).toEqual([7, 2, 1, 0, 4]); // first test labels
  });
});
