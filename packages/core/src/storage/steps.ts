// Running the steps of a plan over the heap.
import type { HeapKernel, Step } from "../kernels/heap-kernel.ts";
import { simdImports } from "../kernels/pointwise-simd.ts";

type Run = (...args: readonly number[]) => void;
const instances = new WeakMap<HeapKernel, Run>();

/** Runs every call of every step. */
export function runSteps(memory: WebAssembly.Memory, steps: readonly Step[]): void {
  for (const { kernel, calls } of steps) {
    let run = instances.get(kernel);
    if (run === undefined) {
      const module = new WebAssembly.Module(kernel.bytes);
      run = new WebAssembly.Instance(module, simdImports(memory)).exports.run as Run;
      instances.set(kernel, run);
    }
    for (const call of calls) run(...call);
  }
}
