// Products: what the op table's samples cannot say about dtypes, layouts and equations.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addmm, bmm, dot, einsum, grad, gradcheck, manualSeed, matmul, mm, mv, ones, randn, tensor,
  type Tensor,
} from "../../src/index.ts";

const double = (shape: number[]) => randn(shape, { dtype: "float64", requiresGrad: true });

describe("dtypes of products", () => {
  const wide = ones([2, 2], { dtype: "float64" });
  const whole = ones([2, 2], { dtype: "int32" });
  it.each<[string, () => Tensor, string]>([
    ["matmul", () => matmul(ones([2, 2]), wide), "expected scalar type Float but found Double"],
    ["mm", () => mm(wide, ones([2, 2])), "expected scalar type Double but found Float"],
    ["matmul of int32", () => matmul(whole, ones([2, 2])),
      "expected scalar type Int but found Float"],
    ["bmm", () => bmm(ones([1, 2, 2]), wide), "expected scalar type Float but found Double"],
    ["mv", () => mv(wide, ones([2])), "expected scalar type Double but found Float"],
    ["addmm", () => addmm(wide, ones([2, 2]), ones([2, 2])), "but found Float"],
    ["dot", () => dot(ones([2]), ones([2], { dtype: "float64" })), "but found Float and Double"],
    ["einsum", () => einsum("ij,jk", ones([2, 2]), wide), "but found Double"],
  ])("%s refuses mixed ones", (_, call, message) => { expect(call).toThrow(message); });

  it("are int32 for whole numbers and truth values", () => {
    const truth = tensor([[true, true], [false, true]]);
    expect(matmul(whole, truth).dtype).toBe("int32");
    expect(matmul(truth, truth).tolist()).toEqual([[1, 2], [0, 1]]);
  });

  it("refuse a fractional factor of whole numbers", () => {
    expect(() => addmm(whole, whole, whole, { alpha: 0.5 })).toThrow("For integral input tensors");
  });
});

it("addmm with beta 0 ignores NaN in its input, whose gradient is then 0", () => {
  const input = tensor([NaN, 1], { requiresGrad: true });
  const result = addmm(input, ones([2, 3]), ones([3, 2]), { beta: 0 });
  expect(result.tolist()).toEqual([[3, 3], [3, 3]]);
  result.sum().backward();
  expect(input.grad!.tolist()).toEqual([0, 0]);
});

it("the gradient of a product has the layout of its operand, so that w.t() costs no copy", () => {
  const x = double([6, 4]);
  const w = double([3, 4]);
  const y = x.matmul(w.transpose(0, 1));
  const [gx, gw] = grad(y, [x, w], { gradOutputs: randn([6, 3], { dtype: "float64" }) });
  expect(gx.isContiguous()).toBe(true);
  expect(gw.isContiguous()).toBe(true);
  expect(gradcheck((a, b) => a.transpose(0, 1).matmul(b.transpose(0, 1)),
    [double([3, 2]), double([4, 3])])).toBe(true);
});

it("a batch may be broadcast or expanded", () => {
  const a = double([2, 3]);
  const b = double([4, 1, 3, 2]);
  expect(gradcheck((x, y) => x.expand(5, 2, 3).matmul(y), [a, b])).toBe(true);
});

/** Sum over all labels, by the definition. */
function reference(
  equation: string, operands: readonly Tensor[],
): { shape: number[]; flat: number[] } {
  const [left, right] = equation.split("->");
  const terms = left.split(",");
  const sizes = new Map<string, number>();
  terms.forEach((term, i) => [...term].forEach((label, dim) => {
    if ((sizes.get(label) ?? 1) === 1) sizes.set(label, operands[i].shape[dim]);
  }));
  const labels = [...sizes.keys()];
  const shape = [...right].map((label) => sizes.get(label)!);
  const flat = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0);
  const values = operands.map((operand) => operand.toTypedArray());
  const index = new Map<string, number>();
  const visit = (depth: number): void => {
    if (depth === labels.length) {
      let product = 1;
      terms.forEach((term, i) => {
        const position = [...term].reduce((at, label, dim) => {
          const size = operands[i].shape[dim];
          return at * size + (size === 1 ? 0 : index.get(label)!);
        }, 0);
        product *= values[i][position];
      });
      const to = [...right].reduce((at, label) => at * sizes.get(label)! + index.get(label)!, 0);
      flat[to] += product;
      return;
    }
    for (let i = 0; i < sizes.get(labels[depth])!; i++) {
      index.set(labels[depth], i);
      visit(depth + 1);
    }
  };
  visit(0);
  return { shape, flat };
}

describe("einsum", () => {
  const term = fc.string({ unit: fc.constantFrom("a", "b", "c", "d"), maxLength: 3 });
  const problem = fc.record({
    terms: fc.array(term, { minLength: 1, maxLength: 3 }),
    sizes: fc.tuple(...Array.from("abcd", () => fc.integer({ min: 0, max: 3 }))),
    single: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    shuffle: fc.infiniteStream(fc.nat(100)), keep: fc.infiniteStream(fc.boolean()),
  });

  it("equals the sum that its equation stands for", () => {
    manualSeed(3);
    fc.assert(fc.property(problem, ({ terms, sizes, single, shuffle, keep }) => {
      // A label that appears once in a term may have size 1 there and broadcast.
      const operands = terms.map((labels, i) => randn([...labels].map((label) =>
        single[i] && labels.indexOf(label) === labels.lastIndexOf(label)
          ? 1 : sizes["abcd".indexOf(label)]), { dtype: "float64" }));
      const output = [...new Set(terms.join(""))].filter(() => keep.next().value)
        .map((label) => [shuffle.next().value, label] as const)
        .sort(([a], [b]) => a - b).map(([, label]) => label).join("");
      const equation = `${terms.join(",")}->${output}`;
      const expected = reference(equation, operands);
      const actual = einsum(equation, ...operands);
      expect(actual.shape, equation).toEqual(expected.shape);
      // At most 3⁴ products of three numbers below 5: 81 · 125 · 2⁻⁵³ · 81 < 1e-10.
      actual.toTypedArray().forEach((value, i) =>
        expect(Math.abs(value - expected.flat[i]), equation).toBeLessThan(1e-10));
    }), { numRuns: 300 });
  });

  it("orders an implicit output as PyTorch: ellipsis, capitals, small letters", () => {
    expect(einsum("bA", ones([2, 3])).shape).toEqual([3, 2]);
    expect(einsum("b...a", ones([2, 5, 3])).shape).toEqual([5, 3, 2]);
    expect(einsum("...ij,...jk", ones([2, 3, 4]), ones([5, 1, 4, 3])).shape).toEqual([5, 2, 3, 3]);
    expect(einsum("i...->i", ones([2, 3])).tolist()).toEqual([3, 3]);
    expect(einsum(" i j , j k -> i k ", ones([1, 3]), ones([3, 2])).shape).toEqual([1, 2]);
  });

  // Phrases of PyTorch 1.13.
  it.each([
    ["i.j", "found '.' for operand 0 that is not part of any ellipsis"],
    ["...i...", "found '.' for operand 0 for which an ellipsis was already found"],
    ["i1", "invalid subscript given at index 1 in the equation string, subscripts must be in"],
    ["ij->i1", "invalid subscript given at index 5 in the equation string"],
    ["ij->ij->", "invalid subscript given at index 6 in the equation string"],
    ["ijk...", "(3) is more than the number of dimensions (2) for operand 0"],
    ["ii", "subscript i is repeated for operand 0 but the sizes don't match, 3 != 2"],
    ["ij->iji", "output subscript i appears more than once in the output"],
    ["ij->k", "output subscript k does not appear in the equation for any input operand"],
    ["ij->i.", "found '.' for output that is not part of any ellipsis (...)"],
    ["ij->......", "found '.' for output but an ellipsis (...) was already found"],
    ["ij,jk", "fewer operands were provided than specified in the equation"],
  ])("refuses %s", (equation, message) => {
    expect(() => einsum(equation, ones([2, 3]))).toThrow(message);
  });
});
