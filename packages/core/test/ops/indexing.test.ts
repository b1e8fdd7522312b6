// Indexing by PyTorch's rules: what is a view, where looked-up dimensions go, what writes do.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cat, grad, index, indexPut, noGrad, tensor, zeros, type IndexItem, type Tensor,
} from "../../src/index.ts";

const shapes: readonly [string, readonly IndexItem[], readonly number[]][] = [
  ["adjacent arrays stay in place", [":", [0, 1], [0, 1]], [2, 2]],
  ["separated arrays go in front", [[0, 1], ":", [0, 2]], [2, 3]],
  ["a number is taken first, unlike in NumPy", [0, ":", [0, 1]], [3, 2]],
  ["a number next to an array counts as taken too", [[0], "...", 0], [1, 3]],
  ["a new axis separates", [[0, 1], null, [0, 1]], [2, 1, 4]],
  ["true adds a dimension", [true], [1, 2, 3, 4]],
  ["false adds an empty one", [false], [0, 2, 3, 4]],
  ["true next to an array joins it", [[0], true], [1, 3, 4]],
  ["nested arrays give their shape", [[[0, 1], [1, 0]]], [2, 2, 3, 4]],
  ["an empty array selects nothing", [[]], [0, 3, 4]],
  ["ranges are clamped", [":", "5:"], [2, 0, 4]],
  ["a mask uses up its dimensions", [[[true, false, true], [false, true, false]], "1:"], [3, 3]],
];

describe("index", () => {
  it.each(shapes)("%s", (_, items, shape) => {
    expect(index(zeros([2, 3, 4]), ...items).shape).toEqual(shape);
  });

  it("takes whole numbers of any float dtype, and a scalar tensor as a position", () => {
    const x = tensor([10, 20, 30]);
    expect(x.index(tensor([2, 0])).tolist()).toEqual([30, 10]);
    expect(x.index(tensor(-1)).item()).toBe(30);
    expect(() => x.index(tensor([0.5]))).toThrow("whole numbers for argument index, got 0.5");
  });

  it("keeps nothing but positions: the tensor may be overwritten before backward", () => {
    const x = tensor([1, 2, 3], { requiresGrad: true }).mul(1);
    const y = x.index([0, 0, 2]);
    noGrad(() => x.zero_());
    const [gradient] = grad(y, x, { gradOutputs: tensor([1, 10, 100]) });
    expect(gradient!.tolist()).toEqual([11, 0, 100]);
  });

  it("refuses what is no index, naming it", () => {
    const x = zeros([2, 3]);
    expect(() => x.index("1-3")).toThrow('"1-3" is no index');
    expect(() => x.index(1.5)).toThrow("valid indices (got 1.5)");
    expect(() => x.index("...", "...")).toThrow("single ellipsis");
    expect(() => x.index({ end: 1 } as never)).toThrow("valid indices (got {end})");
  });

  it("at random positions of a matrix equals looking each up", () => {
    const positions = fc.array(fc.integer({ min: -5, max: 4 }), { maxLength: 7 });
    const width = fc.constantFrom(1, 3, 40);
    fc.assert(fc.property(positions, width, fc.boolean(), (rows, columns, flipped) => {
      const values = Array.from({ length: 5 }, (_, i) =>
        Array.from({ length: columns }, (_, j) => 100 * i + j));
      const x = flipped ? tensor(values).t().contiguous().t() : tensor(values);
      expect(x.index(rows).tolist()).toEqual(rows.map((row) => values.at(row)));
    }));
  });
});

describe("indexPut_", () => {
  it("writes through views without gradients, and is what indexPut returns", () => {
    const x = zeros([3, 4]);
    const items: IndexItem[] = [[2, 0], "::2"];
    const expected = indexPut(x, items, tensor([1, 2]));
    x.view([3, 4]).indexPut_(items, tensor([1, 2]));
    expect(x.tolist()).toEqual(expected.tolist());
    expect(x._version).toBe(1);
  });

  it("adds every time an element is named, if it accumulates", () => {
    expect(zeros([3]).indexPut_([[1, 1, 2]], 1, { accumulate: true }).tolist()).toEqual([0, 2, 1]);
  });

  it("refuses values from an overlapping block, and copies where blocks are the same", () => {
    const x = tensor([1, 2, 3]);
    expect(() => x.indexPut_(["1:"], x.index(":-1"))).toThrow(
      "some elements of the input tensor and the written-to tensor refer to a single memory");
    expect(x.indexPut_([":"], x).tolist()).toEqual([1, 2, 3]);
    expect(x.indexPut_([[0, 1, 2]], x.flip(0)).tolist()).toEqual([3, 2, 1]);
  });

  it("refuses leaves that require a gradient and views of them, unchanged", () => {
    const leaf = tensor([1, 2], { requiresGrad: true });
    expect(() => leaf.indexPut_([0], 5)).toThrow("a leaf Variable that requires grad");
    const part = leaf.index("1:");
    expect(() => part.indexPut_([0], 5)).toThrow("a view of a leaf Variable that requires grad");
    expect(leaf.tolist()).toEqual([1, 2]);
    noGrad(() => leaf.indexPut_([0], 5));
    expect(leaf.tolist()).toEqual([5, 2]);
  });

  it("gives a tensor without history that of the values", () => {
    const v = tensor([3], { requiresGrad: true });
    const x = zeros([2, 2]).indexPut_([1], v);
    x.sum().backward();
    expect(v.grad!.tolist()).toEqual([2]);
  });
});

describe("cat", () => {
  it("adds the gradients of a tensor that appears twice", () => {
    const x: Tensor = tensor([1, 2], { requiresGrad: true });
    cat([x, x.mul(1), x]).mul(tensor([1, 2, 3, 4, 5, 6])).sum().backward();
    expect(x.grad!.tolist()).toEqual([9, 12]);
  });

  it("passes over vectors without elements, which get a gradient of their shape", () => {
    const [none, x] = [zeros([0], { requiresGrad: true }), zeros([2, 3], { requiresGrad: true })];
    const joined = cat([none, x], 1);
    expect(joined.shape).toEqual([2, 3]);
    joined.sum().backward();
    expect(none.grad!.shape).toEqual([0]);
  });

  it("promotes dtypes and gives gradients back in each input's", () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([2], { dtype: "float64" })];
    const joined = cat([a, b, tensor([true])]);
    expect(joined.dtype).toBe("float64");
    joined.sum().backward();
    expect(a.grad!.dtype).toBe("float32");
  });
});
