// Fills in WebAssembly give, bit by bit, the numbers and the state of those in JavaScript.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as bulk from "../../src/kernels/random/fill.ts";
import * as bernoulli from "../../src/random/bernoulli.ts";
import { Generator } from "../../src/random/generator.ts";
import * as normal from "../../src/random/normal.ts";
import * as uniform from "../../src/random/uniform.ts";
import { hasSimd, withSimd } from "../../src/wasm/features.ts";

const reference = { ...bernoulli, ...normal, ...uniform };
type Fills = Pick<typeof reference,
  "fillRand" | "fillUniform" | "fillNormal" | "fillBernoulli" | "fillMask">;

/** Something done with a generator; it may fill the array. */
type Draw = (fills: Fills, generator: Generator, values: Float32Array) => void;

const draws: Record<string, Draw> = {
  rand: ({ fillRand }, generator, values) => fillRand(generator, values),
  uniform: ({ fillUniform }, generator, values) => fillUniform(generator, values, -0.3, 1.7),
  normal: ({ fillNormal }, generator, values) =>
    fillNormal(generator, values, 0.1, 1.3, { contiguous: true }),
  "normal of a view": ({ fillNormal }, generator, values) =>
    fillNormal(generator, values, 0.1, 1.3, { contiguous: false }),
  bernoulli: ({ fillBernoulli }, generator, values) => fillBernoulli(generator, values, 0.3),
  mask: ({ fillMask }, generator, values) => fillMask(generator, values, 0.7, 1 / 0.7),
  "one word": (_, generator, values) => { values[0] = generator.uniform24(); },
  "one pair of words": (_, generator, values) => { values[0] = generator.uniform53(); },
  "one normal": (_, generator, values) => { values[0] = generator.normal(); },
  "there and back": ({ fillRand }, generator, values) => {
    const state = generator.getState();
    fillRand(generator, values);
    generator.setState(state);
  },
};

const bits = (values: ArrayBufferView) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

function expectSameState(ours: Generator, theirs: Generator): void {
  const [own, other] = [ours.getState(), theirs.getState()];
  expect({ ...own, words: null }).toEqual({ ...other, words: null });
  expect(bits(own.words).equals(bits(other.words))).toBe(true);
}

/** Draws from both, and expects the same bits inside an array and none outside it. */
function expectSame(draw: Draw, ours: Generator, theirs: Generator, count: number): void {
  const [own, other] = [bulk, reference].map((fills, k) => {
    const values = new Float32Array(count + 2).fill(7);
    draw(fills, k === 0 ? ours : theirs, values.subarray(1, count + 1));
    return values;
  });
  if (!bits(own).equals(bits(other))) expect(own).toEqual(other);
  expect([own[0], own[count + 1]]).toEqual([7, 7]);
}

/** Around the blocks of a normal, the state, and the portions of a fill. */
const counts = [0, 1, 15, 16, 63, 64, 65, 79, 80, 623, 624, 625, 1248, 4095, 4096, 4097, 8191, 8192,
  8193, 8208, 20001];

describe("the same bits and the same state", () => {
  it("is compared with WebAssembly: it is there", () => expect(hasSimd()).toBe(true));

  it.each(Object.entries(draws))("%s, for any number of elements", (_, draw) => {
    for (const count of counts) {
      for (const before of [0, 1, 2, 311, 623, 624]) {
        const generators = [new Generator(count), new Generator(count)] as const;
        for (let i = 0; i < before; i++) generators.forEach((generator) => generator.u32());
        expectSame(draw, ...generators, Math.max(count, 1));
        expectSameState(...generators);
      }
    }
  });

  it("in any sequence of calls, from any seed", () => {
    const calls = fc.array(fc.tuple(fc.constantFrom(...Object.keys(draws)),
      fc.oneof(fc.constantFrom(...counts.slice(1, -3)), fc.integer({ min: 1, max: 1500 }))),
    { maxLength: 12 });
    fc.assert(fc.property(fc.nat(), calls, (seed, sequence) => {
      const [ours, theirs] = [new Generator(seed), new Generator(seed)];
      for (const [name, count] of sequence) expectSame(draws[name], ours, theirs, count);
      expectSameState(ours, theirs);
    }));
  });

  it("in large fills: 10⁶ normals", () => {
    expectSame(draws.normal, new Generator(3), new Generator(3), 1e6);
  });

  it("at the extremes of a 24-bit uniform, whatever mean and std", () => {
    const value = fc.float({ noNaN: true });
    fc.assert(fc.property(fc.nat(), value, value.filter((std) => std >= 0), (seed, mean, std) => {
      expectSame(({ fillNormal }, generator, values) =>
        fillNormal(generator, values, mean, std, { contiguous: true }),
      new Generator(seed), new Generator(seed), 100);
    }));
  });

  it("of masks, where a draw is just below a probability or at it", () => {
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 0, max: 99 }), (seed, at) => {
      const stream = new Generator(seed);
      for (let i = 0; i < at; i++) stream.uniform53();
      const drawn = stream.uniform53();
      for (const p of [drawn, drawn + 2 ** -54, drawn + 2 ** -53, 0, 2 ** -53, 2 ** -60, 1 - 2 ** -53, 1]) {
        const probability = Math.min(p, 1);
        const values = new Float32Array(100);
        bulk.fillBernoulli(new Generator(seed), values, probability);
        expect(values[at]).toBe(drawn < probability ? 1 : 0);
        expectSame((fills, generator, mask) => fills.fillBernoulli(generator, mask, probability),
          new Generator(seed), new Generator(seed), 100);
      }
    }));
  });

  it.each([Float64Array, Int32Array, Uint8Array])("of masks in a %o", (Values) => {
    for (const count of [10, 100, 5000]) {
      const [own, other] = [bulk, reference].map((fills) => {
        const values = new Values(count);
        fills.fillMask(new Generator(4), values, 0.4, Values === Float64Array ? 1 / 0.3 : 1);
        return values;
      });
      expect(own).toEqual(other);
    }
  });

  it("of float64 uniforms and normals", () => {
    const draw = (fills: Fills) => {
      const generator = new Generator(8);
      const all = Array.from({ length: 3 }, () => new Float64Array(300));
      fills.fillRand(generator, all[0]);
      fills.fillUniform(generator, all[1], 2, 5);
      fills.fillNormal(generator, all[2], 2, 5, { contiguous: true });
      return all;
    };
    expect(draw(bulk)).toEqual(draw(reference));
  });

  it("where WebAssembly is not allowed", () => {
    withSimd(false, () =>
      expectSame(draws.normal, new Generator(1), new Generator(1), 1000));
  });
});

describe("refusals come before any draw", () => {
  const values = new Float32Array(100);
  it.each([
    ["bernoulli_: expects p to be in [0, 1]", (g: Generator) => bulk.fillBernoulli(g, values, 1.5)],
    ["normal expects std >= 0.0", (g: Generator) =>
      bulk.fillNormal(g, values, 0, -1, { contiguous: true })],
    ["[from, to) range", (g: Generator) => bulk.fillUniform(g, values, 1, 0)],
    ["to-from must stay finite in float", (g: Generator) =>
      bulk.fillUniform(g, values, -3e38, 3e38)],
  ] as const)("%s", (message, call) => {
    const generator = new Generator(5);
    expect(() => call(generator)).toThrow(message);
    expect(generator.getState()).toEqual(new Generator(5).getState());
  });
});
