// Writing through views: whose history changes, what is refused, hooks and retained gradients.
import { describe, expect, it } from "vitest";
import { autograd, grad, noGrad, ones, tensor, type Tensor } from "../../src/index.ts";
import { Function } from "../../src/autograd/function.ts";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import { demandGrad, demandSame, leaf, uniform } from "./drawn.ts";

const unit = (shape: number[]) => ones(shape, { dtype: "float64" });
const pair = (a: number, b: number) => tensor([a, b], { dtype: "float64" });

/** @throws unless the call is refused with the message and nothing was changed by it */
function demandRefused(target: Tensor, call: () => unknown, message: string): void {
  const [values, version] = [target.detach().clone(), target._version];
  expect(call).toThrow(message);
  demandSame("values", target.detach(), values);
  expect(target._version).toBe(version);
}

describe("a write to a view", () => {
  it("changes the history of the base, and its own, as PyTorch does (§2.6)", () => {
    const base = leaf([3], 1).clone();
    const before = base.gradFn;
    const view = base.select(0, 1);
    view.mul_(2);
    expect(base.gradFn!.name).toBe("CopySlices");
    expect(base.gradFn!.nextFunctions[0]).toEqual([before, 0]);
    expect(view.gradFn!.name).toBe("AsStridedBackward0");
    expect(view.gradFn!.nextFunctions).toEqual([[base.gradFn, 0]]);
    expect(view._base).toBe(base);
  });

  it("makes a base require a gradient that did not, and all views of it (§2.6)", () => {
    const w = leaf([], 1);
    const base = uniform([3], 2);
    const [view, other] = [base.narrow(0, 0, 2), base.select(0, 1)];
    expect([base, view, other].some(({ requiresGrad }) => requiresGrad)).toBe(false);
    view.mul_(w);
    expect([base, view, other].map(({ requiresGrad, isLeaf }) => requiresGrad && !isLeaf))
      .toEqual([true, true, true]);
    other.backward();
    demandGrad(w.grad, uniform([3], 2).select(0, 1));
  });

  it("that is not recorded leaves all histories alone", () => {
    const base = leaf([3], 1).clone();
    const view = base.select(0, 1);
    const histories = [base.gradFn, view.gradFn];
    noGrad(() => view.mul_(2));
    expect([base.gradFn, view.gradFn]).toEqual(histories);
    const plain = uniform([3], 1);
    plain.select(0, 1).mul_(2);
    expect(plain.requiresGrad).toBe(false);
  });

  it("leaves views that are made after it the history of their making", () => {
    const base = leaf([3], 1).clone();
    base.select(0, 1).mul_(2);
    expect(base.narrow(0, 1, 2).gradFn!.name).toBe("NarrowBackward0");
  });

  it("gives other views the history of the base only when they are asked for it", () => {
    const base = leaf([3], 1).clone();
    const other = base.narrow(0, 1, 2);
    base.select(0, 1).mul_(2);
    base.select(0, 2).mul_(3);
    const { gradFn } = other;
    expect(gradFn!.nextFunctions[0][0]).toBe(base.gradFn);
    expect(other.gradFn).toBe(gradFn);
  });

  it("of a base whose memory is not row-major reaches the right elements", () => {
    const w = leaf([2], 1);
    const base = uniform([3, 2], 2).t().detach(); // [2, 3], strides [1, 2]
    const row = base.select(0, 1);
    const flat = base.t().view(6);
    flat.narrow(0, 2, 2).mul_(w); // column 1
    row.mul_(2);
    base.sum().backward();
    const column = uniform([3, 2], 2).select(0, 1);
    demandGrad(w.grad, column.mul(pair(1, 2)));
  });

  it("counts once for the base, all views and detach (§2.5)", () => {
    const base = leaf([3], 1).clone();
    const [view, cut] = [base.select(0, 1), base.detach()];
    view.mul_(2);
    cut.zero_();
    base.add_(1);
    expect([base, view, cut, base.narrow(0, 0, 1)].map(({ _version }) => _version))
      .toEqual([3, 3, 3, 3]);
    expect(base.clone()._version).toBe(0);
  });

  it("to something saved is found at backward, with both ops (§8 item 4)", () => {
    const base = leaf([2, 2], 1).clone();
    const loss = base.mul(base).sum();
    base.select(0, 1).zero_();
    expect(() => loss.backward()).toThrow(
      "the tensor of shape [2, 2], which is output 0 of CloneBackward0, that mul saved as other " +
      "is at version 1; expected version 0 instead. It was last changed by zero_");
  });

  it("does not disturb what was computed before and saved nothing of it", () => {
    const x = leaf([3], 1);
    const base = x.mul(2);
    const before = base.narrow(0, 0, 2).sum();
    base.select(0, 0).zero_();
    before.add(base.sum()).backward();
    demandGrad(x.grad, tensor([2, 4, 2], { dtype: "float64" }));
  });

  it("has second derivatives", () => {
    const x = leaf([3], 1);
    const base = x.mul(1);
    base.narrow(0, 1, 2).mul_(x.narrow(0, 0, 2));
    // [x0, x1 x0, x2 x1]: the sum of squares
    const [first] = grad(base.square().sum(), x, { createGraph: true });
    const [second] = grad(first.select(0, 0), x);
    const [a, b] = x.tolist<number[]>();
    demandGrad(second, tensor([2 + 2 * b * b, 4 * a * b, 0], { dtype: "float64" }));
  });

  it("can be one of very many", () => {
    const x = leaf([2], 1);
    const base = x.clone();
    const [first, second] = [base.select(0, 0), base.select(0, 1)];
    for (let i = 0; i < 5_000; i++) {
      first.mul_(-1);
      second.add_(first);
    }
    base.sum().backward();
    demandGrad(x.grad, pair(1, 1)); // −1, 1, −1, … added up to 0
  });
});

describe("a recorded write to a base", () => {
  it("reaches views that were made before", () => {
    const x = leaf([3], 1);
    const base = x.mul(2);
    const view = base.narrow(0, 0, 2);
    base.mul_(x);
    view.sum().backward();
    demandGrad(x.grad, x.mul(4).mul(tensor([1, 1, 0])));
  });

  it("by indexPut_, copy_ and random draws reaches them too", () => {
    const [x, y] = [leaf([3], 1), leaf([], 2)];
    const base = x.mul(2);
    const view = base.narrow(0, 0, 2);
    base.indexPut_([0], y);
    view.sum().backward({ retainGraph: true });
    demandGrad(x.grad, tensor([0, 2, 0], { dtype: "float64" }));
    demandGrad(y.grad, unit([]));
    base.copy_(x);
    expect(grad(view.sum(), x, { retainGraph: true })[0].tolist()).toEqual([1, 1, 0]);
    base.uniform_();
    expect(grad(view.sum(), x)[0].tolist()).toEqual([0, 0, 0]);
  });

  it("leaves views attached to what they were written with after detach_ (test_detach_base)", () => {
    const x = leaf([3], 1);
    const base = x.mul(1);
    const view = base.narrow(0, 0, 2);
    base.mul_(3);
    base.detach_();
    expect([base.requiresGrad, view.requiresGrad, view._base === base]).toEqual([false, true, true]);
    view.sum().backward();
    demandGrad(x.grad, tensor([3, 3, 0], { dtype: "float64" }));
  });
});

describe("what is refused, before anything is changed", () => {
  it("views of a leaf, also by indexed assignment (test_inplace_on_view_leaf_errors)", () => {
    const x = leaf([2, 3], 1);
    const message = "a view of a leaf Variable that requires grad is being used in an in-place " +
      "operation.";
    demandRefused(x, () => x.select(0, 0).add_(1), message);
    demandRefused(x, () => x.t().select(0, 0).copy_(unit([2])), message);
    demandRefused(x, () => x.select(0, 0).indexPut_([0], 1), message);
    demandRefused(x, () => x.select(0, 0).uniform_(), message);
    demandRefused(x, () => x.indexPut_([0], 1), "a leaf Variable that requires grad");
    noGrad(() => x.select(0, 0).zero_());
    expect(x.select(0, 0).tolist()).toEqual([0, 0, 0]);
  });

  const many = " is a view and is being modified inplace. This view is the output of a function " +
    "that returns multiple views. Such functions do not allow the output views to be modified " +
    "inplace. You should replace the inplace operation by an out-of-place one.";

  it.each([
    ["unbind", (x: Tensor) => x.unbind(), "Output 1 of UnbindBackward0"],
    ["chunk", (x: Tensor) => x.chunk(2), "Output 1 of SplitBackward0"],
    ["split", (x: Tensor) => x.split(2), "Output 1 of SplitBackward0"],
    ["split by sizes", (x: Tensor) => x.split([1, 3]), "Output 1 of SplitWithSizesBackward0"],
  ])("one of several views by %s, and views of it", (_, views, output) => {
    const base = leaf([4, 2], 1).clone();
    const view = views(base)[1];
    demandRefused(base, () => view.mul_(2), output + many);
    demandRefused(base, () => view.select(0, 0).mul_(2), output + many);
    const plain = uniform([4, 2], 1);
    views(plain)[1].mul_(2); // not recorded
    demandRefused(plain, () => views(plain)[1].mul_(leaf([], 2)), output + many);
    noGrad(() => view.mul_(2));
  });

  it("nothing of tensorSplit, which PyTorch makes of slices", () => {
    const x = leaf([4], 1);
    const base = x.clone();
    base.tensorSplit(2)[1].mul_(2);
    base.sum().backward();
    demandGrad(x.grad, tensor([1, 1, 2, 2], { dtype: "float64" }));
  });

  it("outputs of several views still show what is written to the base", () => {
    const x = leaf([3], 1);
    const base = x.clone();
    const parts = base.unbind();
    base.mul_(x);
    parts[1].backward();
    demandGrad(x.grad, x.mul(tensor([0, 2, 0])));
  });

  it("a view made in noGrad of what has a history", () => {
    const base = leaf([3], 1).clone();
    const view = noGrad(() => base.narrow(0, 0, 2));
    const message = "A view was created in noGrad mode and is being modified inplace with grad " +
      "mode enabled. Given that this use case is ambiguous and error-prone, it is forbidden.";
    demandRefused(base, () => view.mul_(2), message);
    demandRefused(base, () => view.mul_(leaf([], 2)), message);
    demandRefused(base, () => view.select(0, 0).mul_(2), message);
    noGrad(() => view.mul_(2));
    base.mul_(2);
    expect(() => view.add(1)).toThrow("A view was created in noGrad mode and its base or another " +
      "view of its base has been modified inplace with grad mode enabled.");
  });

  it("nothing of a view made in noGrad of what has none", () => {
    const w = leaf([], 1);
    const base = uniform([3], 2);
    noGrad(() => base.narrow(0, 0, 2)).mul_(w);
    base.sum().backward();
    demandGrad(w.grad, uniform([3], 2).narrow(0, 0, 2).sum());
  });

  class Flat extends Function {
    static forward(_: FunctionContext, x: Tensor): Tensor { return x.view(-1); }
    static backward(_: FunctionContext, g: Tensor): Tensor { return g.view(2, 2).mul(10); }
  }

  it("a view that a custom function gives, also through its base", () => {
    const base = leaf([2, 2], 1).clone();
    const view = Flat.apply(base);
    const message = "This view was created inside a custom Function (or because an input was " +
      "returned as-is)";
    demandRefused(base, () => view.mul_(2), `Output 0 of FlatBackward is a view and is being ` +
      `modified inplace. ${message}`);
    base.mul_(2);
    expect(() => view.sum()).toThrow("Output 0 of FlatBackward is a view and its base or another " +
      `view of its base has been modified inplace. ${message}`);
  });

  it("elements that share memory, in the view or in its base", () => {
    const base = leaf([3, 1], 1).clone();
    const message = "more than one element of the written-to tensor refers to a single memory " +
      "location";
    demandRefused(base, () => base.expand(3, 4).mul_(2), message);
    demandRefused(base, () => base.expand(3, 4).indexPut_([0], 1), message);
    demandRefused(base, () => base.view(3).unfold(0, 2, 1).zero_(), message);
    const repeated = uniform([1], 1).expand(3).detach();
    demandRefused(repeated, () => repeated.select(0, 0).mul_(leaf([], 2)),
      "more than one element of the base of the written-to view refers to a single memory location");
  });

  it("detach_ of a view (§2.3)", () => {
    const view = leaf([3], 1).clone().narrow(0, 0, 2);
    expect(() => view.detach_()).toThrow("Can't detach views in-place");
    expect(view.requiresGrad).toBe(true);
  });
});

describe("hooks and retained gradients", () => {
  it("retainGrad follows the newest version of base and views (test_retain_grad_inplace_over_view)",
    () => {
      const base = leaf([1], 1).clone();
      const [view, other] = [base.view(1), base.view(1)];
      for (const one of [base, view, other]) one.retainGrad();
      view.mul_(4);
      view.add(other).sum().backward();
      expect([base, view, other].map((one) => one.retainsGrad)).toEqual([true, true, true]);
      expect([base, view, other].map((one) => one.grad!.item())).toEqual([2, 1, 1]);
    });

  it("a hook stays with the version it was registered on (test_tensor_hooks_inplace, §0.3)", () => {
    const a = leaf([1], 1);
    const base = a.mul(2);
    const seen: string[] = [];
    base.registerHook((g) => { seen.push(`first ${g.item()}`); });
    base.view(1).mul_(4);
    base.registerHook((g) => { seen.push(`second ${g.item()}`); });
    base.sum().backward();
    expect(seen).toEqual(["second 1", "first 4"]);
    expect(a.grad!.item()).toBe(8);
  });

  it("a hook on a view sees what arrives through that view", () => {
    const base = leaf([2], 1).clone();
    const view = base.narrow(0, 0, 1);
    view.mul_(2);
    const seen: number[] = [];
    view.registerHook((g) => { seen.push(g.item()); });
    view.mul(3).sum().add(base.sum()).backward();
    expect(seen).toEqual([3]);
  });
});

describe("custom functions that write", () => {
  class Double extends Function {
    static forward(ctx: FunctionContext, x: Tensor): Tensor {
      ctx.markDirty(x);
      return x.mul_(2);
    }
    static backward(_: FunctionContext, g: Tensor): Tensor { return g.mul(2); }
  }

  it("to a view hand their gradient on to the base", () => {
    const x = leaf([3], 1);
    const base = x.clone();
    const view = base.narrow(0, 0, 2);
    expect(Double.apply(view)).toBe(view);
    base.sum().backward();
    demandGrad(x.grad, tensor([2, 2, 1], { dtype: "float64" }));
  });

  class DoubleBoth extends Function {
    static forward(ctx: FunctionContext, a: Tensor, b: Tensor): Tensor[] {
      ctx.markDirty(a, b);
      return [a.mul_(2), b.mul_(2)];
    }
    static backward(_: FunctionContext, a: Tensor, b: Tensor): Tensor[] {
      return [a.mul(2), b.mul(2)];
    }
  }

  it("to several views of one base at once hand on the gradients of all", () => {
    const x = leaf([3], 1);
    const base = x.clone();
    DoubleBoth.apply(base.select(0, 0), base.select(0, 2));
    base.sum().backward();
    demandGrad(x.grad, tensor([2, 1, 2], { dtype: "float64" }));
  });

  it("to a base hand it on to its views", () => {
    const x = leaf([3], 1);
    const base = x.clone();
    const view = base.narrow(0, 0, 2);
    Double.apply(base);
    view.sum().backward();
    demandGrad(x.grad, tensor([2, 2, 0], { dtype: "float64" }));
  });
});

describe("gradients as tensors", () => {
  it("may be written to, though rules have made views of them", () => {
    const [x, w] = [leaf([2, 3], 1), leaf([], 2)];
    const [g] = autograd.grad(x.t().mul(2).sum(), x);
    g.mul_(w);
    g.sum().backward();
    demandGrad(w.grad, tensor(12, { dtype: "float64" }));
  });
});
