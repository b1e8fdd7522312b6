// The WebAssembly heap: one memory in which kernels compute, as a cache over typed arrays.
//
// Most values live in a ring: what is newest replaces what is oldest, which is copied to its array
// first if nothing newer is there. What is written again and again gets a block of its own.
import { itemSize, type DType, type TypedArray } from "../dtype.ts";
import { SCRATCH_BYTES } from "../kernels/heap-kernel.ts";
import { setScratch } from "../kernels/threads/threads.ts";
import { aligned, Blocks } from "./blocks.ts";
import { copyToHost, newCopy } from "./host-copy.ts";

/** Where the heap keeps an owner's values. */
export interface Slot {
  readonly address: number;
  readonly bytes: number;
  /** Where it lies in the ring, counted from the start of time; -1 for a block of its own. */
  readonly position: number;
}

/** Values that the heap can keep: a `Storage`. */
export interface Owner {
  readonly dtype: DType;
  readonly length: number;
  array: TypedArray | null;
  slot: Slot | null;
  /** Whether the heap's copy is newer than the array. */
  isNewer: boolean;
}

/** What the heap has done, for `memory()`. */
export interface Counters {
  /** Operands of kernels that were found in the heap, and those that were not. */
  hits: number;
  misses: number;
  /** Bytes copied from arrays to the heap, and back. */
  bytesIn: number;
  bytesOut: number;
}

const PAGE = 65536;

/** Bytes of the ring at least; it grows to twice what one operation needs. */
const SMALLEST_RING = 8 * 1024 * 1024;

/** Bytes that the heap may take, unless the user sets another budget. */
export const FIRST_BUDGET = 1024 * 1024 * 1024;

/** The part of the budget that blocks for what stays may take; the rest is for the ring. */
const MOST_RESIDENT = 0.5;

/** Pages that the memory may ever have; fewer where the engine does not reserve so many. */
const MOST_PAGES = [65536, 32768, 16384, 4096];

/** A block for what stays; its address is -1 once it was given back. */
interface Block {
  address: number;
  readonly bytes: number;
}

/** The memory, its views and what lies where. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly isShared: boolean;
  readonly blocks: Blocks;
  readonly counters: Counters = { hits: 0, misses: 0, bytesIn: 0, bytesOut: 0 };
  budget = FIRST_BUDGET;
  /** Bytes of the ring at least: tests take little, so that it soon comes round. */
  smallestRing = SMALLEST_RING;
  /** Bytes that the ring has ever handed out: how much has happened. */
  clock = 0;
  floats!: Float32Array;
  ints!: Int32Array;
  bytes!: Uint8Array;
  /** Bytes that threads compute in. */
  private scratch = 0;
  /** Memory that one operation after the other uses, so that it stays in the processor's caches. */
  private workspaceAddress = 0;
  private workspaceBytes = 0;
  private base = -1;
  private size = 0;
  /** Bytes ever handed out by the ring: a slot is intact while it is less than `size` behind. */
  private head = 0;
  /** Slots of the ring with their owners, oldest first from `oldest` on; before that, `null`. */
  private slots: ({ readonly slot: Slot; readonly owner: Owner } | null)[] = [];
  private oldest = 0;
  /** Blocks of owners that were collected: nobody copies them back. */
  private readonly collected = new FinalizationRegistry<Block>((block) => {
    this.freeBlock(block);
  });
  private readonly blockOf = new WeakMap<Slot, Block>();
  /** Bytes in blocks for what stays. */
  resident = 0;

  constructor(memory: WebAssembly.Memory, isShared: boolean) {
    this.memory = memory;
    this.isShared = isShared;
    this.refreshViews();
    this.blocks = new Blocks(PAGE, (bytes) => this.reach(bytes)); // address 0 stays free
    let own = this.takeScratch(); // of this thread: without it there is no heap at all
    setScratch(memory, () => {
      const address = own >= 0 ? own : this.takeScratch();
      own = -1;
      return address;
    });
  }

  /** Bytes of the ring. */
  get ringBytes(): number { return this.size; }

  /**
   * Makes sure that `bytes` can be taken from the ring in one piece, writing back what lies there.
   * Gives `false` where that is more than the heap can hold.
   */
  prepare(bytes: number): boolean {
    if (bytes * 2 > this.size && !this.growRing(2 ** Math.ceil(Math.log2(bytes * 2))) &&
      bytes > this.size && !this.growRing(aligned(bytes))) return false;
    const left = this.size - this.head % this.size;
    if (left < bytes) this.head += left;
    const end = this.head + bytes;
    while (this.oldest < this.slots.length) {
      if (end - this.slots[this.oldest]!.slot.position <= this.size) break;
      this.passOldest();
    }
    if (this.oldest > 1024 && this.oldest * 2 > this.slots.length) {
      this.slots = this.slots.slice(this.oldest);
      this.oldest = 0;
    }
    return true;
  }

  /** The address of bytes in the ring, after `prepare`; for values that have no owner. */
  take(bytes: number): number {
    const address = this.base + this.head % this.size;
    this.head += aligned(bytes);
    this.clock += aligned(bytes);
    return address;
  }

  /** The address of bytes that are used until the next operation; -1 where there is no room. */
  workspace(bytes: number): number {
    if (bytes > this.workspaceBytes) {
      if (this.workspaceBytes > 0) this.blocks.free(this.workspaceAddress); // it holds nothing now
      this.workspaceBytes = 0;
      const address = this.blocks.take(bytes);
      if (address < 0) return -1;
      [this.workspaceAddress, this.workspaceBytes] = [address, bytes];
    }
    return this.workspaceAddress;
  }

  /** Gives an owner a slot in the ring, after `prepare`. */
  keep(owner: Owner): void {
    const bytes = bytesOf(owner);
    const position = this.head;
    const slot = { address: this.take(bytes), bytes, position };
    owner.slot = slot;
    this.slots.push({ slot, owner });
  }

  /** Gives an owner whose values are in the ring a block of its own, if the budget allows. */
  settle(owner: Owner): void {
    const { slot } = owner;
    if (slot === null || slot.position < 0) return;
    const { bytes } = slot;
    if (this.resident + bytes > this.budget * MOST_RESIDENT) return;
    const address = this.blocks.take(bytes);
    if (address < 0) return;
    this.bytes.copyWithin(address, slot.address, slot.address + bytes);
    const settled = { address, bytes, position: -1 };
    const block = { address, bytes };
    owner.slot = settled;
    this.blockOf.set(settled, block);
    this.collected.register(owner, block, block);
    this.resident += bytes;
  }

  /**
   * A second place for an owner's values, to be given to `move` or `giveUp`: in the ring, after
   * `prepare`, or a block where they have one now. `null` where the budget has no room for it.
   */
  second({ slot }: Owner): Slot | null {
    const { bytes, position } = slot!;
    if (position >= 0) {
      const end = this.head;
      return { address: this.take(bytes), bytes, position: end };
    }
    const address = this.blocks.take(bytes);
    return address < 0 ? null : { address, bytes, position };
  }

  /** Makes a second place an owner's only one. */
  move(owner: Owner, second: Slot): void {
    const block = this.blockOf.get(owner.slot!);
    if (block === undefined) this.slots.push({ slot: second, owner });
    else {
      this.blocks.free(block.address);
      block.address = second.address;
      this.blockOf.set(second, block);
    }
    owner.slot = second;
  }

  /** Gives a second place back. */
  giveUp({ address, position }: Slot): void {
    if (position < 0) this.blocks.free(address);
  }

  /** Copies an owner's values back and gives its block up, if it has one. */
  unsettle(owner: Owner): void {
    if (owner.slot === null || owner.slot.position >= 0) return;
    this.fetch(owner);
    this.forget(owner);
  }

  /** Forgets what the heap has of an owner, without copying it back. */
  forget(owner: Owner): void {
    const { slot } = owner;
    if (slot === null) return;
    owner.slot = null;
    owner.isNewer = false;
    const block = this.blockOf.get(slot);
    if (block === undefined) return;
    this.collected.unregister(block);
    this.freeBlock(block);
  }

  /** Copies an owner's array to its slot. */
  copyIn(owner: Owner): void {
    if (owner.array === null) this.fillZeros(owner.slot!);
    else this.copyRange(owner.slot!.address, owner.array, 0, owner.length);
  }

  /** Copies elements `[from, to)` of an array to the heap. */
  copyRange(address: number, data: TypedArray, from: number, to: number): void {
    const part = from === 0 && to === data.length ? data : data.subarray(from, to);
    this.viewOf(data).set(part, address / data.BYTES_PER_ELEMENT);
    this.counters.bytesIn += part.byteLength;
  }

  /** Copies elements from the heap to an array, from element `at` on. */
  copyOut(address: number, data: TypedArray, at: number, count: number): void {
    const target = data.subarray(at, at + count);
    copyToHost(this.bytes.subarray(address, address + target.byteLength), target);
    this.counters.bytesOut += target.byteLength;
  }

  /** Brings an owner's array up to date. */
  fetch(owner: Owner): void {
    if (!owner.isNewer) return;
    const { array, dtype, slot } = owner;
    const values = this.bytes.subarray(slot!.address, slot!.address + slot!.bytes);
    if (array === null) owner.array = newCopy(values, dtype);
    else copyToHost(values, array);
    this.counters.bytesOut += values.length;
    owner.isNewer = false;
  }

  /** Evicts what is oldest in the ring; nothing keeps it, should nobody else hold it. */
  private passOldest(): void {
    const { slot, owner } = this.slots[this.oldest]!;
    if (owner.slot === slot) {
      this.fetch(owner);
      owner.slot = null;
    }
    this.slots[this.oldest++] = null;
  }

  private freeBlock(block: Block): void {
    if (block.address < 0) return;
    this.blocks.free(block.address);
    this.resident -= block.bytes;
    block.address = -1;
  }

  private fillZeros({ address, bytes }: Slot): void {
    this.bytes.fill(0, address, address + bytes);
  }

  private viewOf(data: TypedArray): TypedArray {
    if (data instanceof Float32Array) return this.floats;
    if (data instanceof Int32Array) return this.ints;
    if (data instanceof Uint8Array) return this.bytes;
    throw new Error("internal: the heap holds no float64");
  }

  private takeScratch(): number {
    this.scratch += SCRATCH_BYTES; // on top of the budget: nothing can be computed without it
    const address = this.blocks.take(SCRATCH_BYTES);
    if (address >= 0) return address;
    this.scratch -= SCRATCH_BYTES;
    throw new RangeError("the engine has no memory for a thread to compute in");
  }

  /** Enlarges the ring, which empties it. */
  private growRing(wanted: number): boolean {
    const size = Math.max(this.smallestRing, wanted);
    const base = this.blocks.take(size);
    if (base < 0) return false;
    try {
      while (this.oldest < this.slots.length) this.passOldest();
    } catch (error) { // there is no memory for an array
      this.blocks.free(base);
      throw error;
    }
    if (this.base >= 0) this.blocks.free(this.base);
    [this.base, this.size, this.head, this.slots, this.oldest] = [base, size, 0, [], 0];
    return true;
  }

  private reach(bytes: number): boolean {
    if (bytes > this.budget + this.scratch) return false;
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return true;
    try {
      this.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      return false; // the engine has no more memory to give
    }
    this.refreshViews();
    return true;
  }

  private refreshViews(): void {
    const { buffer } = this.memory;
    this.floats = new Float32Array(buffer);
    this.ints = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }
}

/** Bytes of an owner's values. */
export function bytesOf({ dtype, length }: Owner): number {
  return length * itemSize(dtype);
}

let heap: Heap | null | undefined;

/** The heap, made by the first operation that needs it; `null` where the engine refuses one. */
export function theHeap(): Heap | null {
  return heap === undefined ? heap = createHeap() : heap;
}

/** The heap if there is one already. */
export function heapInUse(): Heap | null {
  return heap ?? null;
}

/** A new heap, shared between threads where the engine allows that. */
export function createHeap(isShared = typeof SharedArrayBuffer === "function"): Heap | null {
  for (const maximum of MOST_PAGES) {
    try {
      return new Heap(new WebAssembly.Memory({ initial: 2, maximum, shared: isShared }), isShared);
    } catch {
      continue; // so many addresses are not to be had
    }
  }
  return isShared ? createHeap(false) : null;
}
