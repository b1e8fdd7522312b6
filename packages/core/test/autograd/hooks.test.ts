// Hooks on tensors, and gradients kept in computed tensors.
import { describe, expect, it, vi } from "vitest";
import { grad, ones, tensor, type HookHandle, type Tensor } from "../../src/index.ts";
import { demandGrad, leaf } from "./drawn.ts";

const unit = (shape: number[]) => ones(shape, { dtype: "float64" });

describe("registerHook", () => {
  it("sees and replaces gradients until removed (test_hooks)", () => {
    const x = ones([5, 5], { dtype: "float64", requiresGrad: true });
    const y = unit([5, 5]).mul(4).requiresGrad_();
    let counter = 0;
    const count = (step: number) => (gradient: Tensor) => {
      expect(gradient.shape).toEqual([5, 5]);
      counter += step;
    };
    const z = x.pow(2).add(x.mul(2)).add(x.mul(y)).add(y);
    x.registerHook(count(0));
    const first = z.registerHook(count(1));
    z.backward(unit([5, 5]), { retainGraph: true });
    expect(counter).toBe(1);
    const second = z.registerHook(count(2));
    z.backward(unit([5, 5]), { retainGraph: true });
    expect(counter).toBe(4);
    second.remove();
    second.remove();
    z.backward(unit([5, 5]), { retainGraph: true });
    expect(counter).toBe(5);
    first.remove();
    const double = (gradient: Tensor) => gradient.mul(2);
    const modifying = z.registerHook(double);
    y.grad = null;
    z.backward(unit([5, 5]), { retainGraph: true });
    demandGrad(y.grad, x.add(1).mul(2));
    z.registerHook(double);
    y.grad = null;
    z.backward(unit([5, 5]), { retainGraph: true });
    demandGrad(y.grad, x.add(1).mul(4));
    modifying.remove();
    y.grad = null;
    z.backward(unit([5, 5]));
    demandGrad(y.grad, x.add(1).mul(2));
  });

  it("runs once per backward with the total gradient, in order of registration", () => {
    const x = leaf([2], 1);
    const seen: number[][] = [];
    x.registerHook((gradient) => { seen.push(gradient.tolist()); return gradient.mul(10); });
    x.registerHook((gradient) => { seen.push(gradient.tolist()); });
    x.mul(2).add(x.mul(3)).sum().backward();
    expect(seen).toEqual([[5, 5], [50, 50]]);
    expect(x.grad!.tolist()).toEqual([50, 50]);
  });

  it("may change the gradient in place", () => {
    const x = leaf([2], 1);
    x.registerHook((gradient) => { gradient.mul_(3); });
    x.mul(2).sum().backward();
    expect(x.grad!.tolist()).toEqual([6, 6]);
  });

  it("may remove itself and others while the pass runs", () => {
    const x = leaf([2], 1);
    const handles: HookHandle[] = [];
    const late = vi.fn();
    handles.push(x.registerHook(() => { for (const handle of handles) handle.remove(); }));
    handles.push(x.registerHook(late));
    x.sum().backward();
    x.sum().backward();
    expect(late.mock.calls.length).toBeLessThanOrEqual(1);
    expect(x.grad!.tolist()).toEqual([2, 2]);
  });

  it("of inputs runs in grad too (test_hook_edge_case_when_called_with_grad)", () => {
    const x = leaf([2], 1);
    const y = x.mul(2);
    let runs = 0;
    x.registerHook((gradient) => { runs++; return gradient.mul(10); });
    y.registerHook(() => { runs++; });
    expect(grad(y.sum(), x)[0].tolist()).toEqual([20, 20]);
    expect(runs).toBe(2);
    expect(x.grad).toBeNull();
  });

  it("refuses what a gradient cannot be (test_hooks)", () => {
    const x = leaf([2], 1);
    const refused: [(gradient: Tensor) => unknown, string][] = [
      [function wider() { return unit([3]); }, "hook 'wider' has changed the size of value"],
      [function typed() { return ones([2]); }, "hook 'typed' has changed the type of value"],
      [function plain() { return 3; }, "hook 'plain' must return a tensor or nothing, got 3"],
    ];
    for (const [hook, message] of refused) {
      const y = x.mul(2);
      y.registerHook(hook as (gradient: Tensor) => Tensor);
      expect(() => y.sum().backward()).toThrow(message);
    }
    expect(x.grad).toBeNull();
    expect(() => tensor([1]).registerHook(() => {}))
      .toThrow("cannot register a hook on a tensor that doesn't require gradient");
    expect(() => x.registerHook(3 as never)).toThrow("a hook is a function of the gradient, got 3");
  });
});

describe("retainGrad", () => {
  it("keeps and accumulates, is idempotent and nothing on leaves (test_retain_grad)", () => {
    const input = leaf([1, 3], 1);
    const h1 = input.mul(3);
    const out = h1.mul(h1).sum();
    h1.retainGrad();
    h1.retainGrad();
    out.backward(null, { retainGraph: true });
    demandGrad(h1.grad, h1.mul(2));
    out.backward(null, { retainGraph: true });
    demandGrad(h1.grad, h1.mul(4));
    input.grad = null;
    input.retainGrad();
    input.retainGrad();
    out.backward();
    demandGrad(input.grad, input.mul(18));
    expect([h1.retainsGrad, input.retainsGrad]).toEqual([true, false]);
  });

  it("sees what all hooks leave, whenever they were registered " +
    "(test_retains_grad_can_always_observe_tensor_prehook)", () => {
    const x = tensor([1], { requiresGrad: true });
    const y = x.clone();
    y.registerHook((gradient) => gradient.add(1));
    y.retainGrad();
    y.registerHook((gradient) => gradient.mul(2));
    y.sum().backward();
    expect(y.grad!.item()).toBe(4);
  });

  it("works in graphs that grad goes through", () => {
    const x = leaf([2], 1);
    const y = x.mul(2);
    y.retainGrad();
    grad(y.mul(y).sum(), x);
    demandGrad(y.grad, y.mul(2));
  });

  it("refuses a tensor without gradient", () => {
    expect(() => tensor([1]).retainGrad())
      .toThrow("can't retainGrad on Tensor that has requiresGrad=false");
  });
});
