// Laws of the fills beyond the recorded streams: draws per element, ranges, refusals.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bernoulliFrom, fillBernoulli } from "../../src/random/bernoulli.ts";
import { fillExponential } from "../../src/random/exponential.ts";
import { Generator } from "../../src/random/generator.ts";
import { fillRandint, fillRandom, type IntegerTarget, randperm } from "../../src/random/integer.ts";
import { multinomial } from "../../src/random/multinomial.ts";
import { fillNormal } from "../../src/random/normal.ts";
import { fillRand, fillUniform } from "../../src/random/uniform.ts";

const seeds = fc.nat();
const contiguous = { contiguous: true };
const strided = { contiguous: false };

/** How many words a call takes from a generator, by looking for where its stream goes on. */
function wordsDrawn(call: (generator: Generator) => void): number {
  const generator = new Generator(1);
  call(generator);
  const next = [generator.u32(), generator.u32()];
  const reference = new Generator(1);
  const words = Array.from({ length: 400 }, () => reference.u32());
  return words.findIndex((word, i) => word === next[0] && words[i + 1] === next[1]);
}

describe("words drawn for n elements", () => {
  const single = (n: number) => new Float32Array(n);
  const double = (n: number) => new Float64Array(n);
  const laws: [string, (g: Generator, n: number) => void, (n: number) => number][] = [
    ["float32 rand", (g, n) => fillRand(g, single(n)), (n) => n],
    ["float64 rand", (g, n) => fillRand(g, double(n)), (n) => 2 * n],
    ["float32 uniform_", (g, n) => fillUniform(g, single(n), 2, 3), (n) => n],
    ["float64 uniform_", (g, n) => fillUniform(g, double(n), 2, 3), (n) => 2 * n],
    ["float32 normal_", (g, n) => fillNormal(g, single(n), 0, 1, contiguous),
      (n) => n < 16 ? 4 * Math.ceil(n / 2) : n + (n % 16 && 16)],
    ["float64 normal_", (g, n) => fillNormal(g, double(n), 0, 1, contiguous),
      (n) => n < 16 ? 4 * Math.ceil(n / 2) : 2 * (n + (n % 16 && 16))],
    ["strided normal_", (g, n) => fillNormal(g, single(n), 0, 1, strided),
      (n) => 4 * Math.ceil(n / 2)],
    ["randint", (g, n) => fillRandint(g, new Int32Array(n), -3, 9), (n) => n],
    ["wide randint", (g, n) => fillRandint(g, new Int32Array(n), -(2 ** 31), 2 ** 31),
      (n) => 2 * n],
    ["bool random_", (g, n) => fillRandom(g, new Uint8Array(n)), (n) => n],
    ["float64 random_", (g, n) => fillRandom(g, double(n)), (n) => 2 * n],
    ["randperm", (g, n) => randperm(g, n), (n) => Math.max(0, n - 1)],
    ["bernoulli_", (g, n) => fillBernoulli(g, new Uint8Array(n), 1), (n) => 2 * n],
    ["float32 bernoulli", (g, n) => bernoulliFrom(g, single(n), single(n)), (n) => n],
    ["float64 bernoulli", (g, n) => bernoulliFrom(g, double(n), double(n)), (n) => 2 * n],
    ["exponential_", (g, n) => fillExponential(g, single(n), 2), (n) => 2 * n],
  ];
  it.each(laws)("%s", (_, call, expected) => {
    for (const n of [0, 1, 2, 15, 16, 17, 32, 33, 90]) {
      expect(wordsDrawn((g) => call(g, n)), `n = ${n}`).toBe(expected(n));
    }
  });
});

describe("values", () => {
  it("of float32 uniform_ are rand of the same seed, scaled and shifted in one rounding", () => {
    const bound = fc.float({ noNaN: true, min: -1000, max: 1000 });
    fc.assert(fc.property(seeds, bound, bound, (seed, a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      const unit = new Float32Array(20);
      const values = new Float32Array(20);
      fillRand(new Generator(seed), unit);
      fillUniform(new Generator(seed), values, from, to);
      const width = Math.fround(to - from);
      expect(values).toEqual(unit.map((u) => u * width + from));
      expect(values.every((value) => value >= from && value <= to)).toBe(true);
    }));
  });

  it("of normals with mean and std are the standard ones, scaled and shifted", () => {
    const sizes = fc.integer({ min: 0, max: 70 });
    fc.assert(fc.property(seeds, sizes, fc.boolean(), (seed, n, inOnePiece) => {
      const standard = new Float64Array(n);
      const values = new Float64Array(n);
      fillNormal(new Generator(seed), standard, 0, 1, { contiguous: inOnePiece });
      fillNormal(new Generator(seed), values, -2, 0.5, { contiguous: inOnePiece });
      expect(values).toEqual(standard.map((value) => value * 0.5 - 2));
    }));
  });

  it("of float32 and float64 normals agree when the words are the same", () => {
    // Below 16 elements both take the float64 path, so only the store rounds.
    fc.assert(fc.property(seeds, fc.integer({ min: 0, max: 15 }), (seed, n) => {
      const single = new Float32Array(n);
      const double = new Float64Array(n);
      fillNormal(new Generator(seed), single, 1, 3, contiguous);
      fillNormal(new Generator(seed), double, 1, 3, contiguous);
      expect(single).toEqual(Float32Array.from(double));
    }));
  });

  it("of randint stay in range, also where it takes 64 bits", () => {
    const integer = fc.maxSafeInteger();
    fc.assert(fc.property(seeds, integer, integer, (seed, a, b) => {
      fc.pre(a !== b);
      const values = new Float64Array(9);
      fillRandint(new Generator(seed), values, Math.min(a, b), Math.max(a, b));
      for (const value of values) {
        expect(value).toBeGreaterThanOrEqual(Math.min(a, b));
        expect(value).toBeLessThan(Math.max(a, b));
        expect(Number.isSafeInteger(value)).toBe(true);
      }
    }));
  });

  it("of random_ are words modulo the range of the dtype", () => {
    const words = new Generator(5);
    const filled = (values: IntegerTarget) => {
      fillRandom(new Generator(5), values);
      return values[0];
    };
    const word = words.u32();
    expect(filled(new Float32Array(1))).toBe(word % (2 ** 24 + 1));
    expect(filled(new Int32Array(1))).toBe(word % 2 ** 31);
    expect(filled(new Uint8Array(1))).toBe(word & 1);
    const wide = new Generator(5).u64() % (2n ** 53n + 1n);
    expect(filled(new Float64Array(1))).toBe(Number(wide));
  });

  it("of randperm are a permutation", () => {
    fc.assert(fc.property(seeds, fc.nat(200), (seed, n) => {
      const inOrder = Int32Array.from({ length: n }, (_, i) => i);
      expect(randperm(new Generator(seed), n).sort()).toEqual(inOrder);
    }));
  });

  it("of bernoulli are certain at 0 and 1", () => {
    const values = new Float64Array(50);
    fillBernoulli(new Generator(0), values, 1);
    expect(values.every((value) => value === 1)).toBe(true);
    bernoulliFrom(new Generator(0), values, new Float32Array(50));
    expect(values.every((value) => value === 0)).toBe(true);
  });

  it("of multinomial without replacement are distinct and prefer indices that have weight", () => {
    const weights = fc.array(fc.constantFrom(0, 0.5, 3), { minLength: 1, maxLength: 12 })
      .filter((row) => row.some((weight) => weight > 0));
    fc.assert(fc.property(seeds, weights, (seed, row) => {
      const n = row.length;
      const drawn = multinomial(new Generator(seed), Float32Array.from(row), n, n);
      expect([...drawn].sort((a, b) => a - b)).toEqual(row.map((_, i) => i));
      const positive = row.filter((weight) => weight > 0).length;
      expect([...drawn].every((index, i) => (row[index] > 0) === (i < positive))).toBe(true);
    }));
  });
});

describe("refusals name the function and come before anything is drawn or changed", () => {
  const values = Float32Array.of(7, 8, 9);
  const int32 = Int32Array.of(7, 8, 9);
  const refused: [RegExp, (g: Generator) => void][] = [
    [/^uniform_: expects to return a \[from, to\) range.*from=2 > to=1/,
      (g) => fillUniform(g, values, 2, 1)],
    [/^uniform_: from is out of bounds for float: NaN/, (g) => fillUniform(g, values, NaN, 1)],
    [/^uniform_: to is out of bounds for float: 1e\+39/, (g) => fillUniform(g, values, 0, 1e39)],
    [/^uniform_: to-from must stay finite/, (g) => fillUniform(g, values, -3e38, 3e38)],
    [/^normal_: normal expects std >= 0.0, but found std -1/,
      (g) => fillNormal(g, values, 0, -1, contiguous)],
    [/^normal_: .*NaN/, (g) => fillNormal(g, new Float32Array(0), 0, NaN, contiguous)],
    [/^randint: expects 'from' to be less than 'to', but got from=3 >= to=3/,
      (g) => fillRandint(g, int32, 3, 3)],
    [/^randint: low and high must be integers.*0.5/, (g) => fillRandint(g, int32, 0.5, 3)],
    [/^randint: from is out of bounds for bool: -1/,
      (g) => fillRandint(g, new Uint8Array(1), -1, 1)],
    [/^randint: to - 1 is out of bounds for int32: 2147483648/,
      (g) => fillRandint(g, int32, 0, 2 ** 31 + 1)],
    [/^randint: to - 1 is out of bounds for float32/,
      (g) => fillRandint(g, values, 0, 2 ** 24 + 2)],
    [/^randperm: .*-1/, (g) => randperm(g, -1)],
    [/^randperm: .*2.5/, (g) => randperm(g, 2.5)],
    [/^randperm: .*2147483648/, (g) => randperm(g, 2 ** 31)],
    [/^bernoulli_: expects p to be in \[0, 1\], but got p=1.5/,
      (g) => fillBernoulli(g, values, 1.5)],
    [/^bernoulli_: .*p=NaN/, (g) => fillBernoulli(g, values, NaN)],
    [/^bernoulli: Expected p_in >= 0 && p_in <= 1 to be true, but got -0.25 at element 2/,
      (g) => bernoulliFrom(g, values, Float64Array.of(0, 1, -0.25))],
    [/^bernoulli: lengths differ: 3 results for 2 probabilities/,
      (g) => bernoulliFrom(g, values, new Float32Array(2))],
    [/^exponential_: expects lambda > 0.0, but found lambda=0/,
      (g) => fillExponential(g, values, 0)],
    [/^exponential_: .*NaN/, (g) => fillExponential(g, values, NaN)],
    [/^multinomial: .*inf, nan or element < 0: -1 at element 1/,
      (g) => multinomial(g, Float32Array.of(1, -1), 2, 1)],
    [/^multinomial: .*Infinity/, (g) => multinomial(g, Float32Array.of(1, Infinity), 2, 1)],
    [/^multinomial: .*sum of probabilities <= 0.*row 1/,
      (g) => multinomial(g, Float32Array.of(1, 1, 0, 0), 2, 1)],
    [/^multinomial: .*without replacement: 3 of 2/,
      (g) => multinomial(g, Float32Array.of(1, 1), 2, 3)],
    [/^multinomial: cannot sample n_sample <= 0/,
      (g) => multinomial(g, Float32Array.of(1, 1), 2, 0)],
    [/^multinomial: .*1.5/, (g) => multinomial(g, Float32Array.of(1, 1), 2, 1.5)],
    [/^multinomial: .*category, but got 0/, (g) => multinomial(g, new Float32Array(0), 0, 1)],
    [/^multinomial: 3 weights are no rows of 2/,
      (g) => multinomial(g, Float32Array.of(1, 1, 1), 2, 1)],
  ];
  it.each(refused)("%s", (message, call) => {
    const generator = new Generator(6);
    generator.normal();
    const before = generator.getState();
    expect(() => call(generator)).toThrow(message);
    expect(generator.getState()).toEqual(before);
    expect([...values, ...int32]).toEqual([7, 8, 9, 7, 8, 9]);
  });
});
