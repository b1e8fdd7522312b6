// What computes here: which of the fast paths are in use, and why the others are not.
import { canGenerateCode } from "../expression/javascript.ts";
import { blasDiagnostics, type BlasDiagnostics } from "../kernels/blas/blas.ts";
import { initThreads, threadsInUse, type ThreadsInUse } from "../kernels/threads/threads.ts";
import { hasRelaxedMultiplyAdd, hasSimd } from "../wasm/features.ts";
import { theHeap } from "./heap.ts";

/** Which paths are in use. */
export interface Diagnostics {
  /** Whether kernels are compiled to WebAssembly SIMD; else everything is JavaScript. */
  readonly simd: boolean;
  /** Whether matrix products use fused multiply-add: `useDeterministicAlgorithms` turns it off. */
  readonly fusedMultiplyAdd: boolean;
  /** Whether the memory can be shared with worker threads. */
  readonly sharedMemory: boolean;
  /** Threads that compute, and the reason where they are fewer than wanted. */
  readonly threads: ThreadsInUse;
  /** The native library for matrix products, and why none is in use. */
  readonly blas: BlasDiagnostics;
  /** Whether JavaScript may be generated; a content security policy can forbid it. */
  readonly generatedCode: boolean;
}

/**
 * Says what computes here, and why not something faster. For bug reports, and for the curious.
 * @example
 * ```ts
 * import { diagnostics } from "@chainrule/core";
 * const { simd, threads, blas } = diagnostics();
 * ```
 */
export function diagnostics(): Diagnostics {
  const simd = hasSimd();
  const heap = simd ? theHeap() : null;
  return {
    simd: heap !== null,
    fusedMultiplyAdd: hasRelaxedMultiplyAdd(),
    sharedMemory: heap?.isShared ?? false,
    threads: heap === null ? { threads: 1, wanted: 1, reason: "there is no WebAssembly heap" }
      : threadsInUse(heap.memory),
    blas: blasDiagnostics(),
    generatedCode: canGenerateCode(),
  };
}

/**
 * Starts the worker threads and waits for them. Only browsers need it, before training: there a
 * worker starts when the page has yielded. In Node the first large operation starts them.
 */
export async function init(): Promise<void> {
  const heap = hasSimd() ? theHeap() : null;
  if (heap !== null) await initThreads(heap.memory);
}
