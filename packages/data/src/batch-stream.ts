// Batches of an asynchronous stream: what BatchSampler is to arrays.
import { BatchSampler, type Sized } from "./samplers.ts";

/** What a stream gives, in arrays of `batchSize`; `length` is known where the stream's is. */
export class BatchStream<T> implements AsyncIterable<T[]> {
  readonly stream: AsyncIterable<T> & Partial<Sized>;
  /** Holds the settings and counts batches. */
  readonly #batches: BatchSampler;

  constructor(
    stream: AsyncIterable<T> & Partial<Sized>, batchSize: number, options: { dropLast: boolean },
  ) {
    this.stream = stream;
    this.#batches = new BatchSampler(stream as never, batchSize, options);
  }

  get length(): number { return this.#batches.length; }

  async *[Symbol.asyncIterator](): AsyncGenerator<T[]> {
    const { batchSize, dropLast } = this.#batches;
    let batch: T[] = [];
    for await (const item of this.stream) {
      batch.push(item);
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !dropLast) yield batch;
  }
}
