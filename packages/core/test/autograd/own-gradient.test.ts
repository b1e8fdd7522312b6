// The first gradient of a leaf: kept as it is only where nobody else can hold it.
import { expect, test } from "vitest";
import { noGrad, ones, tensor, type Tensor } from "../../src/index.ts";

const leaf = () => tensor([1, 2, 3], { requiresGrad: true });

/** Writes into the gradient of a leaf, which must not show in what others hold. */
function staysApart(x: Tensor, others: readonly Tensor[]): void {
  const before = others.map((other) => other.tolist());
  noGrad(() => x.grad!.add_(100));
  expect(others.map((other) => other.tolist())).toEqual(before);
}

test("a gradient that goes to two leaves is shared by neither", () => {
  const [x, y] = [leaf(), leaf()];
  const gradient = ones([3]);
  x.add(y).backward(gradient);
  staysApart(x, [y.grad!, gradient]);
});

test("what a hook has seen is not kept as the gradient", () => {
  const x = leaf();
  const seen: Tensor[] = [];
  x.registerHook((gradient) => { seen.push(gradient); });
  x.mul(2).sum().backward();
  staysApart(x, seen);
});

test("a hook's result is not kept as the gradient", () => {
  const x = leaf();
  const mine = ones([3]);
  x.registerHook(() => mine);
  x.mul(2).sum().backward();
  staysApart(x, [mine]);
});

test("the gradient of a computed tensor and that of the leaf behind it are apart", () => {
  const x = leaf();
  const y = x.add(1);
  y.retainGrad();
  y.mul(2).sum().backward();
  staysApart(x, [y.grad!]);
});

test("a gradient that shows one element several times is copied", () => {
  const x = leaf();
  x.sum().backward();
  noGrad(() => x.grad!.index(0).add_(1));
  expect(x.grad!.tolist()).toEqual([2, 1, 1]);
});

test("a hook may run a backward pass over the same graph", () => {
  const x = leaf();
  const y = x.mul(2);
  const [once, thrice] = [y.sum(), y.mul(3).sum()];
  let isInside = false;
  y.registerHook(() => {
    if (isInside) return;
    isInside = true; // the hook runs in the inner pass too
    once.backward({ retainGraph: true });
    expect(x.grad!.tolist()).toEqual([2, 2, 2]);
  });
  thrice.backward();
  expect(x.grad!.tolist()).toEqual([8, 8, 8]);
});
