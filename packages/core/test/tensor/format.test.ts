import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type DType, allocate } from "../../src/dtype.ts";
import {
  type FormatOptions, type FormatSource, type PrintOptions, formatTensor, getPrintOptions,
  setPrintOptions,
} from "../../src/tensor/format.ts";

type Coded = number | "nan" | "inf" | "-inf" | "-0";

interface Case {
  shape: number[];
  dtype: DType;
  /** Row-major elements; or `formula` [a, m, b, c]: element i is `(i * a % m - b) * c`. */
  data?: Coded[];
  formula?: [number, number, number, number];
  options?: Record<string, Coded | boolean>;
  suffixes?: string[];
  prefix?: string;
  expected: string;
}

const fixture = new URL("../fixtures/format.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as { cases: Case[] };

const special: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 };

function decoded<T>(value: T): T | number {
  return typeof value === "string" && value in special ? special[value] : value;
}

function offsetOf(shape: readonly number[], index: readonly number[]): number {
  return shape.reduce((offset, size, dim) => offset * size + index[dim], 0);
}

/** A source over row-major data that counts how often each element is read. */
function watched(shape: readonly number[], dtype: DType, fill: (i: number) => number) {
  const data = allocate(dtype, shape.reduce((product, size) => product * size, 1));
  for (let i = 0; i < data.length; i++) data[i] = dtype === "bool" ? +(fill(i) !== 0) : fill(i);
  const reads = new Map<number, number>();
  const at = (index: readonly number[]) => {
    const i = offsetOf(shape, index);
    reads.set(i, (reads.get(i) ?? 0) + 1);
    return dtype === "bool" ? data[i] === 1 : data[i];
  };
  return { source: { shape, dtype, at } satisfies FormatSource, reads };
}

function sourceOf({ shape, dtype, data, formula }: Case): FormatSource {
  if (data) return watched(shape, dtype, (i) => Number(decoded(data[i]))).source;
  const [a, m, b, c] = formula!;
  return watched(shape, dtype, (i) => ((i * a) % m - b) * c).source;
}

const text = (data: readonly number[], options: FormatOptions = {}) =>
  formatTensor(watched([data.length], "float32", (i) => data[i]).source, [], options);

afterEach(() => setPrintOptions({ profile: "default" }));

describe("formatTensor", () => {
  it.each(cases.map((entry, i) => ({ i, entry })))("case $i prints as in PyTorch", ({ entry }) => {
    const options = Object.entries(entry.options ?? {}).map(([name, v]) => [name, decoded(v)]);
    setPrintOptions({ profile: "default", ...Object.fromEntries(options) });
    const { suffixes = [], prefix } = entry;
    expect(formatTensor(sourceOf(entry), suffixes, { prefix })).toBe(entry.expected);
  });

  it("takes settings for one text, which print as the same settings in force", () => {
    for (const entry of cases.filter(({ options }) => options && !options.profile)) {
      const pairs = Object.entries(entry.options!).map(([name, v]) => [name, decoded(v)]);
      const options: FormatOptions = { prefix: entry.prefix, ...Object.fromEntries(pairs) };
      expect(formatTensor(sourceOf(entry), entry.suffixes ?? [], options)).toBe(entry.expected);
    }
    expect(getPrintOptions().precision).toBe(4);
  });

  it("reads every printed element once and no other", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 });
    const edges = fc.integer({ min: 1, max: 4 });
    const thresholds = fc.integer({ min: 0, max: 200 });
    fc.assert(fc.property(sizes, edges, thresholds, (shape, edgeItems, threshold) => {
      const { source, reads } = watched(shape, "int32", (i) => i);
      const printed = formatTensor(source, [], { edgeItems, threshold });
      const numbers = shape.includes(0) ? [] : printed.match(/\d+/g)!.map(Number);
      const count = shape.reduce((product, size) => product * size, 1);
      const kept = count > threshold ? (size: number) => Math.min(size, 2 * edgeItems) : Number;
      expect(numbers).toHaveLength(shape.map(kept).reduce((product, size) => product * size, 1));
      expect([...reads.keys()]).toEqual(numbers);
      expect([...reads.values()].every((times) => times === 1)).toBe(true);
    }));
  });

  it("summarises a tensor too large to visit", () => {
    const source: FormatSource = { shape: [1e9], dtype: "float32", at: ([i]) => i };
    expect(formatTensor(source, [])).toBe(
      "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.0000e+09, 1.0000e+09,\n" +
      "        1.0000e+09])",
    );
  });

  it("refuses unknown settings and values out of range", () => {
    expect(() => text([1], { precision: -1 }))
      .toThrow("formatTensor: precision must be an integer from 0 to 100: -1");
    expect(() => text([1], { edgeitems: 2 } as FormatOptions))
      .toThrow('formatTensor: no such option: "edgeitems"');
  });
});

describe("setPrintOptions", () => {
  const start = { precision: 4, threshold: 1000, edgeItems: 3, lineWidth: 80, sciMode: null };

  it("keeps what is not named, and takes sciMode back to automatic", () => {
    setPrintOptions({ precision: 2, sciMode: true });
    expect(getPrintOptions()).toEqual({ ...start, precision: 2, sciMode: true });
    setPrintOptions({ lineWidth: 100, threshold: undefined });
    expect(getPrintOptions()).toEqual({ ...start, precision: 2, lineWidth: 100 });
  });

  it("starts from a profile where one is named", () => {
    setPrintOptions({ precision: 7, lineWidth: 100 });
    setPrintOptions({ profile: "short", lineWidth: 60 });
    expect(getPrintOptions()).toEqual({ ...start, precision: 2, edgeItems: 2, lineWidth: 60 });
    setPrintOptions({ profile: "full" });
    expect(getPrintOptions()).toEqual({ ...start, threshold: Infinity });
    setPrintOptions({ profile: "default" });
    expect(getPrintOptions()).toEqual(start);
  });

  it("gives out settings that cannot be changed behind its back", () => {
    const settings = getPrintOptions() as { precision: number };
    expect(() => { settings.precision = 9; }).toThrow(TypeError);
    expect(text([0.5])).toBe("tensor([0.5000])");
  });

  it.each<[Record<string, unknown>, string]>([
    [{ precision: 1.5 }, "precision must be an integer from 0 to 100: 1.5"],
    [{ precision: 101 }, "precision must be an integer from 0 to 100: 101"],
    [{ threshold: NaN }, "threshold must be a number of at least 0: NaN"],
    [{ threshold: "5" }, 'threshold must be a number of at least 0: "5"'],
    [{ edgeItems: 0 }, "edgeItems must be a positive integer: 0"],
    [{ lineWidth: Infinity }, "lineWidth must be a positive integer: Infinity"],
    [{ sciMode: 1 }, "sciMode must be true, false or null: 1"],
    [{ profile: "long" }, 'profile must be one of default, short, full: "long"'],
    [{ linewidth: 3 }, 'no such option: "linewidth"; there are precision, threshold, edgeItems'],
  ])("refuses %j and changes nothing", (options, message) => {
    setPrintOptions({ precision: 3 });
    const before = getPrintOptions();
    expect(() => setPrintOptions({ lineWidth: 50, ...options } as PrintOptions))
      .toThrow(`setPrintOptions: ${message}`);
    expect(getPrintOptions()).toBe(before);
  });
});
