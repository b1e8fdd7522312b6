// `grad`: inputs, unused inputs, second order. Named after PyTorch's own tests.
import { describe, expect, it, vi } from "vitest";
import { autograd, backward, grad, ones, type Tensor } from "../../src/index.ts";
import { nodeOf, type Rule } from "../../src/autograd/node.ts";
import { table } from "../../src/internal.ts";
import { demandGrad, demandSame, leaf, uniform } from "./drawn.ts";

const unit = (shape: number[]) => ones(shape, { dtype: "float64" });

describe("grad", () => {
  it("gives Hessian products and leaves .grad alone (test_grad, test_hessian_vector)", () => {
    const [x, y] = [leaf([2, 2], 1), leaf([2, 2], 2)];
    const z = x.pow(2).add(y.mul(x)).add(y.pow(2));
    z.backward(unit([2, 2]), { createGraph: true });
    const [gx, gy] = [x.grad!, y.grad!];
    demandGrad(gx, x.mul(2).add(y));
    demandGrad(gy, x.add(y.mul(2)));
    const kept = [gx.clone(), gy.clone()];
    const [hx, hy] = grad([gx.mul(2).add(gy)], [x, y],
      { gradOutputs: unit([2, 2]) });
    demandGrad(hx, unit([2, 2]).mul(5));
    demandGrad(hy, unit([2, 2]).mul(4));
    demandSame("x.grad", x.grad!, kept[0]);
    demandSame("y.grad", y.grad!, kept[1]);
  });

  it("goes through steps of itself (test_grad_nonleaf)", () => {
    const start = leaf([2, 2], 1);
    const y = leaf([2, 2], 2);
    const f = (x: Tensor) => x.pow(2).mul(y).add(y.pow(2)).sum();
    let x = start;
    for (let i = 0; i < 5; i++) {
      const [gradient] = grad(f(x), x, { createGraph: true });
      demandGrad(gradient, x.mul(2).mul(y));
      expect(start.grad).toBeNull();
      expect(y.grad).toBeNull();
      x = x.add(gradient.mul(0.05));
    }
    x.sum().backward();
    // x₅ = x₀ (1 + 0.1 y)⁵
    const factor = y.detach().mul(0.1).add(1);
    demandGrad(start.grad, factor.pow(5));
    demandGrad(y.grad, start.detach().mul(0.5).mul(factor.pow(4)));
  });

  it("through intermediates in parts equals one backward (test_sharded_grad)", () => {
    const leaves = [1, 2, 3, 4].map((seed) => leaf([5, 5], seed));
    const loss = (list: readonly Tensor[]) => list
      .map((tensor, i) => tensor.mul(tensor).mul(i + 1).sum())
      .reduce((a, b) => a.add(b));
    const intermediates = leaves.map((tensor, i) => tensor.mul(i).add(tensor.mul(tensor)));
    const [first, second] = [intermediates.slice(0, 2), intermediates.slice(2)];
    const total = loss(intermediates);
    const gradients = [...grad(total, first, { retainGraph: true }), ...grad(total, second)];
    backward(intermediates, gradients);
    const expected = grad(loss(leaves.map((tensor, i) => tensor.mul(i).add(tensor.mul(tensor)))),
      leaves);
    leaves.forEach((tensor, i) => demandGrad(tensor.grad, expected[i]));
  });

  it("to an intermediate frees nothing behind it", () => {
    const x = leaf([3], 1);
    const y = x.mul(x);
    const [gy] = grad(y.mul(y), y, { gradOutputs: unit([3]) });
    const [gx] = grad(y, x, { gradOutputs: gy });
    demandGrad(gx, x.pow(3).mul(4));
  });

  it("of unused inputs is refused, null or zero (test_grad_unreachable)", () => {
    const [x, y] = [leaf([1], 1), leaf([1], 2)];
    const z = x.mul(2);
    const w = y.mul(2);
    const unused = grad(x.mul(2), [x, y], { allowUnused: true });
    demandGrad(unused[0], unit([1]).mul(2));
    expect(unused[1]).toBeNull();
    expect(grad(z, y, { allowUnused: true })).toEqual([null]);
    expect(() => grad(z, w)).toThrow(
      "grad: One of the differentiated Tensors appears to not have been used in the graph");
    expect(() => grad(z, w)).toThrow("Set allowUnused: true if this is the desired behavior.");
  });

  it("never runs nodes that lead to no input (test_grad_unreachable_discovery)", () => {
    const [x, y] = [leaf([1], 1), leaf([1], 2)];
    const rules = table.get("exp")!.definition.rules;
    const original = rules[0]!;
    const gradient = vi.fn(() => { throw new Error("must not be called"); });
    rules[0] = { reads: original.reads, gradient } as unknown as Rule;
    try {
      const z = y.exp().add(x.mul(3));
      demandGrad(grad(z, x)[0], unit([1]).mul(3));
      x.mul(3).add(y.exp()).backward(null, { inputs: x });
      expect(() => y.exp().backward()).toThrow("must not be called");
    } finally {
      rules[0] = original;
    }
    expect(gradient).toHaveBeenCalledTimes(1);
  });

  it("gives zeros that can be used on with materializeGrads (test_grad_materialize_grads)", () => {
    const [x, y] = [leaf([], 1), leaf([], 2)];
    const z = x.mul(2);
    const [gx, gy] = grad(z, [x, y], { materializeGrads: true, createGraph: true });
    expect([gx!.item(), gy!.item()]).toEqual([2, 0]);
    expect(() => grad(x.mul(2), y, { allowUnused: false, materializeGrads: true }))
      .toThrow("Expected allowUnused to be true or not passed when materializeGrads=true");
    const [second] = grad(gx!.add(y), y, { materializeGrads: true });
    expect(second!.item()).toBe(1);
  });

  it("of a tensor to itself is the cotangent, and repeats are repeated", () => {
    const x = leaf([3], 1);
    const y = x.exp();
    const gradOutputs = uniform([3], 2);
    const [gy, again] = grad(y, [y, y], { gradOutputs });
    demandSame("dy/dy", gy, gradOutputs);
    demandSame("dy/dy again", again, gradOutputs);
  });

  it("sums over outputs", () => {
    const x = leaf([3], 1);
    const [gx] = grad([x.mul(2).sum(), x.mul(3).sum()], x);
    expect(gx.tolist()).toEqual([5, 5, 5]);
  });

  it("reaches both of two inputs on one path (test_will_engine_execute)", () => {
    const x = leaf([3], 1);
    const y = x.exp();
    const [gx, gy] = grad(y.pow(2).sum(), [x, y]);
    demandGrad(gy, y.mul(2));
    demandGrad(gx, y.mul(y).mul(2));
  });

  it("keeps the history of higher orders: x³ at 2 gives 8, 12, 12, 6", () => {
    const x = ones([], { dtype: "float64" }).mul(2).requiresGrad_();
    let value = x.pow(3);
    const chain = [value.item()];
    for (let order = 0; order < 3; order++) {
      [value] = grad(value, x, { createGraph: true });
      chain.push(value.item());
    }
    expect(chain).toEqual([8, 12, 12, 6]);
  });

  it("without createGraph gives gradients without history", () => {
    const x = leaf([3], 1);
    const gradOutputs = leaf([3], 2);
    const [gx] = grad(x.mul(x), x, { gradOutputs });
    expect(gx.requiresGrad).toBe(false);
  });

  it("refuses bad calls (test_grad_badcalls, test_grad_empty_inputs)", () => {
    const x = leaf([], 1);
    const constant = uniform([], 2);
    expect(() => grad(constant, x)).toThrow(
      "grad: element 0 of tensors does not require grad and does not have a gradFn");
    expect(() => grad(x.mul(2), constant))
      .toThrow("grad: One of the differentiated Tensors does not require grad");
    expect(() => grad(x.mul(2), [])).toThrow("grad: grad requires non-empty inputs.");
    expect(() => grad(3 as unknown as Tensor, x)).toThrow("grad: outputs must be tensors, got 3");
    expect(nodeOf(x)!.isAccumulator).toBe(true);
  });
});

describe("autograd.*", () => {
  it("has PyTorch's names for the same functions", () => {
    expect(autograd.grad).toBe(grad);
    expect(autograd.backward).toBe(backward);
    expect(autograd.noGrad(() => autograd.isGradEnabled())).toBe(false);
  });
});
