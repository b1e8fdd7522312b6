// What memory is in use, and how much of it the heap may take.
import { fail, show } from "../errors.ts";
import { FIRST_BUDGET, heapInUse, theHeap } from "./heap.ts";

/** Bytes in use, and how well the heap serves as a cache. */
export interface MemoryReport {
  /** Bytes of all typed arrays of the process, as Node counts them; `null` in browsers. */
  readonly hostBytes: number | null;
  /** Bytes of the WebAssembly memory in which kernels compute. */
  readonly heapBytes: number;
  /** Bytes that the heap may grow to: see `setHeapBudget`. */
  readonly heapBudget: number;
  /** Bytes of the heap that hold recent results; new ones replace the oldest. */
  readonly ringBytes: number;
  /** Bytes of the heap that hold what is rewritten again and again, such as parameters. */
  readonly residentBytes: number;
  /** Operands of kernels that were found in the heap. */
  readonly cacheHits: number;
  /** Operands of kernels that had to be given a place there. */
  readonly cacheMisses: number;
  /** Bytes copied from arrays to the heap so far. */
  readonly bytesCopiedIn: number;
  /** Bytes copied from the heap to arrays so far. */
  readonly bytesCopiedOut: number;
}

/**
 * What memory is in use, in bytes. Nothing has to be freed; this is for those who wonder.
 * @example
 * ```ts
 * import { memory, randn } from "@chainrule/core";
 * const { heapBytes, bytesCopiedIn } = memory();
 * ```
 */
export function memory(): MemoryReport {
  const heap = heapInUse();
  const { hits, misses, bytesIn, bytesOut } =
    heap?.counters ?? { hits: 0, misses: 0, bytesIn: 0, bytesOut: 0 };
  return {
    hostBytes: globalThis.process?.memoryUsage?.().arrayBuffers ?? null,
    heapBytes: heap?.memory.buffer.byteLength ?? 0,
    heapBudget: heap?.budget ?? FIRST_BUDGET,
    ringBytes: heap?.ringBytes ?? 0,
    residentBytes: heap?.resident ?? 0,
    cacheHits: hits, cacheMisses: misses, bytesCopiedIn: bytesIn, bytesCopiedOut: bytesOut,
  };
}

/**
 * Sets how many bytes the heap may grow to; 1 GiB unless set. Operations that need more compute in
 * JavaScript. A heap that is larger already does not shrink.
 * @throws when `bytes` is not a positive whole number
 */
export function setHeapBudget(bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    fail("setHeapBudget", `bytes must be a positive whole number, got ${show(bytes)}`);
  }
  const heap = theHeap();
  if (heap !== null) heap.budget = bytes;
}
