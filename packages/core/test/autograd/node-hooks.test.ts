// Hooks on nodes and on leaves that have accumulated: order, replacement and removal.
import { describe, expect, it, vi } from "vitest";
import { Function } from "../../src/autograd/function.ts";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import {
  enableGrad, grad, noGrad, tensor, type NodeGradients, type Node, type Tensor,
} from "../../src/index.ts";
import { leaf } from "./drawn.ts";

const scalar = () => tensor(1, { requiresGrad: true });

/** The node that adds to `.grad` of the leaf that a tensor was computed from. */
const accumulatorOf = (computed: Tensor): Node => computed.gradFn!.nextFunctions[0][0]!;

const scaled = (factor: number) => (gradients: NodeGradients) =>
  gradients.map((gradient) => gradient && gradient.mul(factor));

describe("hooks of nodes", () => {
  it("see and replace gradients until removed (test_hooks_cpp, test_node_post_hook)", () => {
    const x = scalar();
    const y = x.square();
    const seen: string[] = [];
    const note = (kind: string) => (...lists: NodeGradients[]) => {
      seen.push(`${kind} ${lists.map((list) => list.map((gradient) => gradient?.item()))}`);
    };
    const handles = [
      y.gradFn!.registerPrehook(note("pre")), y.gradFn!.registerPrehook(scaled(10)),
      y.gradFn!.registerHook(note("post")), y.gradFn!.registerHook(scaled(2)),
      y.gradFn!.registerHook(note("last")),
    ];
    y.backward(null, { retainGraph: true });
    expect(seen).toEqual(["pre 1", "post 20,10", "last 40,10"]);
    expect(x.grad!.item()).toBe(40);
    for (const handle of [...handles, ...handles]) handle.remove();
    y.backward();
    expect(x.grad!.item()).toBe(42);
    expect(seen).toHaveLength(3);
  });

  it("come after those of tensors, which grad runs alone for its inputs (test_prehook_ordering)",
    () => {
      let log: number[] = [];
      const hook1 = (gradient: Tensor) => { log.push(1); return gradient.mul(3); };
      const hook2 = (gradients: NodeGradients) => { log.push(2); return scaled(2)(gradients); };
      const a = scalar();
      const b = a.clone();
      b.gradFn!.registerPrehook(hook2);
      b.registerHook(hook1);
      b.gradFn!.registerPrehook(hook2);
      const accumulator = accumulatorOf(b);
      a.registerHook(hook1);
      accumulator.registerPrehook(hook2);
      a.registerHook(hook1);
      b.sum().backward(null, { retainGraph: true });
      expect(log).toEqual([1, 2, 2, 1, 1, 2]);
      expect(a.grad!.item()).toBe(3 * 2 * 2 * 3 * 3 * 2);
      log = [];
      grad(b.sum(), a, { retainGraph: true });
      expect(log).toEqual([1, 2, 2, 1, 1]);
      log = [];
      b.sum().backward(null, { inputs: b });
      expect(log).toEqual([1, 2, 2]);
      expect(b.grad!.item()).toBe(3);
    });

  it("run where the node runs (test_hook_edge_case_when_called_with_grad)", () => {
    const a = scalar();
    const b = a.mul(2);
    const c = b.mul(2);
    const [ofTensor, before, after] = [vi.fn(), vi.fn(), vi.fn()];
    a.registerHook(ofTensor);
    b.registerHook(ofTensor);
    for (const node of [accumulatorOf(b), b.gradFn!]) {
      node.registerHook(after);
      node.registerPrehook(before);
    }
    const counts = (run: () => void) => {
      for (const hook of [ofTensor, before, after]) hook.mockClear();
      run();
      return [ofTensor, before, after].map((hook) => hook.mock.calls.length);
    };
    expect(counts(() => grad(c, [b], { retainGraph: true }))).toEqual([1, 0, 0]);
    expect(counts(() => grad(c, [a, b], { retainGraph: true }))).toEqual([2, 1, 1]);
    expect(counts(() => c.backward(null, { retainGraph: true }))).toEqual([2, 2, 2]);
    expect(counts(() => c.backward(null, { inputs: a }))).toEqual([2, 2, 2]);
  });

  it("are given one gradient per output and input, null where there is none", () => {
    class Both extends Function {
      static forward(_: FunctionContext, x: Tensor, factor: number): Tensor[] {
        return [x.mul(factor), x.add(factor)];
      }
      static backward(_: FunctionContext, first: Tensor, second: Tensor): (Tensor | null)[] {
        return [first.mul(2).add(second), null];
      }
    }
    const x = scalar();
    const [doubled] = Both.apply(x, 2);
    const items = (list: NodeGradients) => list.map((gradient) => gradient?.item());
    const seen: unknown[] = [];
    doubled.gradFn!.registerHook((...lists) => { seen.push(...lists.map(items)); });
    doubled.backward();
    const y = x.mul(3);
    y.gradFn!.registerHook((inputs) => { seen.push(items(inputs)); });
    y.backward();
    expect(seen).toEqual([[2], [1, undefined], [3, undefined]]);
  });

  it("can be differentiated through with createGraph", () => {
    const x = tensor(3, { requiresGrad: true });
    const y = x.mul(x);
    y.gradFn!.registerHook(([first, second]) => [first!.mul(first!), second]);
    const [first] = grad(y, x, { createGraph: true }); // x² + x
    expect(first.item()).toBe(12);
    expect(grad(first, x)[0].item()).toBe(7);
  });

  it("may begin a backward pass (test_simple_reentrant)", () => {
    const x = scalar();
    const y = x.mul(2);
    const other = scalar();
    y.gradFn!.registerHook(() => { enableGrad(() => other.mul(5).backward()); });
    y.backward();
    expect([x.grad!.item(), other.grad!.item()]).toEqual([2, 5]);
  });

  it.each<[string, () => unknown, string]>([
    ["too many", () => [null, null, null], "returned an incorrect number of values (got 3, but"],
    ["a number", () => [3, null], "must return a tensor or nothing, got 3"],
    ["another shape", () => [tensor([1, 2, 3]), null], "has changed the size of value: [] became"],
    ["another dtype", () => [tensor(1, { dtype: "float64" }), null], "the type of value: float32"],
    ["something for nothing", () => [tensor(1), tensor(1)], "can't replace a null gradient"],
  ])("refuse %s", (_, hook, message) => {
    const x = scalar();
    const y = x.mul(tensor(2));
    y.gradFn!.registerHook(hook as never);
    expect(() => y.backward()).toThrow(message);
    expect(x.grad).toBeNull();
  });

  it("must not write to a gradient, which an op may have passed to both its inputs", () => {
    const x = scalar();
    for (const kind of ["registerHook", "registerPrehook"] as const) {
      const y = x.mul(2);
      y.gradFn![kind](function writing([gradient]: NodeGradients) { gradient!.mul_(3); });
      expect(() => y.add(x).backward()).toThrow("hook 'writing' changed a gradient in place");
    }
  });

  it("must be functions", () => {
    expect(() => scalar().mul(2).gradFn!.registerHook(3 as never)).toThrow("got 3");
    expect(() => scalar().mul(2).gradFn!.registerPrehook(null as never)).toThrow("got null");
  });
});

describe("registerPostAccumulateGradHook", () => {
  it("comes after the gradient was added and before hooks of the node " +
    "(test_post_accumulate_grad_hook_ordering)", () => {
    const x = scalar();
    const y = x.clone();
    const accumulator = accumulatorOf(y);
    accumulator.registerHook(() => { noGrad(() => x.grad!.mul_(10)); });
    x.registerPostAccumulateGradHook(({ grad }) => { grad!.add_(0.5); });
    accumulator.registerPrehook(([gradient]) => gradient!.div(5));
    x.registerHook((gradient) => gradient.sub(2));
    y.backward();
    expect(x.grad!.item()).toBeCloseTo(3, 6); // ((1 − 2) / 5 + 0.5) · 10, rounded to float32
  });

  it("sees each backward once, with the sum of all uses (test_post_accumulate_grad_hook_on_tensor)",
    () => {
      const x = leaf([2], 1);
      const seen: number[][] = [];
      const handle = x.registerPostAccumulateGradHook((parameter) => {
        expect(parameter).toBe(x);
        seen.push(parameter.grad!.tolist());
      });
      for (let i = 0; i < 2; i++) x.mul(2).add(x.mul(3)).sum().backward();
      handle.remove();
      x.sum().backward();
      expect(seen).toEqual([[5, 5], [10, 10]]);
    });

  it("runs in order of registration, and may clear the gradient " +
    "(test_post_accumulate_grad_hook_multiple_hooks)", () => {
    const x = scalar();
    const order: string[] = [];
    x.registerPostAccumulateGradHook(() => { order.push("first"); });
    x.registerPostAccumulateGradHook((parameter) => {
      order.push("second");
      parameter.grad = null;
    });
    x.mul(2).backward();
    expect(order).toEqual(["first", "second"]);
    expect(x.grad).toBeNull();
  });

  it("runs for chosen inputs, and not in grad", () => {
    const [x, y] = [scalar(), scalar()];
    const [ofX, ofY] = [vi.fn(), vi.fn()];
    x.registerPostAccumulateGradHook(ofX);
    y.registerPostAccumulateGradHook(ofY);
    x.mul(y).backward(null, { inputs: x });
    grad(x.mul(y), [x, y]);
    expect([ofX, ofY].map((hook) => hook.mock.calls.length)).toEqual([1, 0]);
  });

  it("stays when recording for the leaf is switched off and on", () => {
    const x = scalar();
    const [hook, ofGrad] = [vi.fn(), vi.fn()];
    x.registerPostAccumulateGradHook(hook);
    x.registerHook(ofGrad);
    x.requiresGrad_(false).requiresGrad_(true);
    x.mul(2).backward();
    expect(hook).toHaveBeenCalledTimes(1);
    expect(ofGrad).toHaveBeenCalledTimes(1);
  });

  it("refuses to return something (test_post_accumulate_grad_hook_returns_not_None)", () => {
    const x = scalar();
    x.registerPostAccumulateGradHook(function changed({ grad }) { return grad!.mul(2) as never; });
    expect(() => x.mul(2).backward()).toThrow("hooks should return None");
  });

  it("refuses tensors that were computed, or have no gradient " +
    "(test_post_accumulate_grad_hook_on_non_leaf)", () => {
    expect(() => scalar().mul(2).registerPostAccumulateGradHook(() => {}))
      .toThrow("post accumulate grad hooks cannot be registered on non-leaf tensors");
    expect(() => tensor(1).registerPostAccumulateGradHook(() => {}))
      .toThrow("cannot register a hook on a tensor that doesn't require gradient");
  });
});

describe("hooks and in-place writes", () => {
  it("see the gradient of the version they were registered on (test_tensor_hooks_inplace)", () => {
    const a = tensor([1], { requiresGrad: true });
    const b = a.clone();
    const seen: number[] = [];
    b.registerHook((gradient) => { seen.push(gradient.item()); return gradient.mul(2); });
    b.mul_(2);
    b.registerHook((gradient) => { seen.push(gradient.item()); return gradient.mul(2); });
    b.sum().backward();
    expect(seen).toEqual([1, 4]);
    expect(a.grad!.tolist()).toEqual([8]);
  });

  it("change only what they are given, though an op passes one gradient to both its inputs", () => {
    const [x, y] = [leaf([2], 1), leaf([2], 2)];
    x.registerHook((gradient) => { gradient.mul_(3); });
    const z = x.add(y);
    const w = z.mul(1);
    z.registerHook((gradient) => { gradient.mul_(2); });
    w.add(z).backward(tensor([1, 1], { dtype: "float64" }));
    expect([x.grad!.tolist(), y.grad!.tolist()]).toEqual([[12, 12], [4, 4]]);
  });
});

describe("handles", () => {
  it("undo what they stand for at the end of a block", () => {
    const x = scalar();
    const hook = vi.fn();
    {
      using _handle = x.registerHook(hook);
      x.mul(2).backward();
    }
    x.mul(2).backward();
    expect(hook).toHaveBeenCalledTimes(1);
  });
});
