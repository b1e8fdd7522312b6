// Orders in which samples are visited; draws follow PyTorch, word for word.
import {
  defaultGenerator, Generator, multinomial, randint, randperm, Tensor, tensor,
} from "@chainrule/core";
import { checkOptions, fail, show } from "@chainrule/core/internal";

/** Indices in the order to visit them, anew for every iteration. */
export interface Sampler<T = number> extends Iterable<T> {
  /** How many there are in one iteration. */
  readonly length: number;
}

/** Anything with a length; a dataset, as far as a sampler is concerned. */
export interface Sized {
  readonly length: number;
}

/** Refuses a generator that is not one. */
export function checkGenerator(op: string, generator: unknown): void {
  if (generator === undefined || generator instanceof Generator) return;
  fail(op, `generator must be a Generator, got ${show(generator)}`);
}

function checkPositive(op: string, name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  fail(op, `${name} should be a positive integer value, but got ${name}=${show(value)}`);
}

function checkBoolean(op: string, name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  fail(op, `${name} should be a boolean value, but got ${name}=${show(value)}`);
}

/**
 * Every sample once, in order. Draws nothing.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.SequentialSampler
 */
export class SequentialSampler implements Sampler {
  readonly dataset: Sized;

  constructor(dataset: Sized) { this.dataset = dataset; }

  get length(): number { return this.dataset.length; }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let i = 0; i < this.dataset.length; i++) yield i;
  }
}

/** Options of `RandomSampler`. */
export interface RandomSamplerOptions {
  /** Whether a sample may come again before all have come. Default `false`. */
  readonly replacement?: boolean;
  /** How many to draw. Default: as many as there are; more begin another permutation. */
  readonly numSamples?: number;
  /** Source of the order. Default: one seeded by the default generator, anew every iteration. */
  readonly generator?: Generator;
}

/** PyTorch draws with replacement in pieces of this size. */
const replacementChunk = 32;

/**
 * Samples in random order.
 *
 * With a generator of its own, an iteration that is exhausted has drawn the permutation of which
 * it took the last `numSamples mod length` indices, even where that is none.
 * @throws ChainruleError unless `numSamples` is a positive integer
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.RandomSampler
 */
export class RandomSampler implements Sampler {
  readonly dataset: Sized;
  readonly replacement: boolean;
  readonly generator: Generator | undefined;
  readonly #numSamples: number | undefined;

  constructor(dataset: Sized, options: RandomSamplerOptions = {}) {
    const op = "RandomSampler";
    checkOptions(op, options, ["replacement", "numSamples", "generator"]);
    const { replacement = false, numSamples, generator } = options;
    checkBoolean(op, "replacement", replacement);
    checkGenerator(op, generator);
    if (numSamples !== undefined) {
      checkPositive(op, "numSamples", numSamples);
      if (dataset.length === 0) fail(op, `numSamples=${numSamples} of an empty dataset`);
    }
    this.dataset = dataset;
    this.replacement = replacement;
    this.generator = generator;
    this.#numSamples = numSamples;
  }

  get length(): number { return this.#numSamples ?? this.dataset.length; }

  *[Symbol.iterator](): IterableIterator<number> {
    const generator = this.generator ?? new Generator(defaultGenerator.u64());
    const { length: count, dataset: { length: size } } = this;
    if (count === 0) return;
    const chunk = this.replacement ? replacementChunk : size;
    const draw = (wanted: number) => this.replacement
      ? randint(0, size, [wanted], { generator, dtype: "int32" }).toTypedArray()
      : randperm(size, { generator }).toTypedArray().subarray(0, wanted);
    for (let drawn = chunk; drawn <= count; drawn += chunk) yield* draw(chunk);
    yield* draw(count % chunk);
  }
}

/** Options of `SubsetRandomSampler`. */
export interface SubsetRandomSamplerOptions {
  /** Source of the order. Default: the default generator. */
  readonly generator?: Generator;
}

/**
 * Given indices in random order, each once.
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.SubsetRandomSampler
 */
export class SubsetRandomSampler implements Sampler {
  readonly indices: ArrayLike<number>;
  readonly generator: Generator | undefined;

  constructor(indices: ArrayLike<number>, options: SubsetRandomSamplerOptions = {}) {
    checkOptions("SubsetRandomSampler", options, ["generator"]);
    checkGenerator("SubsetRandomSampler", options.generator);
    this.indices = indices;
    this.generator = options.generator;
  }

  get length(): number { return this.indices.length; }

  *[Symbol.iterator](): IterableIterator<number> {
    const { generator, indices } = this;
    for (const i of randperm(indices.length, { generator }).toTypedArray()) yield indices[i]!;
  }
}

/** Options of `WeightedRandomSampler`. */
export interface WeightedRandomSamplerOptions {
  /** Whether an index may come more than once. Default `true`. */
  readonly replacement?: boolean;
  /** Source of the draws. Default: the default generator. */
  readonly generator?: Generator;
}

/**
 * Indices with probability in proportion to their weights, which need not sum to 1.
 * @throws ChainruleError unless weights are one-dimensional and `numSamples` is a positive integer
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.WeightedRandomSampler
 */
export class WeightedRandomSampler implements Sampler {
  readonly weights: Tensor;
  readonly length: number;
  readonly replacement: boolean;
  readonly generator: Generator | undefined;

  constructor(
    weights: readonly number[] | Float32Array | Float64Array | Tensor, numSamples: number,
    options: WeightedRandomSamplerOptions = {},
  ) {
    const op = "WeightedRandomSampler";
    checkOptions(op, options, ["replacement", "generator"]);
    const { replacement = true, generator } = options;
    checkPositive(op, "numSamples", numSamples);
    checkBoolean(op, "replacement", replacement);
    checkGenerator(op, generator);
    this.weights = weights instanceof Tensor
      ? weights.detach().to("float64") : tensor(weights, { dtype: "float64" });
    const { shape } = this.weights;
    if (shape.length !== 1) {
      const got = `given weights have shape ${show(shape)}`;
      fail(op, `weights should be a 1d sequence but ${got}`, { shape });
    }
    this.length = numSamples;
    this.replacement = replacement;
    this.generator = generator;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const { replacement, generator } = this;
    const drawn = multinomial(this.weights, this.length, { replacement, generator });
    yield* drawn.toTypedArray();
  }
}

/** Options of `BatchSampler`. */
export interface BatchSamplerOptions {
  /** Whether a last batch that is not full is left out. Default `false`. */
  readonly dropLast?: boolean;
}

/**
 * What a sampler gives, in arrays of `batchSize`.
 * @throws ChainruleError unless `batchSize` is a positive integer
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.BatchSampler
 */
export class BatchSampler<T = number> implements Sampler<T[]> {
  readonly sampler: Iterable<T>;
  readonly batchSize: number;
  readonly dropLast: boolean;

  constructor(sampler: Iterable<T>, batchSize: number, options: BatchSamplerOptions = {}) {
    const op = "BatchSampler";
    checkOptions(op, options, ["dropLast"]);
    const { dropLast = false } = options;
    checkPositive(op, "batchSize", batchSize);
    checkBoolean(op, "dropLast", dropLast);
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.dropLast = dropLast;
  }

  /**
   * Number of batches.
   * @throws ChainruleError where the sampler has no length
   */
  get length(): number {
    const { length } = this.sampler as Iterable<T> & Partial<Sized>;
    if (length === undefined) fail("BatchSampler", "length is unknown: the sampler has none");
    const batches = length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  *[Symbol.iterator](): IterableIterator<T[]> {
    let batch: T[] = [];
    for (const item of this.sampler) {
      batch.push(item);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}
