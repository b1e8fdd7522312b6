// Reductions in the heap: a plan that is found again is that of the same situation.
import { expect, test } from "vitest";
import { manualSeed, randn, type Tensor } from "../../src/index.ts";
import { withSimd } from "../../src/wasm/features.ts";

/** Small whole numbers, whose sums are exact in any order. */
function draw(shape: readonly number[]): Tensor {
  return randn([...shape]).mul(4).round();
}

const layouts: ((x: Tensor) => Tensor)[] = [
  (x) => x, (x) => x.transpose(0, 1), (x) => x.flip(0), (x) => x.index("::2"),
  (x) => x.index("1:"), (x) => x.index(0).expand(x.shape),
];

const reductions: ((x: Tensor) => Tensor)[] = [
  (x) => x.sum(0), (x) => x.sum(1), (x) => x.sum([0, 2]), (x) => x.sum(), (x) => x.amax(2), (x) => x.argmax(1),
  (x) => x.any(1), (x) => x.ne(0).any(1), (x) => x.softmax(1).gt(0.2), (x) => x.softmax(2).gt(0.2),
];

test("values do not depend on which reductions of the same program ran before", () => {
  manualSeed(0);
  const inputs = Array.from({ length: 12 }, (_, i) => draw([6 + i % 4, 10 + i % 3, 12]));
  const all = () => inputs.map((x) => layouts.map((layout) =>
    reductions.map((reduce) => reduce(layout(x)).tolist())));
  const expected = withSimd(false, all);
  expect(all()).toEqual(expected);
  // By now every program has met more situations than it remembers.
  inputs.reverse();
  expect(all()).toEqual(expected.reverse());
});
