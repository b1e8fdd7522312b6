// Code of kernels where workers find it: a worker in `Atomics.wait` receives no messages.
import type { HeapKernel } from "../heap-kernel.ts";
import { at } from "./control.ts";

/** A kernel's number, and where its code lies if that was put there since the last clearing. */
interface Entry {
  readonly id: number;
  start: number;
  clearing: number;
}

/** Code put one behind the other; when the area is full it starts anew. */
export class CodeArea {
  private readonly code: Uint8Array;
  private readonly entries = new WeakMap<HeapKernel, Entry>();
  private ids = 0;
  private used = 0;
  private clearings = 0;

  constructor(code: Uint8Array) {
    this.code = code;
  }

  /**
   * Describes a kernel in the words of a batch. No thread may be in a batch; the code must not be
   * longer than the area. Its number stays the same, so workers compile it once.
   */
  describe(kernel: HeapKernel, words: Int32Array): void {
    let entry = this.entries.get(kernel);
    if (entry === undefined) {
      this.entries.set(kernel, entry = { id: ++this.ids, start: 0, clearing: -1 });
    }
    if (entry.clearing !== this.clearings) this.put(kernel.bytes, entry);
    words[at.kernel] = entry.id;
    words[at.codeStart] = entry.start;
    words[at.codeBytes] = kernel.bytes.length;
    words[at.usesScratch] = kernel.usesScratch ? 1 : 0;
  }

  private put(bytes: Uint8Array, entry: Entry): void {
    if (this.used + bytes.length > this.code.length) {
      this.used = 0;
      this.clearings++;
    }
    this.code.set(bytes, this.used);
    entry.start = this.used;
    entry.clearing = this.clearings;
    this.used += bytes.length;
  }
}
