// PyTorch's initial values: formulas, deterministic fills, and the random streams, draw by draw.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { empty, erf, manualSeed, noGrad, ones, rand, tensor, Generator, type Shape, type Tensor,
} from "@chainrule/core";
import * as nn from "@chainrule/nn";
import { decodeNumber, type Coded } from "../../core/test/conformance/decode.ts";
import { erfinv } from "../src/init/erfinv.ts";
import { missing } from "./missing.ts";

interface Result {
  readonly shape: Shape;
  readonly data?: readonly Coded[];
  readonly first?: readonly Coded[];
  readonly last?: readonly Coded[];
  readonly dtype: "float32" | "float64";
}

interface Step {
  readonly call: string;
  readonly args?: readonly unknown[];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly result?: Result;
  readonly parameters?: readonly { readonly key: string; readonly tensor: Result }[];
}

interface Stream { readonly id: string; readonly seed: number; readonly steps: readonly Step[] }

function read<T>(file: string): T[] {
  const url = new URL(file, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { cases: T[] }).cases;
}

/** Bounds of the fixtures' README; everything else is exact. */
const tolerances: Readonly<Record<string, number>> = { truncNormal_: 3e-6, orthogonal_: 1e-5 };

function demandValues(actual: Tensor, expected: Result, tolerance = 0): void {
  expect(actual.shape).toEqual(expected.shape);
  const values = [...actual.toTypedArray()];
  const { data, first = [], last = [] } = expected;
  const checked = data === undefined
    ? [...values.slice(0, first.length), ...values.slice(values.length - last.length)] : values;
  const round = expected.dtype === "float32" ? Math.fround : (value: number) => value;
  const wanted = (data ?? [...first, ...last]).map((value) => round(decodeNumber(value)));
  if (tolerance === 0) expect(checked).toEqual(wanted);
  else wanted.forEach((value, i) => expect(Math.abs(checked[i] - value)).toBeLessThan(tolerance));
}

type Fill = (tensor: Tensor, ...args: unknown[]) => Tensor;
const fills = nn.init as unknown as Readonly<Record<string, Fill>>;
const layers = nn as unknown as Readonly<Record<string, new (...args: unknown[]) => nn.Module>>;

function canRun({ call }: Step): boolean {
  const [kind, name] = call.split(/[ .]/);
  if (kind === "new") return name in layers;
  return kind === "init" ? name in fills : call === "rand" || call === "dropout";
}

function runStep({ call, args = [], options, result, parameters }: Step): void {
  const [kind, name] = call.split(/[ .]/);
  const extra = options === undefined ? [] : [options];
  if (kind === "new") {
    const named = new Map(new layers[name](...args, ...extra).namedParameters());
    expect([...named.keys()]).toEqual(parameters!.map(({ key }) => key));
    for (const { key, tensor: expected } of parameters!) demandValues(named.get(key)!, expected);
  } else if (kind === "init") {
    const target = empty(args[0] as Shape);
    const { sparsity, ...named } = options ?? {};
    expect(fills[name](target, ...(sparsity === undefined ? extra : [sparsity, named])))
      .toBe(target);
    demandValues(target, result!, tolerances[name]);
  } else if (call === "dropout") {
    const input = ones((args[0] as { ones: Shape }).ones, { dtype: result!.dtype });
    demandValues(nn.functional.dropout(input, options), result!);
  } else demandValues(rand(args[0] as Shape), result!);
}

const streams = [
  ...read<Stream>("./fixtures/rng-init.json"),
  ...read<Stream>("../../core/test/fixtures/rng.json")
    .filter(({ steps }) => steps.some(({ call }) => call === "dropout")),
];

describe("streams", () => {
  const lacking = new Set<string>();
  // A stream is followed up to the first step that is still missing: later ones depend on it.
  it.each(streams)("$id", ({ seed, steps }) => {
    manualSeed(seed);
    const end = steps.findIndex((step) => !canRun(step));
    if (end >= 0) lacking.add(steps[end].call);
    for (const step of end < 0 ? steps : steps.slice(0, end)) runStep(step);
  });

  it("lack exactly what missing.json lists", () => {
    expect([...lacking].sort()).toEqual(missing.streams);
  });
});

interface InitCase {
  readonly id: string;
  readonly function?: string;
  readonly shape: Shape;
  readonly fanIn: number;
  readonly fanOut: number;
  readonly xavier: Readonly<Record<string,
    { readonly gain: number; readonly uniformBound: number; readonly normalStd: number }>>;
  readonly kaiming: readonly {
    readonly mode: "fanIn" | "fanOut"; readonly nonlinearity: nn.init.Nonlinearity;
    readonly a: number; readonly uniformBound: number; readonly normalStd: number;
  }[];
  readonly nonlinearity: nn.init.Nonlinearity;
  readonly param: number | null;
  readonly gain: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly result: Result;
}

const cases = read<InitCase>("./fixtures/init.json");

/** The same words, scaled: what a fill with bound or deviation `scale` must give. */
function expectScaled(
  fill: (target: Tensor, generator: Generator) => Tensor,
  reference: (target: Tensor, generator: Generator) => Tensor, shape: Shape,
): void {
  const make = (body: typeof fill) =>
    [...body(empty(shape, { dtype: "float64" }), new Generator(3)).toTypedArray()];
  const expected = make(reference);
  make(fill).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 12));
}

describe("formulas", () => {
  it.each(cases.filter(({ id }) => id.startsWith("fans")))("$id", (c) => {
    expect(nn.init.calculateFanInAndFanOut(empty(c.shape))).toEqual([c.fanIn, c.fanOut]);
    for (const { gain, uniformBound: bound, normalStd: std } of Object.values(c.xavier)) {
      expectScaled((target, generator) => nn.init.xavierUniform_(target, { gain, generator }),
        (target, generator) => nn.init.uniform_(target, { a: -bound, b: bound, generator }),
        c.shape);
      expectScaled((target, generator) => nn.init.xavierNormal_(target, { gain, generator }),
        (target, generator) => nn.init.normal_(target, { std, generator }), c.shape);
    }
    for (const { uniformBound: bound, normalStd: std, ...options } of c.kaiming) {
      expectScaled((target, generator) =>
        nn.init.kaimingUniform_(target, { ...options, generator }),
      (target, generator) => nn.init.uniform_(target, { a: -bound, b: bound, generator }),
      c.shape);
      expectScaled((target, generator) => nn.init.kaimingNormal_(target, { ...options, generator }),
        (target, generator) => nn.init.normal_(target, { std, generator }), c.shape);
    }
  });

  it.each(cases.filter(({ id }) => id.startsWith("gain")))("$id", (c) => {
    expect(nn.init.calculateGain(c.nonlinearity, c.param ?? undefined)).toBeCloseTo(c.gain, 14);
  });

  it.each(cases.filter(({ result }) => result !== undefined))("$id", (c) => {
    const { val, ...options } = c.options;
    const target = empty(c.shape);
    fills[c.function!](target, ...(val === undefined ? [options] : [val]));
    demandValues(target, c.result);
  });

  it("erfinv is the inverse of erf", () => {
    const values = Array.from({ length: 199 }, (_, i) => (i - 99) / 100);
    const back = erf(tensor(values.map(erfinv), { dtype: "float64" })).toTypedArray();
    values.forEach((value, i) => expect(back[i]).toBeCloseTo(value, 14));
    expect([erfinv(1), erfinv(-1), erfinv(2)]).toEqual([Infinity, -Infinity, NaN]);
  });
});

describe("initialisers", () => {
  it("write into parameters that require a gradient, and leave no history", () => {
    const weight = new nn.Parameter(empty([4, 3]));
    expect(nn.init.kaimingNormal_(weight)).toBe(weight);
    expect(weight.isLeaf).toBe(true);
    expect(weight.requiresGrad).toBe(true);
  });

  it("count as writes, so that a graph that saved the old values notices", () => {
    const weight = new nn.Parameter(ones([2]));
    const loss = weight.mul(weight).sum();
    nn.init.constant_(weight, 3);
    expect(() => loss.backward()).toThrow("modified by an inplace operation");
  });

  it.each([
    ["kaimingNormal_", [[3]], "fewer than 2 dimensions"],
    ["kaimingUniform_", [[3, 3], { mode: "fan_in" }], "Mode fan_in not supported"],
    ["kaimingNormal_", [[3, 3], { nonlinearity: "foo" }], "Unsupported nonlinearity foo"],
    ["uniform_", [[3], { from: 1 }], "unknown option from"],
    ["uniform_", [[3], { a: 2, b: 1 }], "from"],
    ["normal_", [[3], { std: -1 }], "std"],
    ["eye_", [[3]], "Only tensors with 2 dimensions are supported"],
    ["dirac_", [[3, 3]], "Only tensors with 3, 4, or 5 dimensions are supported"],
    ["dirac_", [[3, 2, 1], { groups: 2 }], "dim 0 must be divisible by groups"],
    ["truncNormal_", [[3], { a: 1, b: 0 }], "a < b"],
    ["constant_", [[3], "1"], "val must be a number"],
  ] as const)("%s refuses %j and changes nothing", (name, [shape, ...args], message) => {
    const target = ones([...shape]);
    expect(() => fills[name](target, ...args)).toThrow(message);
    expect([...target.toTypedArray()].every((value) => value === 1)).toBe(true);
    expect(target._version).toBe(0);
  });

  it("fill views in place", () => {
    const whole = ones([2, 3]);
    noGrad(() => nn.init.zeros_(whole.narrow(1, 1, 1)));
    expect(whole.tolist()).toEqual([[1, 0, 1], [1, 0, 1]]);
  });
});
