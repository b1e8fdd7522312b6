// Programs over a ring that is too small for them: values are those of the JavaScript path.
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { theHeap } from "../../src/storage/heap.ts";
import { withSimd } from "../../src/wasm/features.ts";
import { runProgram } from "./programs.ts";

const heap = theHeap()!;
const { budget } = heap;

/** Bytes of the ring: a few tensors, so that it comes round within a few steps. */
heap.smallestRing = 32 * 1024;

/** Some around the size from which the heap is used; some whose products need a workspace. */
const shapes = [[8, 64], [7, 73], [9, 57], [24, 24], [16, 65], [32, 40], [64, 64], [5, 100],
  [112, 112]] as const;

const steps = fc.array(fc.array(fc.nat(1000), { minLength: 5, maxLength: 5 }),
  { minLength: 4, maxLength: 40 });

/** What the fast path gives at the first place where it is not what JavaScript gives. */
function firstDifference(
  shape: readonly [number, number], program: readonly (readonly number[])[],
): string | null {
  const fast = runProgram(shape, program);
  const plain = withSimd(false, () => runProgram(shape, program));
  if (fast.length !== plain.length) return `${fast.length} things seen, not ${plain.length}`;
  for (let i = 0; i < fast.length; i++) {
    const [one, other] = [fast[i]!, plain[i]!];
    const k = typeof one === "string" ? Number(one !== other) - 1
      : one.findIndex((value, at) => value !== other[at]);
    if (k >= 0 || one.length !== other.length) return `${i}, ${k}: ${one[k]}, not ${other[k]}`;
  }
  return null;
}

function check(numRuns: number): void {
  fc.assert(fc.property(fc.constantFrom(...shapes), steps, (shape, program) => {
    expect(firstDifference(shape, program)).toBe(null);
  }), { numRuns });
}

afterEach(() => { heap.budget = budget; });

// First, while the memory is small.
test("nor when the memory can't grow", () => {
  const { memory } = heap;
  memory.grow = () => { throw new RangeError("refused"); };
  try {
    check(25);
    expect(heap.ringBytes).toBe(0);
  } finally {
    Reflect.deleteProperty(memory, "grow");
  }
});

test("nothing that a user holds changes or vanishes, whatever the program", () => {
  check(60);
  expect(heap.ringBytes).toBeLessThan(2 ** 21); // it came round
});

test("nor when the budget is spent", () => {
  heap.budget = 0;
  check(25);
});
