// Bringing the operands of one operation into the heap together, and results out of it.
import { itemSize } from "../dtype.ts";
import type { Step } from "../kernels/heap-kernel.ts";
import type { Operand } from "../kernels/operand.ts";
import { SHAREABLE } from "../kernels/pointwise-simd.ts";
import { getNumThreads, runSteps } from "../kernels/threads/threads.ts";
import type { Shape } from "../shape/dims.ts";
import { BatchedStorage, isBatching } from "./batched.ts";
import { aligned } from "./blocks.ts";
import { bytesOf, type Heap, type Slot } from "./heap.ts";
import type { Storage } from "./storage.ts";

/** Memory of a tensor: an operand that knows its storage. */
export class Placed implements Operand {
  readonly storage: Storage;
  readonly offset: number;
  readonly strides: readonly number[];

  constructor(storage: Storage, strides: readonly number[], offset: number) {
    if (isBatching && storage instanceof BatchedStorage) storage.refuse();
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

/**
 * Rewrites by kernels after which values get a block of their own: parameters, not activations.
 * Of rewrites that follow each other while less than half of the ring is used, one counts, so that
 * sums of many parts do not get blocks, which only come back when the event loop runs.
 */
const SETTLED_AFTER = 4;

/** The part of a storage that one operand reads or writes: elements `[from, to)`. */
export interface Region {
  readonly operand: Placed;
  readonly from: number;
  readonly to: number;
  /** Different elements among them. */
  readonly count: number;
}

/** The part of an operand's storage that loops over `shape` reach. */
export function regionOf(
  operand: Placed, shape: Shape, strides: readonly number[] = operand.strides,
): Region {
  let [from, to] = [operand.offset, operand.offset + 1];
  let count = 1;
  for (let dim = 0; dim < shape.length; dim++) {
    const stride = strides[dim];
    if (stride === 0) continue;
    const reach = (shape[dim] - 1) * stride;
    count *= shape[dim];
    if (reach < 0) from += reach;
    else to += reach;
  }
  return { operand, from, to, count };
}

/** What one operand needs. */
interface Need {
  readonly region: Region;
  /** Whether the whole storage is brought in, so that it is found there the next time. */
  readonly isWhole: boolean;
  address: number;
  /** Where a result that is also an input is written, if not over the input. */
  second: Slot | null;
}

/** Operands in the heap. */
export interface Placement {
  /** Addresses of the first elements, in bytes, of outputs and inputs. */
  readonly addresses: readonly number[];
  /** Address of the workspace that was asked for. */
  readonly workspace: number;
  /** Runs kernels and marks results as written. */
  run(steps: () => readonly Step[]): void;
}

/**
 * Brings operands into the heap; outputs without gaps are not read first. Gives `null` where the
 * heap can't hold them together.
 */
export function place(
  heap: Heap, outputs: readonly Region[], inputs: readonly Region[], workspaceBytes = 0,
): Placement | null {
  const results = outputs.map(needOf);
  const sources = inputs.map(needOf);
  const all = results.concat(sources);
  const workspace = workspaceBytes > 0 ? heap.workspace(workspaceBytes) : 0;
  if (workspace < 0 || !heap.prepare(all.reduce((sum, need) => sum + bytesNeeded(need), 0))) {
    return null;
  }
  for (const need of sources) bringIn(heap, need, true);
  for (const need of results) {
    const same = sources.find(({ region }) => isSame(region, need.region));
    if (same === undefined) bringIn(heap, need, hasGaps(need));
    else rewrite(heap, need, same.address);
  }
  return {
    addresses: all.map(({ region: { operand: { storage, offset }, from }, address }) =>
      address + (offset - from) * itemSize(storage.dtype)),
    workspace,
    run(steps) {
      try {
        runSteps(heap.memory, steps());
      } catch (error) {
        for (const need of results) abandon(heap, need);
        throw error;
      }
      for (const need of results) finish(heap, need);
    },
  };
}

function needOf(region: Region): Need {
  const { operand: { storage }, from, to } = region;
  const isWhole = storage.slot !== null || (to - from) * 2 >= storage.length;
  return { region, isWhole, address: -1, second: null };
}

function isSame(a: Region, b: Region): boolean {
  return a.operand.storage === b.operand.storage && a.from === b.from && a.to === b.to;
}

function bytesNeeded({ region: { operand: { storage }, from, to }, isWhole }: Need): number {
  if (storage.slot !== null && storage.slot.position < 0) return 0; // has a block of its own
  return aligned(isWhole ? bytesOf(storage) : (to - from) * itemSize(storage.dtype));
}

/** Whether elements of an output lie between those that are written, or around them. */
function hasGaps({ region: { operand: { storage }, from, to, count }, isWhole }: Need): boolean {
  return count < (isWhole ? storage.length : to - from);
}

/** Finds an operand in the heap, or copies it there. */
function bringIn(heap: Heap, need: Need, isRead: boolean): void {
  const { operand: { storage }, from, to } = need.region;
  const size = itemSize(storage.dtype);
  if (storage.slot !== null) {
    heap.counters.hits++;
    need.address = storage.slot.address + from * size;
  } else if (need.isWhole) {
    heap.counters.misses++;
    storage.demand();
    heap.keep(storage);
    if (isRead) heap.copyIn(storage);
    need.address = storage.slot!.address + from * size;
  } else {
    heap.counters.misses++;
    need.address = heap.take((to - from) * size);
    if (isRead) heap.copyRange(need.address, storage.values, from, to);
  }
}

/**
 * Finds a place for a result that is also an input. Threads need another one for it: what is
 * written over its input can't be done again, should a thread be lost. One thread writes in place.
 */
function rewrite(heap: Heap, need: Need, address: number): void {
  const { operand: { storage }, count, from } = need.region;
  need.address = address;
  if (count !== storage.length || storage.slot === null || !isShareable(heap, count)) return;
  need.second = heap.second(storage);
  if (need.second !== null) need.address = need.second.address + from * itemSize(storage.dtype);
}

/** Whether so many elements are divided among threads. */
function isShareable(heap: Heap, count: number): boolean {
  return heap.isShared && count >= SHAREABLE && getNumThreads() > 1;
}

/** Marks a result as newer than its array, or copies the part that was written there. */
function finish(heap: Heap, need: Need): void {
  const { region: { operand: { storage }, from, to }, address, second } = need;
  if (storage.slot === null) {
    heap.copyOut(address, storage.data, from, to - from);
    return;
  }
  if (second !== null) heap.move(storage, second);
  storage.isNewer = true;
  if (heap.clock - storage.rewrittenAt < heap.ringBytes / 2) return;
  storage.rewrittenAt = heap.clock;
  if (++storage.rewrites > SETTLED_AFTER) heap.settle(storage);
}

/** What a kernel that failed has left in the heap is no result: the array holds, if it is newer. */
function abandon(heap: Heap, { region: { operand: { storage } }, second }: Need): void {
  if (second !== null) heap.giveUp(second);
  else if (!storage.isNewer) heap.forget(storage);
}
