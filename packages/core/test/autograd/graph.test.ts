// The graph as data, and the walk over it: depth, sharing, order, re-entry, memory.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import {
  enableGrad, isGradEnabled, noGrad, ones, tensor, type Tensor,
} from "../../src/index.ts";
import { demandGrad, leaf, uniform } from "./drawn.ts";

const unit = (shape: number[]) => ones(shape, { dtype: "float64" });

describe("the walk", () => {
  it("goes through 150,000 ops without recursion (test_free_deep_graph)", () => {
    const x = tensor([1], { dtype: "float64", requiresGrad: true });
    let y = x.mul(1);
    for (let i = 0; i < 150_000; i++) y = y.add(1e-6);
    y.sum().backward();
    expect(x.grad!.item()).toBe(1);
  });

  it("goes through a deep graph with skip connections (test_free_deep_graph_complicated)", () => {
    const x = tensor([1], { dtype: "float64", requiresGrad: true });
    let [previous, current] = [x.mul(1), x.mul(1)];
    for (let i = 0; i < 20_000; i++) {
      [previous, current] = [current, current.mul(0.5).add(previous.mul(0.5))];
    }
    current.sum().backward();
    expect(x.grad!.item()).toBe(1); // weights ½ + ½ of tensors that equal x
  });

  it("visits each node once: 60 levels of diamonds are linear, not 2⁶⁰", () => {
    const x = tensor([1], { dtype: "float64", requiresGrad: true });
    let y = x.mul(1);
    let runs = 0;
    for (let level = 0; level < 60; level++) {
      y.registerHook(() => { runs++; });
      y = y.mul(0.5).add(y.mul(0.5));
    }
    y.sum().backward();
    expect(x.grad!.item()).toBe(1);
    expect(runs).toBe(60);
  });

  it("runs newer nodes first (test_will_engine_execute_node)", () => {
    const x = leaf([2], 1);
    const order: number[] = [];
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => {
      const part = x.mul(i + 1);
      part.registerHook(() => { order.push(i); });
      return part;
    });
    d.add(b).add(a.add(c)).sum().backward();
    expect(order).toEqual([3, 2, 1, 0]);
  });

  it("may be entered again from within (test_simple_reentrant)", () => {
    const x = leaf([2, 2], 1);
    const inner = leaf([2, 2], 2);
    const y = x.mul(3);
    y.registerHook((gradient) => {
      expect(isGradEnabled()).toBe(false);
      enableGrad(() => inner.mul(inner)).backward(gradient);
      expect(isGradEnabled()).toBe(false);
    });
    y.backward(unit([2, 2]));
    demandGrad(x.grad, unit([2, 2]).mul(3));
    demandGrad(inner.grad, inner.mul(2));
  });

  it("passes an inner exception on and restores modes (test_reentrant_child_error)", () => {
    const x = leaf([2], 1);
    const y = x.mul(x);
    const handle = y.registerHook(() => { throw new RangeError("from the hook"); });
    expect(() => y.sum().backward()).toThrow(RangeError);
    expect(isGradEnabled()).toBe(true);
    noGrad(() => expect(() => y.sum().backward()).toThrow("does not require grad"));
    handle.remove();
    y.sum().backward();
    demandGrad(x.grad, x.mul(2));
  });
});

describe("nodes", () => {
  it("lead to one accumulator per leaf, none for constants (test_next_functions)", () => {
    const [x, y] = [leaf([5], 1), leaf([5], 2)];
    const a = x.add(y);
    const accumulators = a.gradFn!.nextFunctions;
    expect(accumulators.map(([node, index]) => [node!.name, index]))
      .toEqual([["AccumulateGrad", 0], ["AccumulateGrad", 0]]);
    const b = a.add(5);
    expect(b.gradFn!.nextFunctions[0][0]).toBe(a.gradFn);
    expect(b.gradFn!.nextFunctions[1]).toEqual([null, 0]);
    const c = x.mul(uniform([5], 3));
    expect(c.gradFn!.nextFunctions[0][0]).toBe(accumulators[0][0]);
    expect(c.gradFn!.nextFunctions[1]).toEqual([null, 0]);
  });

  it("are named as in PyTorch", () => {
    const x = leaf([2, 2], 1);
    expect([x.add(1), x.mul(x), x.sum(), x.exp(), x.transpose(0, 1)].map((y) => y.gradFn!.name))
      .toEqual(["AddBackward0", "MulBackward0", "SumBackward0", "ExpBackward0",
        "TransposeBackward0"]);
    expect(x.gradFn).toBeNull();
  });

  it("hold no tensors but what rules read", () => {
    const [x, y] = [leaf([3], 1), leaf([3], 2)];
    const saved = (tensor: Tensor) => tensor.gradFn!.saved!.map(({ name }) => name).sort();
    expect(saved(x.add(y))).toEqual([]);
    expect(saved(x.sum())).toEqual([]);
    expect(saved(x.mul(y))).toEqual(["input", "other"]);
    expect(saved(x.mul(y.detach()))).toEqual(["other"]);
    expect(saved(x.exp())).toEqual(["output"]);
    expect(saved(x.sin())).toEqual(["input"]);
  });

  it("let go of what they saved when backward has passed", () => {
    const x = leaf([3], 1);
    const y = x.mul(x);
    y.sum().backward();
    expect(y.gradFn!.saved).toBeNull();
  });
});

describe("memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;

  /** Bytes in use after a collection: V8's heap and the arrays outside it. */
  function bytesInUse(): number {
    collect();
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  }

  it("stays flat over 10,000 synchronous training steps", () => {
    const weight = leaf([8, 8], 1);
    const input = uniform([4, 8], 2);
    const train = (steps: number) => {
      for (let i = 0; i < steps; i++) {
        const loss = input.matmul(weight).tanh().pow(2).sum();
        loss.backward();
        noGrad(() => weight.add_(weight.grad!, { alpha: -0.01 }));
        weight.grad = null;
      }
    };
    train(500);
    const before = bytesInUse();
    train(10_000);
    // One step makes 20 tensors of 64 float64: a leak of one tensor per step would be 5 MB.
    expect(bytesInUse() - before).toBeLessThan(1_000_000);
  });
});
