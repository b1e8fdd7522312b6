// PyTorch 1.13's random streams (fixtures/rng.json), replayed call by call on one generator.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bernoulliFrom, fillBernoulli } from "../../src/random/bernoulli.ts";
import { fillExponential } from "../../src/random/exponential.ts";
import { Generator, type GeneratorState } from "../../src/random/generator.ts";
import { fillRandint, randperm } from "../../src/random/integer.ts";
import { multinomial } from "../../src/random/multinomial.ts";
import { fillNormal } from "../../src/random/normal.ts";
import { fillRand, fillUniform, type FloatArray } from "../../src/random/uniform.ts";

interface TensorData {
  shape: number[];
  data: number[];
  dtype: "float32" | "float64" | "int32";
}

interface Summary {
  dtype: "float32" | "float64";
  first: number[];
  last: number[];
  sum: number;
  sumSquares: number;
}

interface Options {
  shape?: number[];
  transpose?: number[];
  dtype?: "float32" | "float64";
  replacement?: boolean;
}

interface Step {
  call: string;
  args: unknown[];
  options?: Options;
  result?: TensorData | Summary;
}

interface Case {
  id: string;
  seed: number;
  steps: Step[];
}

type Values = FloatArray | Int32Array;
type States = Map<string, GeneratorState>;
type Replay = (generator: Generator, step: Step, saved: States) => Values | void;

const fixture = new URL("../fixtures/rng.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as { cases: Case[] };

const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function floats({ dtype }: Options, shape: number[]): FloatArray {
  return dtype === "float64" ? new Float64Array(count(shape)) : new Float32Array(count(shape));
}

function given(arg: unknown): FloatArray {
  const { data, dtype } = (arg as { tensor: TensorData }).tensor;
  return dtype === "float64" ? Float64Array.from(data) : Float32Array.from(data);
}

/** Fills an array of the step's shape and dtype; the step's own arguments are numbers. */
function filled(
  { args, options = {} }: Step, fill: (values: FloatArray, ...args: number[]) => void,
): FloatArray {
  const values = floats(options, options.shape ?? (args[0] as number[]));
  fill(values, ...(args as number[]));
  return options.transpose ? transposed(values, options.shape!) : values;
}

function transposed(memory: FloatArray, [rows, columns]: number[]): FloatArray {
  return memory.map((_, i) => memory[(i % rows) * columns + Math.floor(i / rows)]);
}

const replays: Record<string, Replay> = {
  rand: (generator, step) => filled(step, (values) => fillRand(generator, values)),
  randn: (generator, step) =>
    filled(step, (values) => fillNormal(generator, values, 0, 1, { contiguous: true })),
  uniform_: (generator, step) =>
    filled(step, (values, from, to) => fillUniform(generator, values, from, to)),
  normal_: (generator, step) => filled(step, (values, mean, std) =>
    fillNormal(generator, values, mean, std, { contiguous: !step.options?.transpose })),
  exponential_: (generator, step) =>
    filled(step, (values, lambda) => fillExponential(generator, values, lambda)),
  bernoulli_: (generator, step) =>
    filled(step, (values, p) => fillBernoulli(generator, values, p)),
  bernoulli: (generator, { args }) => {
    const probabilities = given(args[0]);
    const values = probabilities.slice();
    bernoulliFrom(generator, values, probabilities);
    return values;
  },
  randint: (generator, { args }) => {
    const [low, high, shape] = args as [number, number, number[]];
    const values = new Int32Array(count(shape));
    fillRandint(generator, values, low, high);
    return values;
  },
  randperm: (generator, { args }) => randperm(generator, args[0] as number),
  multinomial: (generator, { args, options }) => {
    const { shape } = (args[0] as { tensor: TensorData }).tensor;
    return multinomial(generator, given(args[0]), shape.at(-1)!, args[1] as number, options);
  },
  normal: (generator, { args, result }) => {
    const values = new Float32Array((result as TensorData).data.length);
    fillNormal(generator, values, 0, 1, { contiguous: true });
    const [mean, std] = args.map((arg) =>
      typeof arg === "number" ? values.map(() => arg) : given(arg));
    return values.map((value, i) => Math.fround(value * std[i]) + mean[i]);
  },
  manualSeed: (generator, { args }) => void generator.manualSeed(args[0] as number),
  saveState: (generator, { args }, saved) =>
    void saved.set(args[0] as string, generator.getState()),
  restoreState: (generator, { args }, saved) =>
    void generator.setState(saved.get(args[0] as string)!),
};

/** The fixtures promise 1e-14 where sin, cos and log run in double, and exact values elsewhere. */
function expectClose(actual: Values | number[], expected: number[], dtype: string): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    const exact = dtype === "float32" ? Math.fround(value) : value;
    if (dtype !== "float64") return expect(actual[i], `element ${i}`).toBe(exact);
    const error = Math.abs(actual[i] - value) / Math.max(1, Math.abs(value));
    expect(error, `element ${i}: ${actual[i]} for ${value}`).toBeLessThanOrEqual(1e-14);
  });
}

function expectResult(actual: Values, result: TensorData | Summary): void {
  if ("data" in result) return expectClose(actual, result.data, result.dtype);
  expectClose(actual.slice(0, result.first.length), result.first, result.dtype);
  expectClose(actual.slice(-result.last.length), result.last, result.dtype);
  // The sums are double; only their order of addition is free: 2003 terms of 2⁻⁵³ each.
  let sum = 0;
  let sumSquares = 0;
  for (const value of actual) {
    sum += value;
    sumSquares += value * value;
  }
  expect(Math.abs(sum - result.sum)).toBeLessThan(1e-11);
  expect(Math.abs(sumSquares - result.sumSquares)).toBeLessThan(1e-11);
}

describe("a seeded stream is PyTorch's", () => {
  const fits = ({ steps }: Case) => steps.every(({ call }) => call in replays);

  it("in every recorded case but the dropout masks, which belong to nn", () => {
    expect(cases.filter((entry) => !fits(entry)).map(({ id }) => id)).toEqual(["dropout masks"]);
  });

  it.each(cases.filter(fits))("$id", ({ seed, steps }) => {
    const generator = new Generator(seed);
    const saved = new Map() as States;
    for (const step of steps) {
      const actual = replays[step.call](generator, step, saved);
      if (actual) expectResult(actual, step.result!);
    }
  });
});
