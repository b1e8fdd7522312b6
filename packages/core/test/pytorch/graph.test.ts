// Ranked tests on the graph: what its nodes are, and what goes through it twice.
import { describe, expect, it } from "vitest";
import {
  backward, cat, enableGrad, isGradEnabled, noGrad, ones, setGradEnabled, type Node, type Tensor,
} from "../../src/index.ts";
import { demandGrad, leaf } from "../autograd/drawn.ts";

const unit = (shape: number[]) => ones(shape, { dtype: "float64" });

/** PyTorch's `graph_desc`: the nodes behind a node, nested. */
function described(node: Node | null): string {
  if (node === null) return "None";
  return `${node.name}(${node.nextFunctions.map(([next]) => described(next)).join(", ")})`;
}

describe("a graph", () => {
  // strings by torch 1.13
  it.each<[string, (x: Tensor, y: Tensor) => Tensor, string]>([
    ["x + y", (x, y) => x.add(y), "AddBackward0(AccumulateGrad(), AccumulateGrad())"],
    ["x + 5", (x) => x.add(5), "AddBackward0(AccumulateGrad(), None)"],
    ["∑ exp(x y + 2)", (x, y) => x.mul(y).add(2).exp().sum(),
      "SumBackward0(ExpBackward0(AddBackward0(MulBackward0(AccumulateGrad(), AccumulateGrad()), " +
      "None)))"],
    ["[x, 2 y]", (x, y) => cat([x, y.mul(2)]),
      "CatBackward0(AccumulateGrad(), MulBackward0(AccumulateGrad(), None))"],
  ])("of %s is described as in PyTorch (graph_desc)", (_, f, description) => {
    expect(described(f(leaf([5, 5], 1), leaf([5, 5], 2)).gradFn)).toBe(description);
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ["test_backward_twice_retained_graph_with_saved_values", (x) => x.mul(x)],
    ["test_backward_twice_retained_graph_without_saved_values", (x) => x.mul(2)],
  ])("may be gone through twice when it is retained: %s", (_, f) => {
    const x = leaf([3, 3], 1);
    const y = f(x);
    y.backward(unit([3, 3]), { retainGraph: true });
    const once = x.grad!.clone();
    y.backward(unit([3, 3]));
    demandGrad(x.grad, once.mul(2));
  });

  it("has a gradient for a leaf that is a root beside what depends on it", () => {
    const x = leaf([3], 1);
    backward([x, x.mul(2)], [unit([3]), unit([3])]);
    demandGrad(x.grad, unit([3]).mul(3));
  });
});

describe("modes", () => {
  it("hold at every depth of a recursion (test_set_grad_generator_functions_recursive)", () => {
    const seen: boolean[] = [];
    const alternate = (depth: number): void => {
      seen.push(isGradEnabled());
      if (depth > 0) setGradEnabled(depth % 2 === 0, () => alternate(depth - 1));
      seen.push(isGradEnabled());
    };
    alternate(4);
    expect(seen).toEqual([true, true, false, true, false, false, true, false, true, true]);
  });

  it("end with an exception inside nested scopes of tasks that fail " +
    "(test_set_grad_coroutines_critical_exceptions)", async () => {
    const failing = async (mode: typeof noGrad | typeof enableGrad) => {
      await null;
      mode(() => { throw new RangeError("mine"); });
    };
    const results = await Promise.allSettled([failing(noGrad), failing(enableGrad)]);
    for (const result of results) {
      expect(result).toMatchObject({ status: "rejected", reason: new RangeError("mine") });
    }
    expect(isGradEnabled()).toBe(true);
  });
});

describe("a view that is one of several", () => {
  const refusal = (op: string) => new RegExp(`^mul_: Output 0 of ${op}Backward0 is a view and is ` +
    "being modified inplace\\. This view is the output of a function that returns multiple views");

  it.each<[string, string, (x: Tensor) => Tensor]>([
    ["test_inplace_on_view_multiple_outputs", "Unbind", (x) => x.unbind(0)[0]],
    ["test_inplace_on_view_of_multiple_output_view", "(Unbind|View)",
      (x) => { const [part] = x.unbind(0); return part.view(part.shape); }],
    ["test_inplace_multiple_output_view_of_view", "Unbind",
      (x) => x.view(x.shape).unbind(0)[0]],
  ])("is not written to, nor a view of it: %s", (_, op, part) => {
    const x = leaf([10], 1).clone();
    const target = part(x);
    const before = x.detach().clone();
    expect(() => target.mul_(2)).toThrow(refusal(op));
    expect(x.detach().tolist()).toEqual(before.tolist());
    expect(x._version).toBe(0);
  });
});
