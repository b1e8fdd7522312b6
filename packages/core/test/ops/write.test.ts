// In-place writes: what they refuse and convert, and the gradients through overwritten values.
import { describe, expect, it } from "vitest";
import { grad, noGrad, tensor, zeros, type Tensor } from "../../src/index.ts";

const writes: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
  ["add_", (x) => x.add_(1)], ["div_", (x) => x.div_(2)], ["clamp_", (x) => x.clamp_(0, 1)],
  ["maskedFill_", (x) => x.maskedFill_(x.gt(1), 0)], ["fill_", (x) => x.fill_(7)],
  ["zero_", (x) => x.zero_()], ["copy_", (x) => x.copy_(zeros([3]))],
  ["cumsum_", (x) => x.cumsum_(0)],
  ["indexFill_", (x) => x.indexFill_(0, tensor([0], { dtype: "int32" }), 7)],
];

describe.each(writes)("%s", (name, write) => {
  it("refuses a leaf that requires grad, and a view of it, before it changes them", () => {
    const leaf = tensor([1, 2, 3]).requiresGrad_();
    expect(() => write(leaf)).toThrow(
      `${name}: a leaf Variable that requires grad is being used in an in-place operation`);
    expect(() => write(leaf.view(3))).toThrow(
      `${name}: a view of a leaf Variable that requires grad is being used`);
    expect(leaf.tolist()).toEqual([1, 2, 3]);
    expect(leaf._version).toBe(0);
  });

  it("writes into a leaf without recording, once, and returns it", () => {
    const leaf = tensor([1, 2, 3]).requiresGrad_();
    expect(noGrad(() => write(leaf))).toBe(leaf);
    expect(leaf._version).toBe(1);
  });
});

describe("an in-place result", () => {
  it("may not be of a wider kind than the tensor", () => {
    const whole = tensor([1, 2], { dtype: "int32" });
    expect(() => whole.add_(0.5))
      .toThrow("result type Float can't be cast to the desired output type Int");
    expect(() => whole.div_(2)).toThrow("result type Float can't be cast");
    expect(whole.div_(2, { roundingMode: "floor" }).tolist()).toEqual([0, 1]);
  });
  it("may not grow by broadcasting", () => {
    const large = zeros([2, 3]);
    for (const write of [() => zeros([3]).add_(large), () => zeros([3]).copy_(large)]) {
      expect(write).toThrow("output with shape [3] doesn't match the broadcast shape [2, 3]");
    }
  });
  it("is refused under the name with _ where shapes don't broadcast", () => {
    expect(() => zeros([3]).add_(zeros([4]))).toThrow("add_: The size of tensor a (3) must match");
    expect(() => zeros([3]).copy_(zeros([4]))).toThrow("copy_: The size of tensor a (3) must");
  });
  it("reads an overlapping operand as it was before", () => {
    const x = tensor([1, 2, 3, 4, 5]);
    x.narrow(0, 1, 4).add_(x.narrow(0, 0, 4));
    expect(x.tolist()).toEqual([1, 3, 5, 7, 9]);
    x.narrow(0, 1, 4).copy_(x.narrow(0, 0, 4));
    expect(x.tolist()).toEqual([1, 1, 3, 5, 7]);
  });
  it("has the gradient of the values before, for operands that share its memory too", () => {
    const leaf = tensor([2, 3]).requiresGrad_();
    const squared = leaf.mul(1);
    squared.mul_(squared);
    expect(grad(squared.sum(), leaf)[0].tolist()).toEqual([4, 6]);
    const scaled = leaf.mul(1);
    scaled.mul_(scaled.detach());
    expect(grad(scaled.sum(), leaf)[0].tolist()).toEqual([2, 3]);
  });
});

describe("copy_, fill_ and zero_", () => {
  it("convert to the dtype of the tensor", () => {
    expect(zeros([2], { dtype: "int32" }).copy_(tensor([1.7, -1.7])).tolist()).toEqual([1, -1]);
    expect(zeros([2], { dtype: "bool" }).copy_(tensor([0.5, 0])).tolist()).toEqual([true, false]);
    expect(zeros([2], { dtype: "bool" }).fill_(5).tolist()).toEqual([true, true]);
    expect(zeros([2], { dtype: "int32" }).fill_(2.5).tolist()).toEqual([2, 2]);
  });
  it("give the gradient to the source and zeros to what they overwrite", () => {
    const source = tensor([1, 2], { dtype: "float64" }).requiresGrad_();
    const value = tensor(3).requiresGrad_();
    const leaf = tensor([[1, 2], [3, 4]]).requiresGrad_();
    const x = leaf.mul(2);
    x.copy_(source);
    const gradients = grad(x.mul(x).sum(), [source, leaf]);
    expect(gradients.map((gradient) => gradient.tolist())).toEqual([[4, 8], [[0, 0], [0, 0]]]);
    expect(gradients[0].dtype).toBe("float64");
    expect(grad(zeros([4]).fill_(value).sum(), value)[0].item()).toBe(4);
    expect(grad(leaf.mul(2).zero_().sum(), leaf)[0].tolist()).toEqual([[0, 0], [0, 0]]);
  });
});

describe("the result of an op written over its input", () => {
  it("has the gradients of the op, and the name with _", () => {
    const leaf = tensor([[1, 2], [3, 4]]).requiresGrad_();
    const x = leaf.mul(2);
    expect(x.tril_().cumsum_(0)).toBe(x);
    expect(x.tolist()).toEqual([[2, 0], [8, 8]]);
    expect(grad(x.sum(), leaf)[0].tolist()).toEqual([[4, 0], [2, 2]]);
  });
  it("may not be of a wider kind than the tensor", () => {
    expect(() => tensor([true, false]).cumsum_(0))
      .toThrow("cumsum_: result type Int can't be cast to the desired output type Bool");
  });
});
