// Rows looked up in the heap are those that JavaScript looks up, bit by bit.
import fc from "fast-check";
import { expect, test } from "vitest";
import { index, randn, manualSeed, tensor, type Tensor } from "../../src/index.ts";
import { withSimd } from "../../src/internal.ts";
import { memory } from "../../src/storage/memory.ts";
import { withThresholds } from "../../src/storage/thresholds.ts";

const everything = { elements: 0, innermost: 0, multiplyAdds: 0 };

test("any rows of any table, also of views", () => {
  const shapes = fc.record({
    rows: fc.integer({ min: 1, max: 9 }), width: fc.integer({ min: 1, max: 40 }),
    isView: fc.boolean(),
    picks: fc.array(fc.nat(8), { minLength: 2, maxLength: 30 }), // one of nine rows is too sparse
  });
  fc.assert(fc.property(shapes, ({ rows, width, isView, picks }) => {
    manualSeed(rows * 50 + width);
    const table = isView ? randn([rows + 2, width]).narrow(0, 1, rows) : randn([rows, width]);
    const positions = tensor(Int32Array.from(picks, (pick) => pick % rows));
    const look = (): Tensor => index(table, positions);
    const before = memory().cacheHits + memory().cacheMisses;
    const fast = withThresholds(everything, look);
    expect(memory().cacheHits + memory().cacheMisses).toBeGreaterThan(before);
    expect(fast.toTypedArray()).toEqual(withSimd(false, look).toTypedArray());
  }));
});
