// Laws of the generator itself: seeds, words, saved states, the default one.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  defaultGenerator, Generator, initialSeed, manualSeed, seed,
} from "../../src/random/generator.ts";

const seeds = fc.oneof(fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n));
const draws = (generator: Generator, count = 700) =>
  Array.from({ length: count }, () => generator.u32());

/** Calls that move a generator in every way there is. */
const moves = fc.array(fc.constantFrom("u32", "u64", "uniform24", "uniform53", "normal"), {
  maxLength: 40,
});

type Move = "u32" | "u64" | "uniform24" | "uniform53" | "normal";
const play = (generator: Generator, names: string[]) =>
  names.map((name) => generator[name as Move]());

describe("seeds", () => {
  it("gives the published 10000th word for the reference seed 5489", () => {
    // ISO C++ [rand.predef]: the 10000th consecutive invocation of mt19937.
    expect(draws(new Generator(5489), 10000)[9999]).toBe(4123659995);
  });

  it("starts at PyTorch's default seed when none is given", () => {
    expect(new Generator().initialSeed()).toBe(67280421310721);
    expect(draws(new Generator())).toEqual(draws(new Generator(67280421310721)));
  });

  it("depends on the low 32 bits only, as a number and as a bigint", () => {
    fc.assert(fc.property(seeds, (value) => {
      const low = Number(BigInt.asUintN(32, BigInt(value)));
      expect(draws(new Generator(value), 5)).toEqual(draws(new Generator(low), 5));
    }));
  });

  it("reports the seed it was given, a negative one modulo 2⁶⁴ as PyTorch does", () => {
    fc.assert(fc.property(seeds, (value) => {
      const expected = value < 0 ? BigInt(value) + 2n ** 64n : value;
      expect(new Generator(1).manualSeed(value).initialSeed()).toBe(expected);
    }));
  });

  it.each([1.5, NaN, Infinity, 2 ** 53, -(2 ** 53), 2n ** 64n, -(2n ** 63n) - 1n, "7", null])(
    "refuses %s and goes on as before", (bad) => {
      const generator = new Generator(3);
      generator.normal();
      const before = generator.getState();
      expect(() => generator.manualSeed(bad as number)).toThrow(/^manualSeed: expected a seed/);
      expect(generator.getState()).toEqual(before);
      expect(() => new Generator(bad as number)).toThrow(/^Generator: expected a seed/);
    });
});

describe("words and numbers", () => {
  it("takes the high word of u64 first", () => {
    const [high, low] = draws(new Generator(11), 2);
    expect(new Generator(11).u64()).toBe(BigInt(high) * 2n ** 32n + BigInt(low));
  });

  it("makes uniforms of the low 24 bits of a word and of the low 53 bits of u64", () => {
    fc.assert(fc.property(seeds, (value) => {
      const low = new Generator(value).u32() % 2 ** 24;
      expect(new Generator(value).uniform24()).toBe(low / 2 ** 24);
      const bits = Number(new Generator(value).u64() % 2n ** 53n);
      expect(new Generator(value).uniform53()).toBe(bits / 2 ** 53);
    }));
  });

  it("draws four words for every second normal, and none in between", () => {
    const generator = new Generator(0);
    const words = draws(new Generator(0), 9);
    generator.normal();
    generator.normal();
    expect(generator.u32()).toBe(words[4]);
    generator.normal();
    generator.manualSeed(0).normal();
    generator.normal();
    expect(generator.u32(), "the cache was cleared").toBe(words[4]);
  });
});

describe("states", () => {
  it("continue exactly where they were saved, also after structuredClone", () => {
    fc.assert(fc.property(seeds, moves, moves, moves, (value, before, between, after) => {
      const generator = new Generator(value);
      play(generator, before);
      const state = structuredClone(generator.getState());
      play(generator, between);
      const other = new Generator(1).setState(state);
      generator.setState(state);
      expect(other.initialSeed()).toBe(value < 0 ? BigInt(value) + 2n ** 64n : value);
      expect(play(other, [...after, "u32"])).toEqual(play(generator, [...after, "u32"]));
      expect(generator.getState()).toEqual(other.getState());
    }));
  });

  it("continue across the renewal of the 624 words", () => {
    const words = draws(new Generator(9), 1300);
    for (const position of [0, 1, 623, 624, 625, 1248]) {
      const generator = new Generator(9);
      draws(generator, position);
      expect(draws(new Generator().setState(generator.getState()), 50))
        .toEqual(words.slice(position, position + 50));
    }
  });

  it("are copies: neither draws nor writes reach through", () => {
    const generator = new Generator(2);
    const state = generator.getState();
    const [first] = draws(generator);
    generator.setState(state);
    state.words.fill(1);
    expect(generator.u32()).toBe(first);
  });

  const good = new Generator(4).getState();
  it.each([
    ["null", null, "getState"],
    ["no words", { ...good, words: undefined }, "words"],
    ["words of another array", { ...good, words: [...good.words] }, "words"],
    ["too few words", { ...good, words: good.words.slice(1) }, "Uint32Array of 623"],
    ["zero words", { ...good, words: new Uint32Array(624) }, "zero"],
    ["a negative index", { ...good, index: -1 }, "index"],
    ["an index past the end", { ...good, index: 625 }, "index"],
    ["a fractional index", { ...good, index: 0.5 }, "index"],
    ["an undefined normal", { ...good, cachedNormal: undefined }, "cachedNormal"],
    ["a normal that is NaN", { ...good, cachedNormal: NaN }, "cachedNormal"],
    ["a bad seed", { ...good, seed: 0.5 }, "seed"],
  ])("with %s are refused, and nothing changes", (_, bad, word) => {
    const generator = new Generator(3);
    generator.normal();
    const before = generator.getState();
    const message = new RegExp(`^setState: .*${word}`);
    expect(() => generator.setState(bad as typeof good)).toThrow(message);
    expect(generator.getState()).toEqual(before);
  });
});

describe("the default generator", () => {
  it("is the one that manualSeed seeds and returns", () => {
    expect(manualSeed(42)).toBe(defaultGenerator);
    expect(initialSeed()).toBe(42);
    expect(draws(defaultGenerator)).toEqual(draws(new Generator(42)));
  });

  it("takes a fresh seed from entropy that repeats its stream", () => {
    const first = seed();
    const words = draws(defaultGenerator);
    expect(draws(manualSeed(first))).toEqual(words);
    expect(Number.isSafeInteger(first)).toBe(true);
    expect(seed()).not.toBe(first);
  });

  it("takes entropy from WebCrypto where there is no device to read", () => {
    const crypto = vi.spyOn(globalThis.crypto, "getRandomValues");
    const device = vi.spyOn(process, "getBuiltinModule");
    const failures = [
      () => undefined, () => ({ openSync: () => { throw new Error("ENOENT"); } }),
      () => ({ openSync: () => 3, readSync: () => 4, closeSync: () => {} }),
    ];
    for (const failure of failures) {
      device.mockImplementation(failure as never);
      crypto.mockClear();
      const first = seed();
      expect(crypto).toHaveBeenCalledOnce();
      expect(seed()).not.toBe(first);
    }
    vi.restoreAllMocks();
  });
});
