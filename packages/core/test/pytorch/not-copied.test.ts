// Behaviour of PyTorch 1.13 that is not copied (§0.3 of the semantics), each with what is done.
import { describe, expect, it } from "vitest";
import { ones, tensor, type Nested, type Tensor } from "../../src/index.ts";

const real = (values: Nested) =>
  tensor(values as number[], { dtype: "float64", requiresGrad: true });
const index = (values: Nested) => tensor(values as number[], { dtype: "int32" });

describe("gradients that PyTorch 1.13 gets wrong, or lacks", () => {
  it.each<[string, Nested, (x: Tensor) => Tensor, Nested]>([
    ["var of one element: NaN, not a shape error", [2], (x) => x.var(), [NaN]],
    ["std of one element: NaN, not a shape error", [2], (x) => x.std(), [NaN]],
    ["norm of order 0: zeros, not none", [1, 0, 2], (x) => x.norm(0), [0, 0, 0]],
    ["trace of a tall matrix: ones on the diagonal only", [[1, 2], [3, 4], [5, 6], [7, 8]],
      (x) => x.trace(), [[1, 0], [0, 1], [0, 0], [0, 0]]],
    ["amax: split among the NaN entries", [NaN, 1, NaN], (x) => x.amax(0), [0.5, 0, 0.5]],
    ["amin: split among the NaN entries", [NaN, 1, NaN], (x) => x.amin(0), [0.5, 0, 0.5]],
    ["prod with an infinite entry: the product of the others", [Infinity, 2], (x) => x.prod(),
      [2, Infinity]],
    ["scatter: 0 outside of the index", [[1, 2], [3, 4]],
      (x) => ones([3, 2], { dtype: "float64" }).scatter(0, index([[2, 1]]), x), [[1, 1], [0, 0]]],
    ["scatterAdd: 0 outside of the index", [[1, 2], [3, 4]],
      (x) => ones([3, 2], { dtype: "float64" }).scatterAdd(0, index([[2, 1]]), x),
      [[1, 1], [0, 0]]],
  ])("%s", (_, values, f, gradient) => {
    const x = real(values);
    f(x).sum().backward();
    expect(x.grad!.tolist()).toEqual(gradient);
  });

  it("a hook before a write sees the gradient of what it was registered on", () => {
    const seen: number[] = [];
    const a = real([1]);
    const b = a.mul(4);
    b.registerHook((gradient) => { seen.push(1, ...gradient.tolist<number[]>()); });
    b.mul_(2);
    b.registerHook((gradient) => { seen.push(2, ...gradient.tolist<number[]>()); });
    b.sum().backward();
    expect(seen).toEqual([2, 1, 1, 2]); // the newer version first, with gradient 1
    expect(a.grad!.tolist()).toEqual([8]);
  });
});
