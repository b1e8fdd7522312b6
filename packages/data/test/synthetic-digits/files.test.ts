// Laws of synthesizeDigits: whole files, made once, redone when they are not what was asked for.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ChainruleError } from "@chainrule/core";
import { writeIdxSync } from "../../src/idx/write.ts";
import type { MnistArrays } from "../../src/mnist-files.ts";
import { renderDigits } from "../../src/synthetic-digits/digits.ts";
import type { SynthesizeDigitsOptions } from "../../src/synthetic-digits/files.ts";
import type { SynthesizedDigits } from "../../src/synthetic-digits/files.ts";
import { synthesizeDigits } from "../../src/synthetic-digits/files.ts";
import { mersenne } from "./mersenne.ts";

const names = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
];
const options: SynthesizeDigitsOptions = { generator: mersenne, train: 30, test: 10, seed: 4 };

/** What identifies the arrays: comparing their elements one by one takes seconds. */
function digests({ train, test: held }: SynthesizedDigits): string[] {
  return [train, held].flatMap(({ images, labels }) =>
    [images, labels].map(({ type, shape, data }) => {
      const hash = createHash("sha256").update(data as Uint8Array).digest("hex");
      return `${type} ${shape} ${hash}`;
    }),
  );
}

let folder: string;
beforeEach(() => void (folder = join(mkdtempSync(join(tmpdir(), "digits-")), "made")));
afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

describe("synthesizeDigits", () => {
  test("the files hold the digits of one generator, training digits first", () => {
    const found = synthesizeDigits(folder, options);
    const { images, labels } = renderDigits(40, mersenne(4));
    const part = (first: number, last: number): MnistArrays => ({
      images: {
        type: "uint8",
        shape: [last - first, 28, 28],
        data: images.subarray(784 * first, 784 * last),
      },
      labels: { type: "uint8", shape: [last - first], data: labels.subarray(first, last) },
    });
    const expected = { train: part(0, 30), test: part(30, 40), made: true };
    expect(found.made).toBe(true);
    expect(digests(found)).toEqual(digests(expected));
    expect(readdirSync(folder).sort()).toEqual([...names, "synthetic-digits.json"].sort());
    expect(readFileSync(join(folder, names[0]!)).subarray(0, 4).toString("hex")).toBe("00000803");
  });

  test("what is there is used, and nothing is drawn", () => {
    const first = synthesizeDigits(folder, options);
    const generator = (): never => {
      throw new Error("not needed");
    };
    const again = synthesizeDigits(folder, { ...options, generator });
    expect(again.made).toBe(false);
    expect(digests(again)).toEqual(digests(first));
  });

  test.each([{ seed: 5 }, { train: 31 }, { test: 9 }])("%o draws other digits", (change) => {
    const first = synthesizeDigits(folder, options);
    const other = synthesizeDigits(folder, { ...options, ...change });
    expect(other.made).toBe(true);
    expect(digests(other)[2]).not.toBe(digests(first)[2]);
    expect(synthesizeDigits(folder, { ...options, ...change }).made).toBe(false);
  });

  test.each([...names, "synthetic-digits.json"])("a lost, cut or changed %s is redone", (name) => {
    const first = synthesizeDigits(folder, options);
    const path = join(folder, name);
    const length = readFileSync(path).length;
    const damages = [
      () => truncateSync(path, length - 1),
      () => writeFileSync(path, readFileSync(path).fill(7, length - 3)),
      ...(name.endsWith(".json") ? [] : [() => rmSync(path)]),
    ];
    for (const damage of damages) {
      damage();
      // The last byte of the marker is a line break, which nothing depends on.
      const isHarmless = name.endsWith(".json") && damage === damages[0];
      const again = synthesizeDigits(folder, options);
      expect(again.made).toBe(!isHarmless);
      expect(digests(again)).toEqual(digests(first));
    }
  });

  test("a set that was half made when the process died is redone", () => {
    let draws = 0;
    const generator = (seed: number) => {
      const { uniform53 } = mersenne(seed);
      return {
        uniform53: () => {
          if (++draws > 2500) throw new Error("killed");
          return uniform53();
        },
      };
    };
    expect(() => synthesizeDigits(folder, { ...options, generator })).toThrow("killed");
    expect(existsSync(join(folder, names[0]!))).toBe(true);
    expect(existsSync(join(folder, names[2]!))).toBe(false);
    expect(synthesizeDigits(folder, options).made).toBe(true);
    expect(synthesizeDigits(folder, options).made).toBe(false);
  });

  test.each(["", ".gz"])("somebody's MNIST (names ending in %j) is not replaced", (end) => {
    synthesizeDigits(folder, options);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    const path = join(folder, `${names[1]}${end}`);
    writeIdxSync(path, { type: "uint8", shape: [1], data: Uint8Array.of(3) });
    const before = readFileSync(path);
    expect(() => synthesizeDigits(folder, options)).toThrow(/was not made here.*another folder/);
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test("progress counts all digits of both parts", () => {
    const seen: [number, number][] = [];
    synthesizeDigits(folder, { ...options, onProgress: (...args) => seen.push(args) });
    expect(seen).toEqual([[30, 40], [40, 40]]);
  });

  test.each([
    [{ train: 0 }, /train must be a positive integer, got 0/],
    [{ test: 2.5 }, /test must be a positive integer, got 2.5/],
    [{ seed: "a" }, /seed must be an integer, got "a"/],
    [{ generator: {} }, /generator must be a function of the seed, got \{\}/],
  ])("wrong options are refused before anything is written: %o", (change, message) => {
    const wrong = { ...options, ...change } as SynthesizeDigitsOptions;
    expect(() => synthesizeDigits(folder, wrong)).toThrow(ChainruleError);
    expect(() => synthesizeDigits(folder, wrong)).toThrow(message);
    expect(existsSync(folder)).toBe(false);
  });

  test("a folder that cannot be one is refused", () => {
    writeFileSync(folder, "a file");
    expect(() => synthesizeDigits(folder, options)).toThrow(/^synthesizeDigits: cannot make the f/);
    expect(() => synthesizeDigits("", options)).toThrow(/expected the path of a folder, got ""/);
  });
});
