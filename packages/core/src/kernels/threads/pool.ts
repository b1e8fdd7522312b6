// Workers over one shared memory, and the rule by which they share a step with the caller.
//
// The caller works too, then waits: a step ends when no thread is in any of its calls any more, so
// its memory may be used again at once, and a worker that comes later finds nothing to claim. What
// nobody has claimed is never waited for; what was claimed is, first by spinning for as long as
// calls take, then asleep. A call that throws in a worker is done again by the caller. A worker
// that does not finish in two seconds in which it could have run counts as dead: all workers are
// terminated, its call is done again, and from then on everything runs in one thread. Should it
// merely have had no processor for so long, the engine ends it at its next branch.
import type { Call, HeapKernel, Step } from "../heap-kernel.ts";
import { CodeArea } from "./code-area.ts";
import {
  at, claim, CODE_BYTES, createControl, MAX_ARGUMENTS, MAX_CALLS, own, wordsOf,
} from "./control.ts";
import { Lateness } from "./lateness.ts";
import { launch, type WorkerHandle } from "./launch.ts";

/** Milliseconds for which the caller spins, besides the time of two of its own calls. */
const SPIN = 0.05;

/** Milliseconds of a sleep, and how many of them until a worker counts as dead. */
const SLICE = 10;
const PATIENCE = 200;

/** Marks of batches count up to this, then from 1 again. */
const LAST_MARK = 2 ** 30;

/** A worker, and where its own words begin. */
interface Member extends WorkerHandle {
  readonly line: number;
}

/** The workers of a memory. */
export class Pool {
  readonly memory: WebAssembly.Memory;
  readonly workers: Member[] = [];
  /** Why no worker can be used any more; `null` while they can. */
  failure: string | null = null;
  readonly lateness = new Lateness();
  private readonly scratch: (thread: number) => number;
  private readonly control = createControl();
  private readonly code = new CodeArea(this.control.code);
  private mark = 0;

  /** `scratch` gives the address of a thread's scratch memory; the caller is thread 0. */
  constructor(memory: WebAssembly.Memory, scratch: (thread: number) => number) {
    this.memory = memory;
    this.scratch = scratch;
  }

  /** Starts workers until there are `count`, without waiting for them. */
  start(count: number): void {
    while (this.workers.length < count && this.failure === null) {
      const line = wordsOf(this.workers.length);
      try {
        const handle = launch({ ...this.control, memory: this.memory, line },
          (reason) => this.fail(`a worker ended: ${reason}`));
        this.workers.push({ line, terminate: () => handle.terminate() });
      } catch (error) {
        this.stop(`no worker can be started: ${String(error)}`);
      }
    }
  }

  /** Number of workers that can be called, of the first `most`. */
  ready(most: number): number {
    if (this.failure !== null) return 0;
    const last = Math.min(most, this.workers.length);
    let count = 0;
    while (count < last && this.isReady(this.workers[count])) count++;
    return count;
  }

  private isReady({ line }: Member): boolean {
    return Atomics.load(this.control.words, line + own.isReady) === 1;
  }

  /** Ends all workers for good. */
  stop(reason: string): void {
    this.failure ??= reason;
    for (const worker of this.workers) worker.terminate();
  }

  private fail(reason: string): void {
    if (this.failure !== null) return;
    this.stop(reason);
    console.warn(`chainrule: ${reason}; everything runs in one thread from here on`);
  }

  /** Runs a step in this thread and at most `most` workers; `perform` runs a call in this one. */
  run({ kernel, calls }: Step, most: number, perform: (call: Call) => void): void {
    const size = Math.min(MAX_CALLS, Math.floor(MAX_ARGUMENTS / Math.max(1, calls[0].length)));
    const isShared = size > 1 && kernel.bytes.length <= CODE_BYTES;
    for (let from = 0; from < calls.length; from += size) {
      const batch = calls.length <= size ? calls : calls.slice(from, from + size);
      const ready = isShared ? this.ready(Math.min(most, batch.length - 1)) : 0;
      const punctual = ready === 0 ? 0 : this.lateness.helpers(ready, performance.now());
      const helpers = kernel.usesScratch ? this.withScratch(punctual) : punctual;
      if (helpers > 0) this.share(kernel, batch, helpers, perform);
      else for (const call of batch) perform(call);
    }
  }

  /** Of so many workers, those that there is scratch memory for. */
  private withScratch(most: number): number {
    for (let count = 0; count < most; count++) {
      try {
        this.scratch(count + 1);
      } catch {
        return count; // the engine has no more memory to give
      }
    }
    return most;
  }

  private share(
    kernel: HeapKernel, calls: readonly Call[], helpers: number, perform: (call: Call) => void,
  ): void {
    const { words, done } = this.control;
    const start = performance.now();
    this.publish(kernel, calls, helpers);
    let performed = 0;
    let index = 0;
    try {
      for (; index >= 0; index = claim(words), performed++) {
        perform(calls[index]);
        done[index] = this.mark;
      }
    } catch (error) { // leaves only when no worker is in the step
      const unclaimed = Atomics.exchange(words, at.unclaimed, 0);
      done.fill(this.mark, calls.length - unclaimed, calls.length);
      done[index] = this.mark;
      this.join(calls.length, helpers, 0);
      throw error;
    }
    const pace = (performance.now() - start) / performed;
    for (const lost of this.join(calls.length, helpers, pace)) perform(calls[lost]);
  }

  /** Describes a batch, whose first call is the caller's, and calls workers for the others. */
  private publish(kernel: HeapKernel, calls: readonly Call[], helpers: number): void {
    const { words, done, args } = this.control;
    const arity = calls[0].length;
    if (this.mark === LAST_MARK) {
      done.fill(0);
      this.mark = 0;
    }
    words[at.mark] = ++this.mark;
    words[at.count] = calls.length;
    words[at.arity] = arity;
    this.code.describe(kernel, words);
    for (let i = 0, next = 0; i < calls.length; i++) {
      for (let k = 0; k < arity; k++) args[next++] = calls[i][k];
    }
    if (kernel.usesScratch) {
      for (let k = 0; k < helpers; k++) {
        words[this.workers[k].line + own.scratch] = this.scratch(k + 1);
      }
    }
    Atomics.store(words, at.unclaimed, calls.length - 1);
    for (let k = 0; k < helpers; k++) {
      const { line } = this.workers[k];
      Atomics.add(words, line + own.wake, 1);
      if (Atomics.exchange(words, line + own.sleeps, 0) === 1) {
        Atomics.notify(words, line + own.wake);
      }
    }
  }

  /** Waits until workers are in no call any more, and gives the calls that must be done again. */
  private join(count: number, helpers: number, pace: number): number[] {
    const { done } = this.control;
    const lost: number[] = [];
    let due = 0;
    let sleeps = PATIENCE;
    for (let i = 0; i < count; i++) {
      if (Atomics.load(done, i) === this.mark) continue;
      due ||= performance.now() + 2 * pace;
      if (!this.spin(i, due + SPIN)) sleeps = this.sleep(i, sleeps);
      if (Atomics.load(done, i) !== this.mark) lost.push(i);
    }
    if (due > 0) this.lateness.lose(performance.now() - due, helpers);
    if (sleeps < 0) this.fail("a worker did not finish its work");
    return lost;
  }

  /** Whether a call has been done, well or not. */
  private isOver(index: number): boolean {
    return Math.abs(Atomics.load(this.control.done, index)) === this.mark;
  }

  private spin(index: number, end: number): boolean {
    do {
      for (let i = 0; i < 50; i++) if (this.isOver(index)) return true;
    } while (performance.now() < end);
    return false;
  }

  /** Sleeps until a call is over; gives the sleeps that are left, −1 if it never was. */
  private sleep(index: number, sleeps: number): number {
    const { words, done } = this.control;
    Atomics.store(words, at.callerSleeps, 1);
    for (; sleeps >= 0; sleeps--) {
      const seen = Atomics.load(done, index);
      if (Math.abs(seen) === this.mark) break;
      if (maySleep()) Atomics.wait(done, index, seen, SLICE);
      else this.spin(index, performance.now() + SLICE);
    }
    Atomics.store(words, at.callerSleeps, 0);
    return sleeps;
  }
}

let sleeping: boolean | undefined;

/** Whether this thread may sleep: that of a web page may not. */
function maySleep(): boolean {
  if (sleeping === undefined) {
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
      sleeping = true;
    } catch {
      sleeping = false;
    }
  }
  return sleeping;
}
