// Writing in place: versions, what was saved, leaves and their views.
import { describe, expect, it } from "vitest";
import { noGrad, ones, tensor, zeros } from "../../src/index.ts";
import { demandGrad, demandSame, leaf, uniform } from "./drawn.ts";

const modified = "one of the variables needed for gradient computation has been modified by an " +
  "inplace operation";
const unit = (shape: number[]) => ones(shape, { dtype: "float64" });

describe("a write", () => {
  it("to something saved makes backward fail, to something else not (test_inplace)", () => {
    const x = leaf([5, 5], 1);
    const y = leaf([5, 5], 2);
    const gradient = unit([5, 5]);
    const z = x.mul(y);
    const [sum, product] = [z.add(y), z.mul(y)];
    z.add_(2);
    sum.backward(gradient, { retainGraph: true });
    expect(() => product.backward(gradient)).toThrow(modified);
    const again = x.mul(y);
    const [dirty, clean] = [again.mul(y), again.add(y)];
    const written = again.add_(y);
    written.backward(gradient, { retainGraph: true });
    clean.backward(gradient, { retainGraph: true });
    expect(() => dirty.backward(gradient)).toThrow(modified);
  });

  it("names both ops when it is noticed", () => {
    const x = leaf([3], 1);
    const y = x.exp();
    const z = y.mul(2);
    noGrad(() => y.add_(1));
    expect(() => z.sum().backward()).toThrow(
      "the tensor of shape [3], which is output 0 of ExpBackward0, that exp saved as output is " +
      "at version 1; expected version 0 instead. It was last changed by add_");
  });

  it.each([
    ["add", (x: ReturnType<typeof leaf>) => x.add(1)],
    ["mul by a number", (x: ReturnType<typeof leaf>) => x.mul(3)],
    ["sum", (x: ReturnType<typeof leaf>) => x.sum()],
    ["sigmoid", (x: ReturnType<typeof leaf>) => x.sigmoid()],
    ["exp", (x: ReturnType<typeof leaf>) => x.exp()],
    ["tanh", (x: ReturnType<typeof leaf>) => x.tanh()],
    ["sqrt", (x: ReturnType<typeof leaf>) => x.sqrt()],
    ["relu", (x: ReturnType<typeof leaf>) => x.relu()],
  ])("to the input of %s is harmless (test_no_unnecessary_save)", (_, f) => {
    const reference = uniform([3], 1).abs().requiresGrad_();
    f(reference).sum().backward();
    const x = uniform([3], 1).abs().requiresGrad_();
    const y = f(x);
    noGrad(() => x.mul_(5));
    y.sum().backward();
    demandSame("grad", x.grad!, reference.grad!);
  });

  it.each([
    ["exp", (x: ReturnType<typeof leaf>) => x.exp()],
    ["sigmoid", (x: ReturnType<typeof leaf>) => x.sigmoid()],
    ["tanh", (x: ReturnType<typeof leaf>) => x.tanh()],
    ["relu", (x: ReturnType<typeof leaf>) => x.relu()],
    ["softmax", (x: ReturnType<typeof leaf>) => x.softmax(0)],
  ])("to the output of %s, which is saved, is refused by backward (§2.5)", (_, f) => {
    const y = f(leaf([3], 1));
    const z = y.sum();
    noGrad(() => y.add_(1));
    expect(() => z.backward()).toThrow(modified);
  });

  it.each([
    ["log", (x: ReturnType<typeof leaf>) => x.log()],
    ["sin", (x: ReturnType<typeof leaf>) => x.sin()],
    ["cos", (x: ReturnType<typeof leaf>) => x.cos()],
    ["pow", (x: ReturnType<typeof leaf>) => x.pow(3)],
  ])("to the input of %s, which is saved, is refused by backward (§2.5)", (_, f) => {
    const x = leaf([3], 1);
    const z = f(x).sum();
    noGrad(() => x.add_(1));
    expect(() => z.backward()).toThrow(modified);
  });

  it("to an operand of mul matters only if the other side needs a gradient (§2.5)", () => {
    const x = leaf([3], 1);
    const constant = uniform([3], 2);
    const y = x.mul(constant);
    noGrad(() => x.add_(1));
    y.sum().backward();
    demandSame("grad", x.grad!, constant);
  });

  it("is counted once, for the base and all views (test_version_counter)", () => {
    const x = tensor([1, 2]);
    const before = x._version;
    x.add_(1);
    expect(x._version).toBe(before + 1);
    const view = x.view(2, 1);
    expect(view._version).toBe(x._version);
    view.mul_(2);
    expect(x._version).toBe(before + 2);
    expect(x.tolist()).toEqual([4, 6]);
    expect(x.clone()._version).toBe(0);
    expect(x.detach()._version).toBe(before + 2);
  });

  it("through detach is noticed (test_detach_then_inplace_raises_in_autograd)", () => {
    const x = leaf([10], 1);
    const orig = uniform([10], 2);
    const y = orig.mul(x);
    orig.detach().zero_();
    expect(() => y.sum().backward()).toThrow(modified);
  });

  it("has the gradient of what it does", () => {
    const x = leaf([3], 1);
    const y = x.mul(2);
    y.mul_(x).add_(1);
    y.sum().backward();
    demandGrad(x.grad, x.mul(4));
  });

  it("moves retained gradients on to what was written (test_retain_grad_inplace)", () => {
    const y = leaf([2], 1).mul(2);
    y.retainGrad();
    y.mul_(3);
    expect(y.retainsGrad).toBe(true);
    y.sum().backward();
    demandGrad(y.grad, unit([2]));
  });

  it("of something that requires a gradient makes the target require one (§2.6)", () => {
    const x = leaf([3], 1);
    const y = uniform([3], 2);
    y.mul_(x);
    expect([y.requiresGrad, y.isLeaf]).toEqual([true, false]);
    y.sum().backward();
    demandGrad(x.grad, uniform([3], 2));
  });
});

describe("writing to parts", () => {
  it("makes the target require a gradient (test_leaf_assignment, test_setitem)", () => {
    const x = uniform([5, 5], 1);
    const [y, z] = [leaf([5], 2), leaf([5], 3)];
    x.indexPut_([0], y);
    x.indexPut_([1], z.mul(2));
    expect([x.requiresGrad, x.isLeaf]).toEqual([true, false]);
    x.sum().backward();
    demandGrad(y.grad, unit([5]));
    demandGrad(z.grad, unit([5]).mul(2));
  });

  it("takes the gradient from what is overwritten (test_setitem)", () => {
    const [x, y] = [leaf([3], 1), leaf([], 2)];
    const z = x.mul(2);
    z.indexPut_([1], y);
    z.mul(z).sum().backward();
    demandGrad(x.grad, x.mul(8).mul(tensor([1, 0, 1], { dtype: "float64" })));
    demandGrad(y.grad, y.mul(2));
  });

  it("reduces the gradient to the shape of the value (test_setitem_mask)", () => {
    const mask = tensor([[true, false], [true, true]]);
    const [x, y] = [leaf([2, 2], 1), leaf([1], 2)];
    const z = x.mul(1);
    z.indexPut_([mask], y);
    z.sum().backward();
    expect(x.grad!.tolist()).toEqual([[0, 1], [0, 0]]);
    expect(y.grad!.tolist()).toEqual([3]);
  });

  it("may use what is read from the same tensor (test_index_backward_does_not_save_tensor)", () => {
    const mask = tensor([true, false, false]);
    const x = leaf([3], 1);
    const y = x.add(0);
    y.indexPut_([mask], y.index(mask));
    y.backward(unit([3]));
    demandGrad(x.grad, unit([3]));
  });

  it("of a leaf is refused at the op (test_inplace_on_view_leaf_errors)", () => {
    const x = leaf([3], 1);
    const before = x.detach().clone();
    expect(() => x.indexPut_([0], 1))
      .toThrow("a leaf Variable that requires grad is being used in an in-place operation.");
    demandSame("the leaf", x.detach(), before);
  });
});

describe("a leaf that requires a gradient", () => {
  it("refuses writes while recording, before anything is changed (pytorch#2940)", () => {
    const x = leaf([3], 1);
    const before = x.detach().clone();
    expect(() => x.add_(1))
      .toThrow("add_: a leaf Variable that requires grad is being used in an in-place operation.");
    demandSame("the leaf", x.detach(), before);
    expect(x._version).toBe(0);
  });

  it("refuses writes to its views at the op (test_inplace_on_view_leaf_errors)", () => {
    const x = leaf([2, 3], 1);
    const before = x.detach().clone();
    const message = "a view of a leaf Variable that requires grad is being used in an in-place " +
      "operation.";
    expect(() => x.narrow(0, 0, 1).add_(1)).toThrow(message);
    expect(() => x.view(6).narrow(0, 1, 2).zero_()).toThrow(message);
    demandSame("the leaf", x.detach(), before);
    expect(x._version).toBe(0);
  });

  it("refuses writes to views made before it required one (test_no_requires_grad_inplace)", () => {
    const x = uniform([5, 5], 1);
    x.add_(5);
    const view = x.view(25);
    x.requiresGrad = true;
    expect(() => x.add_(5)).toThrow("a leaf Variable that requires grad");
    expect(() => view.add_(5)).toThrow("a view of a leaf Variable that requires grad");
    x.sum().backward();
    demandGrad(x.grad, unit([5, 5]));
  });

  it("takes writes under noGrad and stays a leaf", () => {
    const x = leaf([3], 1);
    const before = x.detach().clone();
    noGrad(() => { x.add_(1); x.narrow(0, 0, 1).mul_(2); });
    expect([x.isLeaf, x.requiresGrad, x._version]).toEqual([true, true, 2]);
    demandGrad(x.narrow(0, 1, 2), before.add(1).narrow(0, 1, 2));
  });
});

describe("views", () => {
  it("stay attached when their base is detached from (test_detach_base)", () => {
    const x = leaf([4, 4], 1);
    const base = x.mul(2);
    const view = base.narrow(0, 0, 2);
    const cut = base.detach();
    expect([cut.requiresGrad, cut.isLeaf, cut.gradFn]).toEqual([false, true, null]);
    expect(view.requiresGrad).toBe(true);
    view.sum().backward();
    const expected = zeros([4, 4], { dtype: "float64" });
    expected.narrow(0, 0, 2).add_(2);
    demandSame("grad", x.grad!, expected);
  });

  it("made by detach stop gradients (test_detach)", () => {
    const x = leaf([4], 1);
    const y = x.add(2).detach();
    const z = y.mul(4).add(x);
    z.sum().backward();
    demandGrad(x.grad, unit([4]));
  });

  it("refuse to be written to where elements share memory", () => {
    const x = tensor([1]);
    expect(() => x.expand(3).add_(1)).toThrow(
      "more than one element of the written-to tensor refers to a single memory location");
    expect(x.item()).toBe(1);
  });
});
