// Values that reductions, scans and softmax have at their edges. Smooth points are left to the
// generic checks; expected numbers without another source follow from the definitions.
import { describe, expect, test } from "vitest";
import * as cr from "../../src/index.ts";
import { Tensor, tensor, type Values } from "../../src/index.ts";

/** The gradient of `sum(f(x))` with respect to x, without signs of zeros. */
function gradientOf(f: (x: Tensor) => Tensor, values: Values) {
  const x = tensor(values, { dtype: "float64", requiresGrad: true });
  f(x).sum().backward();
  return x.grad!.add(0).tolist();
}

const inf = Infinity;
const nan = NaN;

describe("max and min", () => {
  test("of all elements share the gradient among ties, NaN included", () => {
    for (const f of [(x: Tensor) => x.max(), (x: Tensor) => x.amax()]) {
      expect(gradientOf(f, [1, 3, 3, 2])).toEqual([0, 0.5, 0.5, 0]);
      expect(gradientOf(f, [1, nan, 3, nan])).toEqual([0, 0.5, 0, 0.5]);
      expect(gradientOf(f, [-inf, -inf])).toEqual([0.5, 0.5]);
    }
  });

  test("along a dimension give the first extreme, its position and the whole gradient", () => {
    const x = tensor([[1, 3, 3], [nan, 2, nan]]);
    const [values, indices] = x.max(1);
    expect(values.tolist()).toEqual([3, nan]);
    expect(indices.tolist()).toEqual([1, 0]);
    expect(indices.dtype).toBe("int32");
    expect(x.min(1).indices.tolist()).toEqual([0, 0]);
    expect(gradientOf((y) => y.max(0).values, [1, 3, 3, 1])).toEqual([0, 1, 0, 0]);
    expect(gradientOf((y) => y.max(1).values, [[1, 1], [0, 2]])).toEqual([[1, 0], [0, 1]]);
  });

  test("of two tensors compare them element by element", () => {
    expect(tensor([1, 5]).max(tensor([3, 2])).tolist()).toEqual([3, 5]);
    expect(tensor([1, 5]).min(tensor([3, 2])).tolist()).toEqual([1, 2]);
  });

  test("are refused where there is nothing to choose from", () => {
    const empty = cr.zeros([0, 3]);
    for (const op of [cr.max, cr.min, cr.amax, cr.argmax]) {
      expect(() => (op as typeof cr.amax)(empty)).toThrow(
        "Expected reduction dim to be specified for input.numel() == 0");
      expect(() => (op as typeof cr.amax)(empty, 0)).toThrow(
        "Expected reduction dim 0 to have non-zero size");
    }
    expect(empty.max(1).values.shape).toEqual([0]);
    expect(cr.zeros([2, 0]).argmax(0).shape).toEqual([0]);
  });

  test("argmax counts row-major over all elements, and finds the first NaN", () => {
    expect(tensor([[1, 3], [3, 0]]).t().argmax().item()).toBe(1);
    expect(tensor([-inf, -inf]).argmax().item()).toBe(0);
    expect(tensor([1, nan, 3, nan]).argmin().item()).toBe(1);
  });
});

describe("products", () => {
  test("prod has the exact gradient at zeros", () => {
    expect(gradientOf((x) => x.prod(), [2, 0, 3])).toEqual([0, 6, 0]);
    expect(gradientOf((x) => x.prod(), [0, 0, 3])).toEqual([0, 0, 0]);
    expect(gradientOf((x) => x.prod(), [inf, 2])).toEqual([2, inf]);
  });

  test("the third derivative of a product is exact at zeros too", () => {
    const x = tensor([2, 0, 3], { dtype: "float64", requiresGrad: true });
    const chain = [x.prod()];
    for (let i = 0; i < 3; i++) {
      chain.push(cr.grad([chain[i]], [x], { createGraph: true })[0].sum());
    }
    // abc, then ab + bc + ca, 2 (a + b + c) and 6
    expect(chain.map((y) => y.item())).toEqual([0, 6, 10, 6]);
  });

  test("cumprod has the exact gradient at zeros", () => {
    expect(gradientOf((x) => x.cumprod(0), [2, 0, 3, 0, 5])).toEqual([1, 8, 0, 0, 0]);
    expect(gradientOf((x) => x.cumprod(0), [0, 0, 2])).toEqual([1, 0, 0]);
  });
});

describe("variance", () => {
  test("of one element is NaN with a NaN gradient of its shape", () => {
    expect(tensor([3]).var().item()).toBeNaN();
    expect(gradientOf((x) => x.var(), [3])).toEqual([nan]);
    expect(gradientOf((x) => x.std(), [3])).toEqual([nan]);
    expect(gradientOf((x) => x.var(0, { correction: 0 }), [3])).toEqual([0]);
  });

  test("std has gradient 0 where all elements are equal", () => {
    expect(gradientOf((x) => x.std(0), [1, 1, 1])).toEqual([0, 0, 0]);
  });

  test("is accurate where the mean is large", () => {
    expect(tensor([1e6, 1e6 + 1, 1e6 + 2]).var().item()).toBe(1);
  });

  test("varMean and stdMean give named pairs", () => {
    const { var: variance, mean } = tensor([1, 2, 3]).varMean();
    expect([variance.item(), mean.item()]).toEqual([1, 2]);
    const [std] = tensor([1, 2, 3]).stdMean();
    expect(std.item()).toBe(1);
  });
});

describe("norm", () => {
  test("of zeros has gradient 0 for every order", () => {
    for (const p of [0, 0.5, 1, 1.5, 2, 3, inf, -inf]) {
      expect(gradientOf((x) => x.norm(p), [0, 0]), `p = ${p}`).toEqual([0, 0]);
    }
  });

  test("of order ∞ shares the gradient among the largest sizes", () => {
    expect(gradientOf((x) => x.norm(inf), [3, -3, 1])).toEqual([0.5, -0.5, 0]);
    expect(gradientOf((x) => x.norm(-inf), [3, 0, -4])).toEqual([0, 0, 0]);
  });

  test("of zeros has no second derivative", () => {
    const x = tensor([0], { dtype: "float64", requiresGrad: true });
    const [first] = cr.grad([x.norm()], [x], { createGraph: true });
    expect(cr.grad([first], [x])[0].tolist()).toEqual([nan]);
  });
});

describe("exponentials", () => {
  test("logsumexp keeps infinities apart", () => {
    expect(tensor([-inf, -inf]).logsumexp(0).item()).toBe(-inf);
    expect(cr.zeros([0]).logsumexp().item()).toBe(-inf);
    expect(gradientOf((x) => x.logsumexp(0), [-inf, -inf])).toEqual([nan, nan]);
    expect(gradientOf((x) => x.logsumexp(0), [inf, 1])).toEqual([nan, 0]);
    // 1000 + ln 2, which float32 rounds
    expect(tensor([1000, 1000]).logsumexp(0).item()).toBe(Math.fround(1000 + Math.LN2));
  });

  test("softmax gives -∞ neither a share nor a gradient, and NaN where all are -∞", () => {
    expect(tensor([-inf, 0]).softmax(0).tolist()).toEqual([0, 1]);
    expect(tensor([-inf, -inf]).softmax(0).tolist()).toEqual([nan, nan]);
    expect(gradientOf((x) => x.softmax(0).mul(tensor([1, 2, 3])), [-inf, 0, 0]))
      .toEqual([0, -0.25, 0.25]);
  });

  test("logSoftmax is exact where exponentials would overflow", () => {
    expect(tensor([1e4, 0]).logSoftmax(0).tolist()).toEqual([0, -1e4]);
    expect(gradientOf((x) => x.logSoftmax(0).narrow(0, 1, 1), [1e4, 0])).toEqual([-1, 1]);
  });

  test("a dimension is required", () => {
    expect(() => (tensor([1]).softmax as () => Tensor)()).toThrow("softmax: dim is required");
  });

  test("only the result is saved", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const hidden = x.mul(1);
    const y = hidden.softmax(0);
    cr.noGrad(() => { hidden.add_(1); });
    y.sum().backward();
    expect(x.grad!.shape).toEqual([2]);
  });
});

describe("dtypes and empty tensors", () => {
  test("whole numbers and truth values add up to int32", () => {
    const flags = tensor([[true, true], [false, true]]);
    expect(flags.sum(1).tolist()).toEqual([2, 1]);
    for (const result of [flags.sum(), flags.prod(), flags.cumsum(0), flags.cumprod(0)]) {
      expect(result.dtype).toBe("int32");
    }
    expect(flags.any(0).dtype).toBe("bool");
    expect(tensor([1.9, 1.9]).sum(0, { dtype: "int32" }).item()).toBe(2);
  });

  test("products of whole numbers wrap as int32 does", () => {
    const x = tensor([65537, 65537, 3], { dtype: "int32" });
    expect(x.prod().item()).toBe(Math.imul(Math.imul(65537, 65537), 3));
  });

  test("of no elements: sum 0, product 1, mean NaN, any false, all true", () => {
    const empty = cr.zeros([0]);
    expect([empty.sum().item(), empty.prod().item(), empty.norm().item()]).toEqual([0, 1, 0]);
    expect([empty.mean().item(), empty.var().item()]).toEqual([nan, nan]);
    expect([empty.any().item(), empty.all().item()]).toEqual([false, true]);
  });

  test("NaN is left out of nansum and nanmean, gradients included", () => {
    expect(tensor([1, nan, 5]).nanmean().item()).toBe(3);
    expect(gradientOf((x) => x.nanmean(), [1, nan, 5])).toEqual([0.5, 0, 0.5]);
    expect(tensor([nan]).nanmean().item()).toBeNaN();
  });
});
