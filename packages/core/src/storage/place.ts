// Bringing the operands of one operation into the heap together, and results out of it.
import { itemSize } from "../dtype.ts";
import type { Loops, Operand } from "../kernels/operand.ts";
import { aligned } from "./blocks.ts";
import { bytesOf, type Heap } from "./heap.ts";
import type { Storage } from "./storage.ts";

/** Memory of a tensor: an operand that knows its storage. */
export class Placed implements Operand {
  readonly storage: Storage;
  readonly offset: number;
  readonly strides: readonly number[];

  constructor(storage: Storage, strides: readonly number[], offset: number) {
    this.storage = storage;
    this.strides = strides;
    this.offset = offset;
  }

  /** The array, for the JavaScript kernels; for outputs see `forHost`. */
  get data() { return this.storage.values; }
}

/** Readies outputs for JavaScript kernels: what the heap has of them is forgotten. */
export function forHost(outputs: readonly Placed[]): void {
  for (const { storage } of outputs) void storage.data;
}

/** Rewrites by kernels after which values get a block of their own: parameters, not activations. */
const SETTLED_AFTER = 4;

/** What one operand needs: elements `[from, to)` of its storage. */
interface Need {
  readonly operand: Placed;
  readonly from: number;
  readonly to: number;
  /** Whether the whole storage is brought in, so that it is found there the next time. */
  readonly isWhole: boolean;
  address: number;
}

/** Operands in the heap. */
export interface Placement {
  /** Addresses of the first elements, in bytes, of outputs and inputs. */
  readonly addresses: readonly number[];
  /** Address of the workspace that was asked for. */
  readonly workspace: number;
  /** Marks results as written. */
  finish(): void;
}

/**
 * Brings operands into the heap. `loops` cover all that is read and written; outputs without gaps
 * are not read first. Gives `null` where the heap can't hold them together.
 */
export function place(
  heap: Heap, loops: readonly Loops[], outputs: readonly Placed[], inputs: readonly Placed[],
  workspaceBytes = 0,
): Placement | null {
  const needs: Need[] = [];
  let bytes = aligned(workspaceBytes);
  for (let k = 0; k < outputs.length + inputs.length; k++) {
    const need = needOf(k < outputs.length ? outputs[k] : inputs[k - outputs.length], loops, k);
    needs.push(need);
    bytes += bytesNeeded(need);
  }
  if (!heap.prepare(bytes)) return null;
  for (let k = outputs.length; k < needs.length; k++) bringIn(heap, needs[k], true);
  for (let k = 0; k < outputs.length; k++) {
    const same = needs.find((other, i) => i >= outputs.length &&
      other.operand.storage === needs[k].operand.storage && other.from === needs[k].from);
    if (same === undefined) bringIn(heap, needs[k], hasGaps(needs[k], loops, k));
    else needs[k].address = same.address;
  }
  return {
    addresses: needs.map(({ operand: { storage, offset }, from, address }) =>
      address + (offset - from) * itemSize(storage.dtype)),
    workspace: workspaceBytes > 0 ? heap.take(workspaceBytes) : 0,
    finish: () => { for (let k = 0; k < outputs.length; k++) finish(heap, needs[k]); },
  };
}

function needOf(operand: Placed, loops: readonly Loops[], k: number): Need {
  let [from, to] = [operand.offset, operand.offset + 1];
  for (const { shape, strides } of loops) {
    for (let dim = 0; dim < shape.length; dim++) {
      const reach = (shape[dim] - 1) * strides[k][dim];
      if (reach < 0) from += reach;
      else to += reach;
    }
  }
  const { storage } = operand;
  const isWhole = storage.slot !== null || (to - from) * 2 >= storage.length;
  return { operand, from, to, isWhole, address: -1 };
}

function bytesNeeded({ operand: { storage }, from, to, isWhole }: Need): number {
  return aligned(isWhole ? bytesOf(storage) : (to - from) * itemSize(storage.dtype));
}

/** Whether elements of an output lie between those that are written, or around them. */
function hasGaps({ operand: { storage }, from, to, isWhole }: Need, loops: readonly Loops[],
  k: number): boolean {
  let written = 1;
  for (const { shape, strides } of loops) {
    shape.forEach((size, dim) => { if (strides[k][dim] !== 0) written *= size; });
  }
  return written < (isWhole ? storage.length : to - from);
}

/** Finds an operand in the heap, or copies it there. */
function bringIn(heap: Heap, need: Need, isRead: boolean): void {
  const { operand: { storage }, from, to } = need;
  const size = itemSize(storage.dtype);
  if (storage.slot !== null) {
    heap.counters.hits++;
    need.address = storage.slot.address + from * size;
  } else if (need.isWhole) {
    heap.counters.misses++;
    heap.keep(storage);
    if (isRead) heap.copyIn(storage);
    need.address = storage.slot!.address + from * size;
  } else {
    heap.counters.misses++;
    need.address = heap.take((to - from) * size);
    if (isRead) heap.copyRange(need.address, storage.values, from, to);
  }
}

/** Marks a result as newer than its array, or copies the part that was written there. */
function finish(heap: Heap, { operand: { storage }, from, to, address }: Need): void {
  if (storage.slot === null) {
    heap.copyOut(address, storage.data, from, to - from);
    return;
  }
  storage.isNewer = true;
  if (++storage.rewrites > SETTLED_AFTER) heap.settle(storage);
}
