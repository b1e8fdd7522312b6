// Ranked tests on single ops and on gradcheck.
import { describe, expect, it } from "vitest";
import {
  arange, grad, gradcheck, ones, tensor, varMean, zeros, type IndexItem,
  type Tensor,
} from "../../src/index.ts";
import { primitive } from "../../src/internal.ts";
import { demandGrad, leaf, uniform } from "../autograd/drawn.ts";
import indexing from "./indexing.json" with { type: "json" };

const unit = (shape: number[]) => ones(shape, { dtype: "float64" });

describe("index", () => {
  it.each(indexing.cases.map((c) => ({
    ...c, name: c.duplicates ? "test_indexing_duplicates" : "test_indexing",
    shown: JSON.stringify(c.items).slice(0, 40),
  })))("selects and gives the gradient back where it was: $name $shown", (c) => {
    const count = c.shape.reduce((a, b) => a * b);
    const x = arange(count, { dtype: "float64" }).view(c.shape).requiresGrad_();
    const y = x.index(...c.items as unknown as IndexItem[]);
    expect(y.shape).toEqual(c.size);
    expect(y.ravel().tolist()).toEqual(c.values);
    y.sum().backward();
    expect(x.grad!.ravel().tolist()).toEqual(c.gradient);
  });
});

describe("gradients of ops", () => {
  it("of pow at 0⁰ are 0 for base and exponent (test_pow_zero_tensor_gradient)", () => {
    for (const shape of [[2], [3, 3]]) {
      const base = zeros(shape, { requiresGrad: true });
      const exponent = zeros(shape, { requiresGrad: true });
      base.pow(exponent).sum().backward();
      expect(base.grad!.tolist()).toEqual(zeros(shape).tolist());
      expect(exponent.grad!.tolist()).toEqual(zeros(shape).tolist());
    }
    const x = zeros([3], { requiresGrad: true });
    x.pow(tensor([0, 1, 2])).sum().backward();
    expect(x.grad!.tolist()).toEqual([0, 1, 0]); // by torch 1.13
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ["test_slice_expanded_v", (x) => x.narrow(0, 1, 2)],
    ["test_select_expanded_v", (x) => x.select(0, 1)],
    ["test_diagonal_expanded_v", (x) => x.diagonal()],
  ])("of views take a cotangent with stride 0: %s", (_, view) => {
    const x = leaf([4, 4], 1);
    const value = tensor(3, { dtype: "float64" });
    const [narrow] = grad(view(x), x, { gradOutputs: value.expand(view(x).shape) });
    const [full] = grad(view(x), x, { gradOutputs: unit([...view(x).shape]).mul(3) });
    demandGrad(narrow, full);
  });

  it.each([0, [0, 2], [-1]])("of varMean are those of var and mean, over %j " +
    "(test_var_mean_differentiable)", (dim) => {
    const [joint, apart] = [leaf([4, 3, 2], 1), leaf([4, 3, 2], 1)];
    const [variance, mean] = varMean(joint, dim);
    variance.mul(mean).sum().backward();
    apart.var(dim).mul(apart.mean(dim)).sum().backward();
    demandGrad(joint.grad, apart.grad!);
  });
});

describe("gradcheck", () => {
  type Unary = (input: Tensor) => Tensor;
  const double = (shape: number[]) => uniform(shape, 5).requiresGrad_();
  /** The identity with a gradient rule of its own. */
  const own = (rule: (grad: Tensor) => Tensor | null) => primitive<Unary, "input", null>({
    name: "own", inputs: ["input"], samples: [],
    prepare: (input) => ({ inputs: [input], attributes: null }),
    forward: ([input]) => input.clone().detach(),
    gradients: (reads) => ({ input: reads([], ({ grad: g }) => rule(g)!) }),
  });
  let calls = 0;

  it.each<[string, Unary, string]>([
    ["test_gradcheck_backward_mul_by_grad_output", own((g) => g.add(1).div(g.add(1))),
      "backward not multiplied by gradOutput"],
    ["test_gradcheck_nondeterministic", own((g) => g.mul(1 + 1e-12 * calls++)),
      "Backward is not reentrant"],
    ["test_gradcheck_check_no_differentiable_outputs", (x) => x.detach().mul(2),
      "Numerical gradient for function expected to be zero"],
    ["test_gradcheck_output_shape_or_dtype_depend_on_values",
      (() => {
        const first = double([2]).tolist<number[]>()[0];
        return (x: Tensor) => x.tolist<number[]>()[0] > first ? x.expand([2, 2]) : x.mul(1);
      })(),
      "returns outputs of other shapes or dtypes"],
  ])("fails, or gives false: %s", (name, f, message) => {
    expect(() => gradcheck(f, [double([2])])).toThrow(message);
    if (name.includes("depend_on_values")) return; // a call that cannot be checked is an error
    expect(gradcheck(f, [double([2])], { raiseException: false })).toBe(false);
  });

  it("runs rules with a gradient that is not there (test_gradcheck_undefined_grad)", () => {
    const x = double([3]);
    expect(gradcheck((input) => [input.mul(2), input.exp()], [x])).toBe(true);
    expect(gradcheck((input) => input.unbind(0) as Tensor[], [x])).toBe(true);
  });

  it("lets errors of the function through in either case (test_gradcheck_custom_error)", () => {
    const failing = own(() => { throw new RangeError("not a gradcheck error"); });
    for (const raiseException of [true, false]) {
      expect(() => gradcheck(failing, [double([2])], { raiseException }))
        .toThrow("not a gradcheck error");
    }
  });
});
