// Storages inside vmap: memory with one more dimension per level, which tensors on it do not show.
import { ChainruleError } from "../errors.ts";
import { Storage } from "./storage.ts";

/** One run of a function over a batch. Levels begun later lie inside of those begun earlier. */
export interface Level {
  /** Number of levels begun before, in the whole program: a level is never met again. */
  readonly order: number;
  /** Number of samples. */
  readonly size: number;
}

/** Where the samples of one level lie: so many elements apart, 0 where all are the same. */
export interface BatchDim {
  readonly level: Level;
  readonly stride: number;
}

/** Whether there can be batched storages: all that an op looks at before vmap was ever used. */
export let isBatching = false;

let begun = 0;

/** Begins a level. */
export function newLevel(size: number): Level {
  isBatching = true;
  return { order: begun++, size };
}

/** Refusal to give the values of a batch as if they were those of one sample. */
export class BatchedRead extends ChainruleError {
  /** The innermost level of what was to be read. */
  readonly level: Level;

  constructor(level: Level) {
    super("vmap", "It looks like you're calling .item() on a Tensor, reading its values, or " +
      "attempting to use a Tensor in some data-dependent control flow. We don't support vmap " +
      `over that: inside vmap a tensor stands for all ${level.size} samples at once. Please try ` +
      "to rewrite what you're doing with other operations, such as where(condition, a, b)",
    { batchSize: level.size });
    this.level = level;
  }
}

/** The elements of all samples. Tensors on it have the shape, strides and offset of one sample. */
export class BatchedStorage extends Storage {
  readonly #memory: Storage;
  /** The dimensions that tensors do not show, outermost level first. */
  readonly dims: readonly BatchDim[];

  constructor(memory: Storage, dims: readonly BatchDim[]) {
    const samples = dims.reduce((count, { level, stride }) =>
      stride === 0 ? count : count * level.size, 1);
    super(memory.dtype, null, samples === 0 ? 0 : memory.length / samples);
    this.#memory = memory;
    this.dims = dims;
    for (const name of ["version", "writer"] as const) {
      Object.defineProperty(this, name, {
        get: () => memory[name], set: (value: never) => { memory[name] = value; },
      });
    }
  }

  override get memory(): Storage { return this.#memory; }

  override get values(): never { return this.refuse(); }

  override get data(): never { return this.refuse(); }

  /** The values may be needed elsewhere: whoever made the memory gives it up. */
  override release(): void {}

  /** @throws always */
  refuse(): never {
    throw new BatchedRead(this.dims.at(-1)!.level);
  }
}

const none: readonly never[] = [];

/** The batch dimensions of a storage, outermost level first. */
export function batchDims(storage: Storage): readonly BatchDim[] {
  return isBatching && storage instanceof BatchedStorage ? storage.dims : none;
}

/** A memory seen with batch dimensions, in any order; the memory itself where there are none. */
export function batched(memory: Storage, dims: readonly BatchDim[]): Storage {
  return dims.length === 0 ? memory
    : new BatchedStorage(memory, dims.toSorted((a, b) => a.level.order - b.level.order));
}
