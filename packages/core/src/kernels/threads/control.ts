// The memory through which threads speak, besides the heap: what each of its words means.
//
// Nothing here needs an event loop. The caller describes a batch of calls, then stores their number
// in `unclaimed`; each thread claims one by counting that down, reads the description only
// afterwards, and marks the call as done. A batch is described anew only when every call of the one
// before is done, so what a claimed call reads is always its own batch, however late it reads.

/** Most calls of a batch: longer steps run as several batches. */
export const MAX_CALLS = 1024;

/** Most arguments of a batch, of all its calls together. */
export const MAX_ARGUMENTS = 32 * 1024;

/** Bytes for code of kernels; when they are used up, code is handed over anew from the start. */
export const CODE_BYTES = 1024 * 1024;

/** Most threads that run at once: the calling one and its workers. */
export const MAX_THREADS = 16;

/** Words of an int32 array that lie in one cache line. */
const LINE = 16;

/** Positions in `words`; what different threads write lies in different cache lines. */
export const at = {
  /** Calls of the batch that nobody has claimed yet: the next one is `count - unclaimed`. */
  unclaimed: 0,
  /** The batch: number of calls, of arguments of each, and the mark that says a call is done. */
  count: LINE, arity: LINE + 1, mark: LINE + 2,
  /** Its kernel: a number that stays the same, where the code lies, whether it takes scratch. */
  kernel: LINE + 3, codeStart: LINE + 4, codeBytes: LINE + 5, usesScratch: LINE + 6,
  /** Whether the caller sleeps until a call is done. */
  callerSleeps: 2 * LINE,
  /** The first worker's words; a line for each. */
  workers: 3 * LINE,
} as const;

/** Positions in a worker's own words. */
export const own = {
  /** Counts the batches that the worker was called for; it sleeps on this word. */
  wake: 0,
  /** Whether it sleeps, or is about to. */
  sleeps: 1,
  /** Whether it has started. */
  isReady: 2,
  /** Address of its scratch memory. */
  scratch: 3,
} as const;

/** Shared by all threads. */
export interface Control {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** For each call the batch's mark once it is done, minus the mark if it threw. */
  readonly done: Int32Array<SharedArrayBuffer>;
  readonly args: Float64Array<SharedArrayBuffer>;
  readonly code: Uint8Array<SharedArrayBuffer>;
}

/** New control memory, with nothing in it. */
export function createControl(): Control {
  return {
    words: new Int32Array(new SharedArrayBuffer(4 * (at.workers + MAX_THREADS * LINE))),
    done: new Int32Array(new SharedArrayBuffer(4 * MAX_CALLS)),
    args: new Float64Array(new SharedArrayBuffer(8 * MAX_ARGUMENTS)),
    code: new Uint8Array(new SharedArrayBuffer(CODE_BYTES)),
  };
}

/** Where the words of worker 0, 1, … begin. */
export function wordsOf(worker: number): number {
  return at.workers + worker * LINE;
}

/** Claims a call of the batch and gives its position, or −1 where all are claimed. */
export function claim(words: Int32Array): number {
  for (;;) {
    const left = Atomics.load(words, at.unclaimed);
    if (left === 0) return -1;
    if (Atomics.compareExchange(words, at.unclaimed, left, left - 1) === left) {
      return words[at.count] - left;
    }
  }
}
