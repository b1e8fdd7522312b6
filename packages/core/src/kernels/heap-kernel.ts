// Kernels over the heap: compiled functions, and work as lists of calls that threads can share.

/** A compiled function over the heap: a module that imports `env.memory` and exports `run`. */
export interface HeapKernel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it imports functions that are not JavaScript's own: workers lack those. */
  readonly needsScalars: boolean;
  /** Whether the first argument of `run` is the address of the running thread's scratch memory. */
  readonly usesScratch: boolean;
}

/** Arguments of `run`, without the address of scratch memory. */
export type Call = readonly number[];

/** Calls that may run in any order, on any thread; a step waits for the one before it. */
export interface Step {
  readonly kernel: HeapKernel;
  readonly calls: readonly Call[];
  /** Whether calls overwrite what they read: done twice they would go wrong, so one thread runs. */
  readonly isInPlace?: boolean;
}

/** Scratch memory of each thread. */
export const SCRATCH_BYTES = 1024 * 1024;
