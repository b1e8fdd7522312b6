// What a tensor says about its history: requiresGrad, isLeaf, gradFn, grad.
import { afterEach, describe, expect, it, vi } from "vitest";
import { ones, tensor, type Tensor } from "../../src/index.ts";
import { leaf } from "./drawn.ts";

afterEach(() => { vi.restoreAllMocks(); });

describe("requiresGrad", () => {
  it("is for leaves that hold floats", () => {
    expect(() => { tensor([1], { dtype: "int32" }).requiresGrad = true; })
      .toThrow("Only Tensors of floating point and complex dtype can require gradients");
    expect(() => ones([1], { dtype: "bool", requiresGrad: true }))
      .toThrow("Only Tensors of floating point and complex dtype can require gradients");
    const y = leaf([2], 1).mul(2);
    expect(() => { y.requiresGrad = false; })
      .toThrow("you can only change requiresGrad flags of leaf variables");
    y.requiresGrad = true;
    expect(y.requiresGrad && !y.isLeaf).toBe(true);
    expect(() => y.requiresGrad_("yes" as never)).toThrow('must be true or false, got "yes"');
  });

  it("switches recording on and off", () => {
    const x = tensor([1, 2]);
    expect(x.requiresGrad_()).toBe(x);
    expect(x.mul(2).requiresGrad).toBe(true);
    x.requiresGrad_(false);
    expect(x.mul(2).requiresGrad).toBe(false);
    expect([x.isLeaf, x.gradFn]).toEqual([true, null]);
  });
});

describe("grad", () => {
  it("can be assigned what fits (test_accumulate_grad_tensor_reference, §2.1)", () => {
    const x = leaf([2], 1);
    const gradient = ones([2], { dtype: "float64" });
    x.grad = gradient;
    expect(x.grad).toBe(gradient);
    x.mul(3).sum().backward();
    expect(gradient.tolist()).toEqual([4, 4]);
    expect(() => { x.grad = ones([3], { dtype: "float64" }); })
      .toThrow("assigned grad has data of a different size");
    expect(() => { x.grad = ones([2]); }).toThrow("assigned grad has data of a different type");
    expect(() => { x.grad = 3 as unknown as Tensor; })
      .toThrow("assigned grad must be a tensor or null, got 3");
    expect(x.grad).toBe(gradient);
    x.grad = null;
    expect(x.grad).toBeNull();
  });

  it("of a computed tensor warns once", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const y = leaf([2], 1).mul(2);
    expect([y.grad, y.grad]).toEqual([null, null]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toContain(
      "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed");
  });

  it("is what toString tells about history", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    expect(`${x}`).toBe("tensor([1., 2.], requiresGrad=true)");
    expect(`${x.mul(2)}`).toBe("tensor([2., 4.], gradFn=<MulBackward0>)");
  });
});
