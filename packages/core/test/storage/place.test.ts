// What the heap keeps and gives up: for whom, for how long, and when a kernel fails.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { full, getNumThreads, noGrad, ones, randn, setNumThreads, zeros, type Tensor }
  from "../../src/index.ts";
import { SCRATCH_BYTES } from "../../src/kernels/heap-kernel.ts";
import { createHeap, theHeap, type Owner } from "../../src/storage/heap.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const heap = theHeap()!;

/** Lets the engine collect what nobody holds, and report it. */
async function collected(): Promise<void> {
  for (let k = 0; k < 3; k++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}

function owner(length: number): Owner {
  return { dtype: "float32", length, array: null, slot: null, isNewer: false };
}

const isSettled = ({ storage }: Tensor) => (storage.slot?.position ?? 0) < 0;

/** Takes the whole ring, as work on other tensors does. */
function comeRound(): void {
  const others = zeros([2 ** 18]);
  for (let k = 0; k <= heap.ringBytes / 2 ** 20; k++) others.add(1);
}

function rewriteOften(target: Tensor): void {
  for (let k = 0; k < 8; k++) {
    noGrad(() => target.add_(1));
    comeRound();
  }
}

afterEach(() => vi.restoreAllMocks());

test("what the ring has passed is kept by nobody", async () => {
  const small = createHeap(false)!;
  let made: WeakRef<Owner>[] = [];
  const write = () => {
    const one = owner(2 ** 20);
    small.prepare(2 ** 22);
    small.keep(one);
    one.isNewer = true;
    made.push(new WeakRef(one));
  };
  for (let k = 0; k < 8; k++) write();
  await collected();
  const alive = made.filter((one) => one.deref() !== undefined).length;
  expect(alive).toBe(small.ringBytes / 2 ** 22);
  made = [];
});

test("blocks of what was collected are given back", async () => {
  const small = createHeap(false)!;
  const before = small.blocks.used;
  (() => {
    const one = owner(1000);
    small.prepare(4000);
    small.keep(one);
    small.settle(one);
  })();
  expect(small.resident).toBe(4000);
  small.prepare(small.ringBytes); // the ring lets go of it too
  await collected();
  expect(small.resident).toBe(0);
  expect(small.blocks.used).toBe(before + small.ringBytes);
});

test("what stays takes half of the budget at most, so that the ring can grow", () => {
  const small = createHeap(false)!;
  small.budget = 2 ** 26;
  for (let k = 0; k < 40; k++) {
    const one = owner(2 ** 18);
    small.prepare(2 ** 20);
    small.keep(one);
    small.settle(one);
  }
  expect(small.resident).toBe(2 ** 25);
  expect(small.prepare(2 ** 23)).toBe(true);
});

test("the ring grows to what is needed where there is no room for twice as much", () => {
  const small = createHeap(false)!;
  small.budget = 2 ** 24;
  expect(small.prepare(2 ** 23 + 64)).toBe(true);
  expect(small.ringBytes).toBe(2 ** 23 + 64);
});

test("what is rewritten now and then gets a block, a sum of many parts does not", () => {
  const parameter = ones([1000]);
  rewriteOften(parameter);
  expect(isSettled(parameter)).toBe(true);
  const sum = zeros([1000]);
  for (let k = 0; k < 20; k++) sum.add_(parameter);
  expect(isSettled(sum)).toBe(false);
});

test("a gradient that is cleared gives its block back, and keeps its values", () => {
  const x = zeros([1000], { requiresGrad: true });
  x.sum().backward();
  const grad = x.grad!;
  rewriteOften(grad);
  expect(isSettled(grad)).toBe(true);
  x.grad = null;
  expect(grad.storage.slot).toBe(null);
  expect(grad.sum().item()).toBe(9000);
});

test("after a kernel that can't be compiled, every tensor has the values that it had", () => {
  const source = randn([4200]);
  const before = [...source.toTypedArray()];
  const settled = ones([1400]).sub(6);
  rewriteOften(settled);
  const targets = [full([1400], 3), ones([1400]).mul(3), settled];
  vi.spyOn(WebAssembly, "Module").mockImplementation(function refuse() {
    throw new RangeError("no room");
  });
  for (const target of targets) {
    // kernels that nothing else in this file needs
    expect(() => target.indexPut_([":"], source.index("::3"))).toThrow("no room");
    expect(() => target.indexPut_(["::2"], source.index("::6"))).toThrow("no room");
    expect(() => target.atan2_(source.index("::3"))).toThrow("no room");
  }
  vi.restoreAllMocks();
  for (const target of targets) {
    expect(target.add(1).sum().item()).toBe(5600);
    expect(target.sum().item()).toBe(4200);
  }
  expect([...source.mul(1).toTypedArray()]).toEqual(before);
});

describe("what is rewritten by several threads", () => {
  const LENGTH = 2 ** 17;
  const threads = getNumThreads();
  beforeEach(() => setNumThreads(2));
  afterEach(() => setNumThreads(threads));

  /** Values in the ring, and values in a block of their own. */
  const kinds = { passing: () => ones([LENGTH]).mul(3), resident: () => {
    const target = full([LENGTH], -5);
    rewriteOften(target);
    return target;
  } };

  test.each(Object.entries(kinds))("is written at a second place: %s", (_, make) => {
    const target = make();
    const used = heap.blocks.used;
    const [before, alone, second, third] = [0, 1, 2, 2].map((count) => {
      if (count > 0) {
        setNumThreads(count);
        target.mul_(2);
      }
      return target.storage.slot!.address;
    });
    expect(alone).toBe(before);
    expect(second).not.toBe(alone);
    expect(third).not.toBe(second);
    expect(heap.blocks.used).toBe(used);
    expect(isSettled(target)).toBe(make === kinds.resident);
    expect([...new Set(target.toTypedArray())]).toEqual([24]);
  });

  test.each(Object.entries(kinds))("keeps its values when a kernel fails: %s", (_, make) => {
    const target = make();
    const used = heap.blocks.used;
    vi.spyOn(WebAssembly, "Module").mockImplementation(function refuse() {
      throw new RangeError("no room");
    });
    expect(() => target.hypot_(ones([LENGTH]))).toThrow("no room");
    vi.restoreAllMocks();
    expect(heap.blocks.used).toBe(used);
    expect([...new Set(target.toTypedArray())]).toEqual([3]);
  });

  test("is written in place where the budget has no room for another", () => {
    const target = kinds.resident();
    const { address } = target.storage.slot!;
    vi.spyOn(heap.blocks, "take").mockReturnValue(-1);
    target.mul_(2);
    vi.restoreAllMocks();
    expect(target.storage.slot!.address).toBe(address);
    expect([...new Set(target.toTypedArray())]).toEqual([6]);
  });
});

test("a workspace is used by one operation after the other, and grows", () => {
  const small = createHeap(false)!;
  const first = small.workspace(1000);
  expect(small.workspace(500)).toBe(first);
  small.workspace(5000);
  expect(small.workspace(1)).toBe(small.workspace(5000));
  const end = small.workspace(5000) + 5056; // the threads' memory comes on top of the budget
  small.budget = end + 4096 - SCRATCH_BYTES;
  expect(small.workspace(8192)).not.toBe(-1); // in the room of the old one and what is left
  small.budget = 2 ** 20;
  expect(small.workspace(2 ** 21)).toBe(-1);
  expect(small.workspace(5000)).not.toBe(-1);
});

test("values that were given up can't be read in the heap either", () => {
  const x = ones([1000]).mul(2);
  x.storage.release();
  expect(() => x.add(1)).toThrow("released too early");
});
