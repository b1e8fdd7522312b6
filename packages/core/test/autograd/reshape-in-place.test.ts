// squeeze_, unsqueeze_, transpose_ and t_: tensors that take on another shape.
import { describe, expect, it } from "vitest";
import { noGrad, tensor } from "../../src/index.ts";
import { demandGrad, demandSame, leaf, uniform } from "./drawn.ts";

describe("a tensor that takes on another shape", () => {
  it.each([
    ["t_", [2, 3], [3, 2], "TransposeBackward0"],
    ["transpose_", [2, 3], [3, 2], "TransposeBackward0"],
    ["squeeze_", [2, 1, 3], [2, 3], "SqueezeBackward0"],
    ["unsqueeze_", [2, 3], [2, 1, 3], "UnsqueezeBackward0"],
  ] as const)("%s keeps its memory and has the gradient of the view", (op, before, after, node) => {
    const x = leaf(before, 1);
    const y = x.mul(2);
    const { storage } = y;
    const result = op === "t_" ? y.t_() : op === "transpose_" ? y.transpose_(0, 1) : y[op](1);
    expect(result).toBe(y);
    expect([y.shape, y.storage === storage, y._version, y.gradFn!.name])
      .toEqual([after, true, 1, node]);
    const weights = uniform(after, 3);
    y.mul(weights).sum().backward();
    const expected = op === "t_" || op === "transpose_" ? weights.t() : weights.reshape(before);
    demandGrad(x.grad, expected.mul(2));
  });

  it("stays the base of its views, whichever is written to", () => {
    const [x, w] = [leaf([2, 3], 1), leaf([3], 2)];
    const base = x.mul(1);
    const row = base.select(0, 1);
    base.mul_(2);
    base.t_();
    row.mul_(w); // shows what base was before t_
    demandSame("column", base.detach().select(1, 1), row.detach());
    base.select(0, 0).sum().backward();
    demandGrad(w.grad, x.select(0, 1).mul(tensor([2, 0, 0])));
    const expected = x.detach().mul(0);
    expected.select(1, 0).copy_(tensor([2, 2 * w.select(0, 0).item()], { dtype: "float64" }));
    demandGrad(x.grad, expected);
  });

  it("leaves views attached to what they show after detach_", () => {
    const x = leaf([2, 3], 1);
    const base = x.mul(1);
    const row = base.select(0, 1);
    base.mul_(2).detach_().t_();
    row.sum().backward();
    demandGrad(x.grad, tensor([[0, 0, 0], [2, 2, 2]], { dtype: "float64" }));
  });

  it("as a view leaves its base as it is", () => {
    const x = leaf([2, 3], 1);
    const base = x.mul(1);
    const view = base.narrow(1, 0, 2).t_();
    view.mul_(3);
    expect(base.shape).toEqual([2, 3]);
    base.sum().backward();
    demandGrad(x.grad, tensor([[3, 3, 1], [3, 3, 1]], { dtype: "float64" }));
  });

  it("keeps its retained gradient, in the new shape", () => {
    const y = leaf([2, 3], 1).mul(2);
    y.retainGrad();
    y.t_();
    y.sum().backward();
    expect(y.grad!.shape).toEqual([3, 2]);
  });

  it("is refused for leaves that require a gradient, in noGrad too, and for views of such", () => {
    const x = leaf([2, 3], 1);
    expect(() => x.t_()).toThrow("t_: a leaf Variable that requires grad");
    expect(() => x.narrow(0, 0, 1).squeeze_())
      .toThrow("squeeze_: a view of a leaf Variable that requires grad");
    expect(() => noGrad(() => x.t_())).toThrow("must keep its shape, which its gradient has");
    expect(x.shape).toEqual([2, 3]);
  });

  it("is refused when it was saved: the version counts (as in PyTorch)", () => {
    const y = leaf([2, 3], 1).mul(2);
    const loss = y.mul(y).sum();
    y.t_();
    expect(() => loss.backward()).toThrow("It was last changed by t_");
  });
});
