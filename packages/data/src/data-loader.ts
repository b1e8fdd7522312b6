// Batches of a dataset, epoch after epoch, in PyTorch's order.
import { defaultGenerator, type Generator } from "@chainrule/core";
import { fail, show } from "@chainrule/core/internal";
import { BatchStream } from "./batch-stream.ts";
import { defaultCollate, type Collated } from "./collate.ts";
import {
  isAsyncIterable, isIterable, isMapStyle, type Dataset, type IterableDataset,
} from "./dataset.ts";
import {
  checkLoaderOptions, type AnyLoaderOptions, type DataLoaderOptions,
} from "./loader-options.ts";
import { BatchSampler, RandomSampler, SequentialSampler, type Sized } from "./samplers.ts";

/** What batches are made of, one after the other: indices for `Dataset.get`, or samples. */
type Pieces = (Iterable<unknown> | AsyncIterable<unknown>) & Partial<Sized>;

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === "function";
}

/** Pieces of a map-style dataset: indices, or arrays of them. */
function indexPieces(dataset: Dataset<unknown>, options: AnyLoaderOptions): Pieces {
  const { batchSize = 1, shuffle, dropLast, batchSampler, generator } = options;
  if (batchSampler !== undefined) return batchSampler;
  const sampler = options.sampler ?? (shuffle
    ? new RandomSampler(dataset, { generator }) : new SequentialSampler(dataset));
  return batchSize === null ? sampler : new BatchSampler(sampler, batchSize, { dropLast });
}

/** Pieces of an iterable dataset: samples, or arrays of them. */
function samplePieces(dataset: IterableDataset<unknown>, options: AnyLoaderOptions): Pieces {
  const { batchSize = 1, dropLast = false } = options;
  if (batchSize === null) return dataset;
  return isIterable(dataset) ? new BatchSampler(dataset, batchSize, { dropLast })
    : new BatchStream(dataset, batchSize, { dropLast });
}

/** From a piece to a batch, or a promise of one where samples are promises. */
type Load<Batch> = (piece: unknown) => Batch | PromiseLike<Batch>;

function loadOf(
  dataset: Dataset<unknown> | IterableDataset<unknown>, options: AnyLoaderOptions,
): Load<unknown> {
  const { batchSize, collateFn } = options;
  const mapStyle = isMapStyle(dataset);
  const get = mapStyle ? (index: unknown) => dataset.get(index as number)
    : (sample: unknown) => sample;
  if (batchSize === null) {
    const convert = (collateFn ?? ((sample) => sample)) as (sample: unknown) => unknown;
    return (piece) => {
      const sample = get(piece);
      return isPromise(sample) ? sample.then(convert) : convert(sample);
    };
  }
  if (mapStyle && dataset.getBatch && (collateFn ?? defaultCollate) === defaultCollate) {
    return (indices) => dataset.getBatch!(indices as ArrayLike<number>);
  }
  const collate = (collateFn ?? defaultCollate) as (samples: unknown[]) => unknown;
  return (piece) => {
    const samples = Array.from(piece as ArrayLike<unknown>, get);
    return samples.some(isPromise) ? Promise.all(samples).then(collate) : collate(samples);
  };
}

/**
 * The batches of a dataset; every iteration is an epoch.
 *
 * Random numbers are drawn as PyTorch draws them: two words when an iterator is made, shuffled or
 * not; at the first batch of a shuffled epoch two more, which seed its order. A generator of its
 * own gives the order itself and, once the epoch is exhausted, another one that is not used.
 * @throws ChainruleError for options that are unknown, unusable or contradict each other
 * @example
 * ```ts
 * import { tensor } from "@chainrule/core";
 * import { DataLoader, TensorDataset } from "@chainrule/data";
 *
 * const dataset = new TensorDataset(tensor([[1, 2], [3, 4], [5, 6]]), tensor([0, 1, 2]));
 * for (const [x, y] of new DataLoader(dataset, { batchSize: 2 })) console.log(x.shape, y.tolist());
 * // [ 2, 2 ] [ 0, 1 ]
 * // [ 1, 2 ] [ 2 ]
 * ```
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader
 */
export class DataLoader<
  T, Size extends number | null = number,
  Batch = Size extends null ? Awaited<T> : Collated<Awaited<T>>,
> implements Iterable<Batch>, AsyncIterable<Awaited<Batch>> {
  readonly dataset: Dataset<T> | IterableDataset<T>;
  /** Samples per batch; `null` where samples come one by one. */
  readonly batchSize: number | null;
  /** Source of the order; the default generator if not given. */
  readonly generator: Generator | undefined;
  readonly #pieces: Pieces;
  readonly #load: Load<Batch>;

  constructor(
    dataset: Dataset<T> | IterableDataset<T>, options: DataLoaderOptions<T, Size, Batch> = {},
  ) {
    const mapStyle = isMapStyle(dataset);
    if (!mapStyle && !isIterable(dataset) && !isAsyncIterable(dataset)) {
      const expected = "a dataset with length and get, or an iterable";
      fail("DataLoader", `expected ${expected}, got ${show(dataset)}`);
    }
    checkLoaderOptions(options as AnyLoaderOptions, mapStyle);
    this.dataset = dataset;
    this.batchSize = options.batchSize === undefined ? 1 : options.batchSize;
    this.generator = options.generator;
    this.#pieces = mapStyle ? indexPieces(dataset, options as AnyLoaderOptions)
      : samplePieces(dataset, options as AnyLoaderOptions);
    this.#load = loadOf(dataset, options as AnyLoaderOptions) as Load<Batch>;
  }

  /**
   * Number of batches in an epoch.
   * @throws ChainruleError where the sampler, or an iterable dataset, has no length
   */
  get length(): number {
    const { length } = this.#pieces;
    if (length === undefined) {
      fail("DataLoader", `length is unknown: ${show(this.#pieces)} has none`);
    }
    return length;
  }

  /**
   * Starts an epoch.
   * @throws ChainruleError, with the first batch, where samples are promises or a stream
   */
  [Symbol.iterator](): IterableIterator<Batch> {
    this.#drawBaseSeed();
    return this.#batches();
  }

  /** Starts an epoch in which samples are awaited. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Awaited<Batch>> {
    this.#drawBaseSeed();
    return this.#awaitedBatches();
  }

  /** What PyTorch seeds its workers with. */
  #drawBaseSeed(): void {
    (this.generator ?? defaultGenerator).u64();
  }

  *#batches(): IterableIterator<Batch> {
    const pieces = this.#pieces;
    if (!isIterable(pieces)) fail("DataLoader", "the dataset is a stream: iterate with for await");
    for (const piece of pieces) {
      const batch = this.#load(piece);
      if (isPromise(batch)) fail("DataLoader", "samples are promises: iterate with for await");
      yield batch;
    }
  }

  async *#awaitedBatches(): AsyncIterableIterator<Awaited<Batch>> {
    for await (const piece of this.#pieces) yield await this.#load(piece);
  }
}
