// Programs in the heap: values are those of the JavaScript path, whatever was cached before.
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import {
  add, cat, manualSeed, noGrad, randn, relu, where, zeros, type Tensor,
} from "../../src/index.ts";
import { theHeap } from "../../src/storage/heap.ts";
import { withSimd } from "../../src/wasm/features.ts";

/** Sizes on both sides of the threshold, with tails that do not fill a vector. */
const sizes = [100, 511, 512, 515, 5000];

/** Steps that leave values in the heap, change memory under them, and read them again. */
const steps: ((pool: Tensor[], pick: (k: number) => number, n: number) => void)[] = [
  (pool, pick) => void pool.push(add(pool[pick(0)]!, pool[pick(1)]!)),
  (pool, pick) => void pool.push(relu(pool[pick(0)]!).mul(0.5)),
  (pool, pick) => void pool[pick(0)]!.mul_(0.5).add_(pool[pick(1)]!),
  (pool, pick) => void pool[pick(0)]!.narrow(0, 1, 50).zero_(),
  (pool, pick, n) => void pool[pick(0)]!.narrow(0, 0, n - 1).neg_(),
  (pool, pick) => void pool[pick(0)]!.indexPut_(["3:9"], 2),
  (pool, pick) => void pool[pick(0)]!.copy_(pool[pick(1)]!),
  (pool, pick, n) => void pool.push(cat([pool[pick(0)]!.narrow(0, 7, n - 7),
    pool[pick(1)]!.narrow(0, 0, 7)])),
  (pool, pick) => void pool.push(where(pool[pick(0)]!.gt(0), pool[pick(1)]!, pool[pick(2)]!)),
  (pool, pick) => void pool.push(pool[pick(0)]!.sub(pool[pick(0)]!.mean())),
  (pool, pick) => void pool[pick(0)]!.uniform_(-1, 1),
  (pool, pick, n) => void pool[pick(0)]!.view(-1).narrow(0, n - 3, 3).fill_(1),
];

function run(n: number, choices: readonly (readonly number[])[]): number[][] {
  manualSeed(1);
  const pool = [randn([n]), randn([n]), zeros([n])];
  noGrad(() => {
    for (const [kind, ...picks] of choices) {
      steps[kind! % steps.length]!(pool, (k) => picks[k]! % pool.length, n);
    }
  });
  return pool.map((item) => item.tolist<number[]>());
}

test("any sequence of writes, views and results gives what the JavaScript path gives", () => {
  const choice = fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 });
  fc.assert(fc.property(fc.constantFrom(...sizes), fc.array(choice, { maxLength: 25 }),
    (n, choices) => {
      const fast = run(n, choices);
      const plain = withSimd(false, () => run(n, choices));
      // At most 25 steps, each with a few roundings of 6e-8 relative to the largest number.
      const largest = Math.max(1, ...plain.map((values) => Math.max(...values.map(Math.abs))));
      const allowed = 1e-5 * largest;
      fast.forEach((values, i) => values.forEach((value, k) => {
        const expected = plain[i]![k]!;
        if (!(Math.abs(value - expected) <= allowed)) expect(value, `${i}, ${k}`).toBe(expected);
      }));
    }), { numRuns: 150 });
});

test("a view with wide gaps is not copied, and gives what the JavaScript path gives", () => {
  const column = (gap: number) => randn([4096, gap]).select(1, 0);
  for (const [gap, isCopied] of [[8, true], [9, false]] as const) {
    const x = column(gap);
    const { counters } = theHeap()!;
    const before = counters.hits + counters.misses;
    const y = x.exp();
    expect(counters.hits + counters.misses > before).toBe(isCopied);
    const plain = withSimd(false, () => x.exp());
    // both within an ulp of the exact value
    expect(y.sub(plain).abs().div(plain).max().item()).toBeLessThan(2 ** -22);
  }
});

test("a result is cached, and a write to it is seen", () => {
  const x = randn([4096]);
  const y = x.mul(2);
  y.narrow(0, 0, 1).fill_(5);
  expect(y.add(1).select(0, 0).item()).toBe(6);
  expect(y.add(1).select(0, 1).item()).toBeCloseTo(2 * x.select(0, 1).item() + 1, 5);
});

afterEach(() => { manualSeed(0); });
