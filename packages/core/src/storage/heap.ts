// The WebAssembly heap as a cache over storages: a ring in which newer values replace the oldest.
//
// Values belong to their typed arrays, which the garbage collector owns. What a kernel reads or
// writes is copied into the ring; it stays readable there until the ring has come round.
import type { TypedArray } from "../dtype.ts";

/** Bytes of the ring at first; it grows to four times what one operation needs. */
const FIRST_SIZE = 8 * 1024 * 1024;

/** Largest size: an operation on more than a quarter of it is left to JavaScript. */
const LAST_SIZE = 512 * 1024 * 1024;

const PAGE = 65536;

/** The ring and the views of its memory. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  floats: Float32Array;
  bytes: Uint8Array;
  /** Bytes in use by the ring. */
  size: number;
  /** Bytes ever handed out: a slot is intact while it lies less than `size` behind. */
  head: number;
}

let heap: Heap | null = null;

/** The heap, made by the first operation that needs it. */
export function theHeap(): Heap {
  return heap ??= createHeap();
}

/** A new ring, with nothing in it. */
export function createHeap(): Heap {
  const memory = new WebAssembly.Memory({
    initial: FIRST_SIZE / PAGE, maximum: LAST_SIZE / PAGE,
  });
  return {
    memory, floats: new Float32Array(memory.buffer), bytes: new Uint8Array(memory.buffer),
    size: FIRST_SIZE, head: 0,
  };
}

/** Bytes of a slot: a multiple of 16, so that vectors of neighbours do not share a line. */
export function slotBytes(bytes: number): number {
  return (bytes + 15) & ~15;
}

/**
 * Makes room for `bytes` in one piece and gives the position of the first; `false` where an
 * operation is too large for the heap. Positions count up for ever; `position % size` is the
 * address.
 */
export function reserve(heap: Heap, bytes: number): number | false {
  if (bytes > LAST_SIZE / 4) return false;
  if (bytes > heap.size / 4 && !grow(heap, bytes * 4)) return false;
  const left = heap.size - (heap.head % heap.size);
  const start = left < bytes ? heap.head + left : heap.head;
  heap.head = start + bytes;
  return start;
}

/** Enlarges the ring; all that was in it is forgotten. */
function grow(heap: Heap, wanted: number): boolean {
  const size = Math.min(LAST_SIZE, 2 ** Math.ceil(Math.log2(wanted)));
  try {
    heap.memory.grow((size - heap.size) / PAGE);
  } catch {
    return false; // the engine has no more memory to give
  }
  heap.floats = new Float32Array(heap.memory.buffer);
  heap.bytes = new Uint8Array(heap.memory.buffer);
  heap.head = (Math.ceil(heap.head / size) + 1) * size; // more than `size` beyond every slot
  heap.size = size;
  return true;
}

/** Whether what was put at a position is still there. */
export function isIntact({ head, size }: Heap, position: number): boolean {
  return position >= 0 && head - position <= size;
}

/** Copies part of an array into the ring. */
export function copyIn(
  heap: Heap, address: number, data: TypedArray, from: number, to: number,
): void {
  if (data instanceof Float32Array) heap.floats.set(data.subarray(from, to), address / 4);
  else heap.bytes.set(data.subarray(from, to), address);
}

/** Copies a result out of the ring. */
export function copyOut(
  heap: Heap, address: number, data: TypedArray, at: number, count: number,
): void {
  if (data instanceof Float32Array) {
    data.set(heap.floats.subarray(address / 4, address / 4 + count), at);
  } else data.set(heap.bytes.subarray(address, address + count), at);
}
