// Steps of kernels on as many threads as pay: how many there may be, and how many there are.
import { fail, show } from "../../errors.ts";
import { setBlasThreads } from "../blas/blas.ts";
import type { HeapKernel, Step } from "../heap-kernel.ts";
import { simdImports } from "../pointwise-simd.ts";
import { MAX_THREADS } from "./control.ts";
import { nodeModule, startsAtOnce } from "./launch.ts";
import { Pool } from "./pool.ts";

/** Threads that are used unless more are asked for. */
const MAX_DEFAULT = 8;

/** Milliseconds after which `initThreads` stops waiting; workers that come later are used too. */
const START_TIMEOUT = 10_000;

type Run = (...args: number[]) => void;

let wanted: number | undefined;
let pool: Pool | null = null;
let isInitialised = false;

/**
 * Sets how many threads compute; results do not depend on it. At most 16 are used.
 * @throws when `count` is not an integer of at least 1
 * @see https://pytorch.org/docs/stable/generated/torch.set_num_threads.html
 */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    fail("setNumThreads", `expects a positive integer, got ${show(count)}`, { count });
  }
  wanted = count;
  setBlasThreads(count);
}

/**
 * How many threads may compute: at first one for each processor that is available, at most 8.
 * @see https://pytorch.org/docs/stable/generated/torch.get_num_threads.html
 */
export function getNumThreads(): number {
  return wanted ??= Math.max(1, Math.min(MAX_DEFAULT, processors()));
}

function processors(): number {
  const os = nodeModule<{ availableParallelism(): number }>("node:os");
  if (os !== undefined) return os.availableParallelism();
  return (globalThis as { navigator?: Navigator }).navigator?.hardwareConcurrency ?? 1;
}

/** How many threads a large step is run on, and why they are not as many as wanted. */
export interface ThreadsInUse {
  readonly threads: number;
  readonly wanted: number;
  /** `null` where there are as many as wanted. */
  readonly reason: string | null;
}

/** How many threads a large step over a memory is run on. */
export function threadsInUse(memory: WebAssembly.Memory): ThreadsInUse {
  const helpers = mostWorkers();
  const ready = pool?.memory === memory ? pool.ready(helpers) : 0;
  const used = Math.min(ready, pool?.lateness.limit ?? 0);
  const reason = used < helpers ? shortage(memory, ready < helpers) : null;
  return { threads: used + 1, wanted: getNumThreads(), reason };
}

function shortage(memory: WebAssembly.Memory, isStarting: boolean): string {
  if (!isShared(memory)) return "the memory is not shared";
  if (pool?.memory !== memory || pool.failure === null && pool.workers.length === 0) {
    return startsAtOnce() || isInitialised ? "no work was large enough yet"
      : "await init() starts them";
  }
  if (pool.failure !== null) return pool.failure;
  return isStarting ? "workers are starting" : "workers were late: the processors are busy";
}

/** Starts the workers and waits for them. Browsers need it: elsewhere large work starts them. */
export async function initThreads(memory: WebAssembly.Memory): Promise<void> {
  isInitialised = true;
  const workers = poolOf(memory);
  const end = performance.now() + START_TIMEOUT;
  while (workers?.failure === null && workers.ready(mostWorkers()) < mostWorkers() &&
    performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Ends the workers; the next large step starts new ones. */
export function stopThreads(): void {
  pool?.stop("stopped");
  pool = null;
}

/**
 * Runs every call of every step, one step after the other. Calls of one step share the threads, if
 * the memory is shared and workers can run the kernel; when it returns, no thread is in any call.
 * @throws what a call throws; other calls of its step may then be done or not
 */
export function runSteps(memory: WebAssembly.Memory, steps: readonly Step[]): void {
  for (const step of steps) {
    const { kernel, calls } = step;
    const run = instanceOf(kernel, memory);
    const isShareable = calls.length > 1 && !kernel.needsScalars && !step.isInPlace;
    const workers = isShareable ? poolOf(memory) : null;
    if (kernel.usesScratch) {
      const address = scratchOf(memory, 0);
      if (workers !== null) workers.run(step, mostWorkers(), (call) => run(address, ...call));
      else for (const call of calls) run(address, ...call);
    } else if (workers !== null) workers.run(step, mostWorkers(), (call) => run(...call));
    else for (const call of calls) run(...call);
  }
}

function mostWorkers(): number {
  return Math.min(getNumThreads(), MAX_THREADS) - 1;
}

/** The workers of a memory, called into being; `null` where there can be none. */
function poolOf(memory: WebAssembly.Memory): Pool | null {
  const helpers = mostWorkers();
  if (helpers === 0) return null;
  if (pool?.memory !== memory) {
    if (!isShared(memory)) return null;
    pool?.stop("another memory is in use");
    pool = new Pool(memory, (thread) => scratchOf(memory, thread));
  }
  if (startsAtOnce() || isInitialised) pool.start(helpers);
  return pool;
}

function isShared({ buffer }: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer !== "undefined" &&
    (buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
}

const instances = new WeakMap<WebAssembly.Memory, WeakMap<HeapKernel, Run>>();

/** The function of a kernel over a memory, compiled once. */
function instanceOf(kernel: HeapKernel, memory: WebAssembly.Memory): Run {
  let known = instances.get(memory);
  if (known === undefined) instances.set(memory, known = new WeakMap());
  let run = known.get(kernel);
  if (run === undefined) {
    const module = new WebAssembly.Module(kernel.bytes);
    run = new WebAssembly.Instance(module, simdImports(memory)).exports.run as Run;
    known.set(kernel, run);
  }
  return run;
}

interface Scratch {
  readonly allocate: () => number;
  /** By thread, as far as they were needed. */
  readonly addresses: number[];
}

const scratches = new WeakMap<WebAssembly.Memory, Scratch>();

/**
 * Says where scratch memory comes from: `allocate` gives the address of `SCRATCH_BYTES` more, for
 * good, and is called when a thread first needs them.
 */
export function setScratch(memory: WebAssembly.Memory, allocate: () => number): void {
  scratches.set(memory, { allocate, addresses: [] });
}

function scratchOf(memory: WebAssembly.Memory, thread: number): number {
  const scratch = scratches.get(memory);
  if (scratch === undefined) return fail("runSteps", "setScratch was not called for the memory");
  return scratch.addresses[thread] ??= scratch.allocate();
}
