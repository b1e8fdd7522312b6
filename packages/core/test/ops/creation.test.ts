// Tensors from nothing: ranges, identity matrices, tensors like others, and conversions.
import { describe, expect, it } from "vitest";
import {
  arange, emptyLike, eye, full, fullLike, linspace, logspace, ones, onesLike, tensor, zeros,
  zerosLike, type Tensor,
} from "../../src/index.ts";

describe("arange", () => {
  it("takes an end; a start and an end; or these and a step, then options", () => {
    expect(arange(3).tolist()).toEqual([0, 1, 2]);
    expect(arange(1, 3, { dtype: "int32" }).dtype).toBe("int32");
    expect(arange(10, 0, -3).tolist()).toEqual([10, 7, 4, 1]);
    expect(arange(3, 3).shape).toEqual([0]);
  });

  it("has ceil((end - start) / step) elements, computed in double", () => {
    expect(arange(0, 1, 0.1).shape).toEqual([10]);
    expect(arange(1, 1.3, 0.1).shape).toEqual([4]); // as PyTorch 1.13
    expect(arange(0.5, 3, 1, { dtype: "int32" }).tolist()).toEqual([0, 1, 2]); // as PyTorch 1.13
  });

  it.each<[() => unknown, string]>([
    [() => arange(0, 5, 0), "step must be nonzero"],
    [() => arange(0, 3, 0.5, { dtype: "int32" }), "step must be nonzero"],
    [() => arange(5, 0), "upper bound and larger bound inconsistent with step sign"],
    [() => arange(0, Infinity), "unsupported range: 0 -> Infinity"],
    [() => arange(0, NaN), "unsupported range: 0 -> NaN"],
    [() => (arange as (...args: unknown[]) => Tensor)("3"), "takes 1 to 3 numbers and options"],
    [() => linspace(0, 1, -1), "number of steps must be non-negative"],
    [() => eye(-1), "n must be greater or equal to 0"],
    [() => eye(2, -1), "m must be greater or equal to 0"],
    [() => full([2], 3e9, { dtype: "int32" }), "cannot be converted to type int32 without over"],
    [() => tensor([NaN], { dtype: "int32" }), "cannot be converted to type int32 without overf"],
    [() => zeros([2], { requiresGrad: 1 as never }), "zeros: requiresGrad must be true or false"],
    [() => (zeros as (...sizes: unknown[]) => Tensor)(2, 3), "zeros: a shape is an array of sizes"],
    [() => zerosLike(ones([2]), { dtyp: "int32" } as object), "zerosLike: unknown option dtyp"],
    [() => ones([2]).newZeros([2], { dtyp: "int32" } as object), "newZeros: unknown option dtyp"],
  ])("%s is refused", (call, message) => { expect(call).toThrow(message); });
});

it("linspace and logspace include both ends", () => {
  expect(linspace(3, 10, 1).tolist()).toEqual([3]);
  expect(linspace(0, 10, 4, { dtype: "int32" }).tolist()).toEqual([0, 3, 6, 10]);
  expect(linspace(-1, 0.1, 7, { dtype: "float64" }).tolist<number[]>().at(-1)).toBe(0.1);
  expect(logspace(0, 3, 4, { base: 2 }).tolist()).toEqual([1, 2, 4, 8]);
});

it("eye is square unless a second size says otherwise", () => {
  expect(eye(2).tolist()).toEqual([[1, 0], [0, 1]]);
  expect(eye(2, 3, { dtype: "int32" }).tolist()).toEqual([[1, 0, 0], [0, 1, 0]]);
  expect(eye(0).shape).toEqual([0, 0]);
});

describe("a size that memory does not have room for is refused, naming the op", () => {
  it.each<[string, () => unknown]>([
    ["zeros", () => zeros([1e6, 1e6])], ["arange", () => arange(1e12)],
    ["linspace", () => linspace(0, 1, 1e12)], ["eye", () => eye(1e6)],
    ["onesLike", () => onesLike(ones([1]).expand(1e12))],
    ["repeatInterleave", () => ones([2]).repeatInterleave(1e11)],
  ])("%s", (op, call) => { expect(call).toThrow(`${op}: can't allocate memory: `); });

  it("by any op, with the number of bytes", () => {
    const column = ones([1e6, 1]);
    expect(() => column.add(column.t())).toThrow("1000000000000 elements of float32 take 4000000");
  });

  it("tolist of a large view, before it builds anything", () => {
    expect(() => ones([1]).expand(1e9).tolist()).toThrow("tolist: 1000000000 elements are more");
  });
});

it("arrays nested without end are refused", () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  expect(() => tensor(cyclic as never)).toThrow("tensor: too many dimensions");
});

describe("tensors like others", () => {
  const like = ones([2, 3], { dtype: "float64", requiresGrad: true });

  it("take shape and dtype, but not requiresGrad", () => {
    for (const made of [zerosLike(like), onesLike(like), fullLike(like, 7), emptyLike(like)]) {
      expect([made.shape, made.dtype, made.requiresGrad]).toEqual([[2, 3], "float64", false]);
    }
    expect(fullLike(like, 7, { dtype: "int32" }).tolist()).toEqual([[7, 7, 7], [7, 7, 7]]);
    expect(zerosLike(like, { requiresGrad: true }).isLeaf).toBe(true);
    expect(like.newOnes([1]).dtype).toBe("float64");
    expect(like.newFull([2], 3, { dtype: "int32" }).tolist()).toEqual([3, 3]);
  });

  // Strides that PyTorch 1.13 gives.
  it("keep the order in memory, without gaps and overlaps", () => {
    expect(zerosLike(zeros([2, 3]).transpose(0, 1)).stride()).toEqual([1, 3]);
    expect(zerosLike(zeros([4, 5]).narrow(1, 0, 3).transpose(0, 1)).stride()).toEqual([1, 3]);
    expect(zerosLike(zeros([2, 3, 4]).permute(2, 0, 1)).stride()).toEqual([1, 12, 4]);
    expect(zerosLike(zeros([3, 1]).expand(3, 2)).isContiguous()).toBe(true);
  });
});

describe("conversions", () => {
  it("name the dtype", () => {
    const x = tensor([-1.5, 0, 0.5]);
    expect(x.int().tolist()).toEqual([-1, 0, 0]);
    expect(x.long().dtype).toBe("int32");
    expect(x.bool().tolist()).toEqual([true, false, true]);
    expect(x.double().dtype).toBe("float64");
    expect(x.float()).toBe(x);
    expect(x.typeAs(eye(2, { dtype: "int32" })).dtype).toBe("int32");
  });

  it("pass gradients through floats only", () => {
    const x = ones([2], { requiresGrad: true });
    x.double().sum().backward();
    expect([x.grad!.dtype, x.grad!.tolist()]).toEqual(["float32", [1, 1]]);
    expect(x.int().requiresGrad).toBe(false);
  });

  it("detach_ makes a leaf, and refuses views", () => {
    const x = ones([2], { requiresGrad: true });
    const y = x.mul(2);
    expect(() => y.narrow(0, 0, 1).detach_()).toThrow("Can't detach views in-place");
    expect(y.detach_()).toBe(y);
    expect([y.isLeaf, y.requiresGrad, y.tolist()]).toEqual([true, false, [2, 2]]);
  });
});
