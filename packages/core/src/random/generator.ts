// Generator: a seeded, saveable stream of words, uniforms and single normals; the default one.
import { fail, show } from "../errors.ts";
import { Mt19937, stateSize } from "./mt19937.ts";

/** Everything a generator's future depends on: plain data that survives `structuredClone`. */
export interface GeneratorState {
  /** The 624 words of MT19937. */
  readonly words: Uint32Array;
  /** Position of the next word, 0 to 624. */
  readonly index: number;
  /** Second value of the last Box–Muller pair, if nobody has taken it yet. */
  readonly cachedNormal: number | null;
  /** What `initialSeed()` returns. */
  readonly seed: number | bigint;
}

const defaultSeed = 67280421310721;

/** Makes a generator draw its seed from entropy when it is first used. */
let unseed: (generator: Generator) => Generator;

/**
 * Random stream that agrees with PyTorch's CPU generator, seed for seed and word for word.
 * @example
 * ```ts
 * const generator = new Generator(0);
 * console.log(generator.u32(), generator.uniform24()); // 2357136044 0.7682217955589294
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Generator.html
 */
export class Generator {
  readonly #words = new Mt19937();
  #cachedNormal: number | null = null;
  #seed: number | bigint | null = defaultSeed;

  static {
    unseed = (generator) => {
      generator.#seed = null;
      return generator;
    };
  }

  constructor(seed: number | bigint = defaultSeed) {
    this.#start("Generator", seed);
  }

  /**
   * Restarts the stream; of the seed only the low 32 bits matter.
   * @throws unless `seed` is a safe integer or a bigint in `[−2⁶³, 2⁶⁴)`
   */
  manualSeed(seed: number | bigint): this {
    return this.#start("manualSeed", seed);
  }

  /** Restarts the stream from 53 bits of entropy and returns them. */
  seed(): number {
    const seed = entropy();
    this.#start("seed", seed);
    return seed;
  }

  /** The seed the stream started from; one that was negative reads `2⁶⁴` higher. */
  initialSeed(): number | bigint {
    return this.#seed ?? this.seed();
  }

  /** A copy of the state, for `setState`. */
  getState(): GeneratorState {
    const { words, index } = this.#engine;
    const seed = this.initialSeed();
    return { words: words.slice(), index, cachedNormal: this.#cachedNormal, seed };
  }

  /**
   * Continues exactly where `getState` was called; the state is copied.
   * @throws when `state` did not come from `getState`
   */
  setState(state: GeneratorState): this {
    checkState(state);
    const { words, index, cachedNormal, seed } = state;
    this.#words.words.set(words);
    this.#words.index = index;
    this.#cachedNormal = cachedNormal;
    this.#seed = seed;
    return this;
  }

  /** One word: an integer in `[0, 2³²)`. */
  u32(): number {
    return this.#engine.next();
  }

  /** Two words, the high one first: an integer in `[0, 2⁶⁴)`. */
  u64(): bigint {
    const high = this.#engine.next();
    return (BigInt(high) << 32n) | BigInt(this.#engine.next());
  }

  /** float32 uniform in `[0, 1)`: 24 bits of one word. */
  uniform24(): number {
    return (this.#engine.next() & 0xffffff) * 2 ** -24;
  }

  /** float64 uniform in `[0, 1)`: the low 53 bits of `u64`. */
  uniform53(): number {
    const high = this.#engine.next() & 0x1fffff;
    return (high * 2 ** 32 + this.#engine.next()) * 2 ** -53;
  }

  /**
   * Standard normal in float64 (Box–Muller); every second call returns the other half of a pair.
   * @see https://doi.org/10.1214/aoms/1177706645
   */
  normal(): number {
    const cached = this.#cachedNormal;
    if (cached !== null) {
      this.#cachedNormal = null;
      return cached;
    }
    const theta = 2 * Math.PI * this.uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniform53()));
    this.#cachedNormal = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }

  /**
   * @internal Draws words elsewhere: `draw` gets the state, which it may change, and the position
   * of the next word, and returns the position it arrives at.
   */
  drawWith(draw: (words: Uint32Array, index: number) => number): void {
    this.#engine.index = draw(this.#engine.words, this.#engine.index);
  }

  /** The words, from a seed of entropy where none was given. */
  get #engine(): Mt19937 {
    if (this.#seed === null) this.seed();
    return this.#words;
  }

  #start(op: string, seed: number | bigint): this {
    checkSeed(op, seed);
    this.#seed = seed < 0 ? BigInt.asUintN(64, BigInt(seed)) : seed;
    this.#words.seed(Number(BigInt.asUintN(32, BigInt(seed))));
    this.#cachedNormal = null;
    return this;
  }
}

function checkSeed(op: string, seed: unknown): void {
  const valid = typeof seed === "bigint"
    ? seed >= -(2n ** 63n) && seed < 2n ** 64n
    : Number.isSafeInteger(seed);
  if (!valid) {
    fail(op, "expected a seed that is a safe integer or a bigint from -2**63 to 2**64 - 1, " +
      `but got ${show(seed)}`, { seed });
  }
}

function checkState(state: GeneratorState): void {
  const refuse = (problem: string) => fail("setState", problem, { state });
  if (typeof state !== "object" || state === null) {
    refuse(`expected what getState returned, but got ${show(state)}`);
  }
  const { words, index, cachedNormal, seed } = state;
  if (!(words instanceof Uint32Array) || words.length !== stateSize) {
    refuse(`words must be a Uint32Array of ${stateSize}, but got ${show(words)}` +
      (ArrayBuffer.isView(words) ? ` of ${words.length}` : ""));
  }
  if (words.every((word) => word === 0)) refuse("words must not all be zero");
  if (!Number.isInteger(index) || index < 0 || index > stateSize) {
    refuse(`index must be an integer from 0 to ${stateSize}, but got ${show(index)}`);
  }
  if (cachedNormal !== null && !Number.isFinite(cachedNormal)) {
    refuse(`cachedNormal must be null or a finite number, but got ${show(cachedNormal)}`);
  }
  checkSeed("setState", seed);
}

/** 53 random bits: every value is a safe integer, so a printed seed can be given back. */
function entropy(): number {
  const words = new Uint32Array(2);
  if (!readDevice(words)) globalThis.crypto.getRandomValues(words);
  const [high, low] = words;
  return (high & 0x1fffff) * 2 ** 32 + low;
}

/**
 * Fills `words` from the system's random device, as PyTorch does; whether there is one that may be
 * read. Takes Node 0.1 to 0.5 ms, and `crypto`, which it loads when first asked, 5 to 9 ms.
 */
function readDevice(words: Uint32Array): boolean {
  const files = globalThis.process?.getBuiltinModule?.("node:fs");
  if (files === undefined) return false;
  try {
    const device = files.openSync("/dev/urandom", "r");
    try {
      return files.readSync(device, words) === words.byteLength;
    } finally {
      files.closeSync(device);
    }
  } catch {
    return false;
  }
}

/**
 * The generator behind every random function that is given none; seeded from entropy when it is
 * first used.
 */
export const defaultGenerator: Generator = unseed(new Generator());

/** Seeds the default generator and returns it: one line makes a whole script repeatable. */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

/** Seeds the default generator from entropy and returns the seed. */
export function seed(): number {
  return defaultGenerator.seed();
}

/** The seed that the default generator started from. */
export function initialSeed(): number | bigint {
  return defaultGenerator.initialSeed();
}
