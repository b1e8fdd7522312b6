// The heap: a ring that writes back what it overwrites, and blocks for what stays.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Blocks } from "../../src/storage/blocks.ts";
import { createHeap, type Heap, type Owner } from "../../src/storage/heap.ts";

/** An owner of float32 values, of which the heap's copy is newer once `write` was called. */
function owner(length: number): Owner {
  return { dtype: "float32", length, array: null, slot: null, isNewer: false };
}

function write(heap: Heap, one: Owner, value: number): void {
  if (one.slot === null) {
    expect(heap.prepare(one.length * 4 + 64)).toBe(true);
    heap.keep(one);
  }
  const first = one.slot!.address / 4;
  heap.floats.fill(value, first, first + one.length);
  one.isNewer = true;
}

function read(heap: Heap, one: Owner): number[] {
  heap.fetch(one);
  return [...new Set(one.array!)];
}

describe.each([true, false])("shared: %s", (isShared) => {
  test("whatever is written, settled, read and forgotten, every owner keeps its value", () => {
    const steps = fc.array(fc.tuple(fc.nat(5), fc.nat(19), fc.integer({ min: 1, max: 999 })),
      { maxLength: 60 });
    fc.assert(fc.property(steps, (list) => {
      const heap = createHeap(isShared)!;
      expect(heap.isShared).toBe(isShared);
      const owners: Owner[] = [];
      const values: number[] = [];
      for (const [kind, at, value] of list) {
        const k = at % Math.max(owners.length, 1);
        if (kind <= 2 || owners.length === 0) {
          owners.push(owner(value * 500)); // up to 2 MB, so that the ring comes round
          values.push(value);
          write(heap, owners.at(-1)!, value);
        } else if (kind === 3) {
          write(heap, owners[k]!, value);
          values[k] = value;
        } else if (kind === 4) heap.settle(owners[k]!);
        else {
          expect(read(heap, owners[k]!)).toEqual([values[k]]);
          heap.forget(owners[k]!);
        }
      }
      owners.forEach((one, k) => expect(read(heap, one)).toEqual([values[k]]));
    }), { numRuns: 30 });
  });
});

test("grows to twice what is asked for, and keeps all values", () => {
  const heap = createHeap(false)!;
  const small = owner(1000);
  write(heap, small, 7);
  const before = heap.ringBytes;
  const large = owner(before / 4 - 64); // in floats: as large as the ring
  write(heap, large, 9);
  expect(heap.ringBytes).toBe(2 * before);
  expect(small.slot).toBe(null);
  expect([read(heap, small), read(heap, large)]).toEqual([[7], [9]]);
});

test("what is settled stays where it is while the ring comes round", () => {
  const heap = createHeap(false)!;
  const settled = owner(5000);
  write(heap, settled, 3);
  heap.settle(settled);
  const { address } = settled.slot!;
  for (let k = 0; k < 40; k++) write(heap, owner(100_000), k);
  expect(settled.slot!.address).toBe(address);
  expect(settled.array).toBe(null);
  expect(read(heap, settled)).toEqual([3]);
  expect(heap.resident).toBe(20_000);
  heap.forget(settled);
  expect(heap.resident).toBe(0);
});

test("keeps within its budget", () => {
  const heap = createHeap(false)!;
  heap.budget = 16 * 1024 * 1024;
  expect(heap.prepare(2 ** 20)).toBe(true);
  expect(heap.prepare(2 ** 25)).toBe(false);
  const settled = owner(2 ** 20);
  write(heap, settled, 1);
  heap.settle(settled); // 4 MB still fit
  expect(settled.slot!.position).toBe(-1);
  const next = owner(2 ** 20);
  write(heap, next, 2);
  heap.settle(next);
  expect(next.slot!.position).toBeGreaterThanOrEqual(0); // no room: it stays in the ring
  expect(heap.memory.buffer.byteLength).toBeLessThanOrEqual(heap.budget);
});

test("refuses float64, which kernels have no code for", () => {
  const heap = createHeap(false)!;
  expect(() => heap.copyRange(64, new Float64Array(3), 0, 3)).toThrow("float64");
});

describe("blocks", () => {
  test("never overlap, and are used again", () => {
    const step = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 1000 }));
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const most = 40_000;
      const blocks = new Blocks(64, (bytes) => bytes <= most);
      const held = new Map<number, number>();
      for (const [isTaken, size] of steps) {
        if (isTaken) {
          const address = blocks.take(size);
          if (address < 0) continue;
          expect(address % 64).toBe(0);
          expect(address + size).toBeLessThanOrEqual(most);
          for (const [other, bytes] of held) {
            expect(address >= other + bytes || other >= address + size).toBe(true);
          }
          held.set(address, size);
        } else {
          const [address] = [...held.keys()];
          if (address === undefined) continue;
          held.delete(address);
          blocks.free(address);
        }
      }
      for (const address of held.keys()) blocks.free(address);
      expect(blocks.used).toBe(0);
      expect(blocks.take(most - 64)).toBe(64); // all gaps have become one
    }));
  });

  test("can't be freed twice", () => {
    const blocks = new Blocks(0, () => true);
    const address = blocks.take(10);
    blocks.free(address);
    expect(() => blocks.free(address)).toThrow("no block");
  });
});
