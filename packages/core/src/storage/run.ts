// Running pointwise programs over storages: in WebAssembly where that pays, else in JavaScript.
import { collapse, signature, type Loops, type Operand } from "../kernels/operand.ts";
import { runPointwise, type PointwiseProgram } from "../kernels/pointwise.ts";
import {
  instantiateSimd, runSimd, simdKernel, simdPattern, type SimdKernel, type SimdRun,
} from "../kernels/pointwise-simd.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { hasSimd } from "../wasm/features.ts";
import { copyIn, copyOut, isIntact, reserve, slotBytes, theHeap, type Heap } from "./heap.ts";
import type { Storage } from "./storage.ts";

/** Memory of a tensor: an operand that knows its storage. */
export interface Placed extends Operand {
  readonly storage: Storage;
}

/** Elements from which the heap pays for its copies: `exp` is then 3 times as fast. */
const SMALLEST = 2048;

/** Elements of the innermost loop below which calls cost more than four lanes gain. */
const SHORTEST = 16;

/** Elements in memory per element used beyond which copying costs more than it gains. */
const SPARSEST = 8;

/**
 * Runs a program over `shape`; see `runPointwise`. Which path runs depends on sizes, dtypes and the
 * engine, never on where the values happen to lie.
 */
export function runProgram(
  program: PointwiseProgram, shape: Shape,
  outputs: readonly Placed[], inputs: readonly Placed[], scalars: readonly number[],
): void {
  const count = numel(shape);
  const done = count >= SMALLEST && hasSimd() &&
    runInHeap(program, shape, count, outputs, inputs, scalars);
  if (done) return;
  for (const { storage } of outputs) storage.position = -1;
  runPointwise(program, shape, outputs, inputs, scalars);
}

/** Where an operand lies in its array, and where in the ring. */
interface Slot {
  readonly operand: Placed;
  readonly from: number;
  readonly to: number;
  readonly isWhole: boolean;
  address: number;
}

function runInHeap(
  program: PointwiseProgram, shape: Shape, count: number,
  outputs: readonly Placed[], inputs: readonly Placed[], scalars: readonly number[],
): boolean {
  const operands = [...outputs, ...inputs];
  const loops = collapse(shape, operands);
  if (loops.shape[loops.shape.length - 1] < SHORTEST) return false;
  const pattern = simdPattern(signature(operands), loops);
  if (pattern === null) return false;
  const slots = operands.map((operand, k) => slotOf(operand, loops, k));
  for (let k = 0; k < outputs.length; k++) {
    if (slots[k].to - slots[k].from !== count) return false; // gaps would be overwritten
  }
  if (slots.some(({ from, to }) => to - from > SPARSEST * count)) return false;
  const heap = theHeap();
  const bytes = slots.reduce((sum, slot) => sum + bytesOf(slot), 0);
  let position = reserve(heap, bytes);
  if (position === false) return false;
  const kernel = simdKernel(program, pattern, false);
  const run = instance(kernel, heap);
  for (let k = slots.length - 1; k >= 0; k--) { // inputs first: outputs may be among them
    const slot = slots[k];
    if (k < outputs.length && shareAddress(slot, slots, outputs.length)) continue;
    place(heap, slot, position, k >= outputs.length);
    position += bytesOf(slot);
  }
  runSimd(kernel, run, loops, slots.map(firstElement), scalars);
  for (let k = 0; k < outputs.length; k++) finish(heap, slots[k], count);
  return true;
}

function slotOf(operand: Placed, { shape, strides }: Loops, k: number): Slot {
  let [from, to] = [operand.offset, operand.offset + 1];
  strides[k].forEach((stride, dim) => {
    if (stride < 0) from += (shape[dim] - 1) * stride;
    else to += (shape[dim] - 1) * stride;
  });
  return { operand, from, to, isWhole: from === 0 && to === operand.data.length, address: -1 };
}

function bytesOf({ operand, from, to }: Slot): number {
  return slotBytes((to - from) * operand.data.BYTES_PER_ELEMENT);
}

/** Finds an operand in the ring, or gives it a place there and copies what will be read. */
function place(heap: Heap, slot: Slot, position: number, isRead: boolean): void {
  const { storage, data } = slot.operand;
  if (isRead && isIntact(heap, storage.position)) {
    slot.address = storage.position % heap.size + slot.from * data.BYTES_PER_ELEMENT;
    return;
  }
  slot.address = position % heap.size;
  if (isRead) copyIn(heap, slot.address, data, slot.from, slot.to);
  if (slot.isWhole) storage.position = position;
}

/** An output that is also an input is written where it is read. */
function shareAddress(slot: Slot, slots: readonly Slot[], outputs: number): boolean {
  const same = slots.find(({ operand, from }, k) =>
    k >= outputs && operand.storage === slot.operand.storage && from === slot.from);
  if (same === undefined) return false;
  slot.address = same.address;
  return true;
}

function firstElement({ operand, from, address }: Slot): number {
  return address + (operand.offset - from) * operand.data.BYTES_PER_ELEMENT;
}

/** Copies a result to its array: the heap only caches it. */
function finish(heap: Heap, slot: Slot, count: number): void {
  const { operand: { storage, data }, from, address } = slot;
  copyOut(heap, address, data, from, count);
  if (slot.isWhole) return;
  storage.position = -1;
}

const instances = new WeakMap<SimdKernel, SimdRun>();

function instance(kernel: SimdKernel, heap: Heap): SimdRun {
  let run = instances.get(kernel);
  if (run === undefined) instances.set(kernel, run = instantiateSimd(kernel, heap.memory));
  return run;
}
