// autograd.functional.*: shapes, values, strict mode and refusals, as in PyTorch.
import { describe, expect, it } from "vitest";
import { grad, manualSeed, noGrad, randn, tensor, type Tensor } from "../../src/index.ts";
import * as func from "../../src/transforms/func.ts";
import * as functional from "../../src/transforms/functional.ts";

const { jacobian, hessian, vjp, jvp, vhp, hvp } = functional;
const double = (values: number | number[] | number[][]) => tensor(values, { dtype: "float64" });
const normal = (shape: number[]) => randn(shape, { dtype: "float64" });
manualSeed(7);

function close(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  // rounding of float64 in sums of a dozen terms of order one
  expect(actual.sub(expected).abs().max().item()).toBeLessThan(1e-13);
}

describe("jacobian", () => {
  it("has the shape of the output, then that of the input", () => {
    const x = normal([2, 2]);
    const whole = jacobian((y: Tensor) => y.exp(), x);
    expect(whole.shape).toEqual([2, 2, 2, 2]);
    close(whole.reshape(4, 4), x.exp().reshape(4).diag());
    expect(jacobian((y: Tensor) => y.sum(), double([1, 2])).shape).toEqual([2]);
    expect(jacobian((y: Tensor) => y.mul(2), double(1)).shape).toEqual([]);
    expect(jacobian((y: Tensor) => y.mul(2), double([])).shape).toEqual([0, 0]);
  });

  it("nests as outputs and inputs do", () => {
    const [a, b] = [double([1, 2]), double([3, 4])];
    const product = (x: Tensor, y: Tensor) => x.mul(y);
    const [da, db] = jacobian(product, [a, b]);
    expect([da.tolist(), db.tolist()]).toEqual([[[3, 0], [0, 4]], [[1, 0], [0, 2]]]);
    const [only] = jacobian((x: Tensor) => [x.mul(2)], a);
    expect(only.tolist()).toEqual([[2, 0], [0, 2]]);
    const [[alone]] = jacobian((x: Tensor) => [x.mul(2)], [a]);
    expect(alone.tolist()).toEqual([[2, 0], [0, 2]]);
  });

  it("is zero where an output does not depend on an input", () => {
    const [da, db] = jacobian((x: Tensor, _y: Tensor) => x.mul(1), [double([1]), double([2, 3])]);
    expect([da.tolist(), db.tolist()]).toEqual([[[1]], [[0, 0]]]);
    expect(jacobian(() => double([1, 2]), double([1])).tolist()).toEqual([[0], [0]]);
  });

  it("is the same in both modes and as func gives it", () => {
    const matrix = normal([4, 3]);
    const f = (x: Tensor, y: Tensor) => [matrix.matmul(x.tanh()).softmax(0), x.mul(y)];
    const inputs = [normal([3]), normal([3])] as const;
    const reverse = jacobian(f, inputs).flat();
    jacobian(f, inputs, { strategy: "forward-mode" }).flat().forEach((part, i) =>
      close(part, reverse[i]));
    jacobian(f, inputs, { vectorize: true }).flat().forEach((part, i) => close(part, reverse[i]));
    func.jacrev(f, { argnums: [0, 1] })(...inputs).flat().forEach((part, i) =>
      close(part, reverse[i]));
  });

  it("has a history under createGraph only", () => {
    const x = double([1, 2]).requiresGrad_();
    const cube = (y: Tensor) => y.pow(3).sum();
    expect(jacobian(cube, x).requiresGrad).toBe(false);
    const recorded = jacobian(cube, x, { createGraph: true });
    expect(grad(recorded.sum(), x)[0].tolist()).toEqual([6, 12]);
    expect(x.grad).toBe(null);
    expect(noGrad(() => jacobian(cube, x)).tolist()).toEqual([3, 12]);
  });
});

describe("hessian", () => {
  const f = (x: Tensor, y: Tensor) => x.square().mul(y).sum().add(y.pow(3).sum());
  const [a, b] = [double([1, 2]), double([3, 4])];

  it.each(["reverse-mode", "forward-mode"] as const)("nests by inputs, %s", (strategy) => {
    const [[xx, xy], [yx, yy]] = hessian(f, [a, b], { outerJacobianStrategy: strategy });
    expect([xx, xy, yx, yy].map((part) => part.tolist())).toEqual(
      [[[6, 0], [0, 8]], [[2, 0], [0, 4]], [[2, 0], [0, 4]], [[18, 0], [0, 24]]]);
    expect(xx.requiresGrad).toBe(false);
  });

  it("of one element of any shape, and of products of several dimensions", () => {
    expect(hessian((x: Tensor) => x.square().sum().reshape(1, 1), a).tolist())
      .toEqual([[2, 0], [0, 2]]);
    expect(hessian((x: Tensor) => x.pow(3).sum(), normal([2, 2])).shape).toEqual([2, 2, 2, 2]);
  });

  it("can be differentiated under createGraph", () => {
    const x = double(2).requiresGrad_();
    const second = hessian((y: Tensor) => y.pow(4), x, { createGraph: true });
    expect([second.item(), grad(second, x)[0].item()]).toEqual([48, 48]);
  });

  it("refuses functions without a single element", () => {
    expect(() => hessian((x: Tensor) => x.mul(2), a)).toThrow(
      "The Tensor returned by the function given to hessian should contain a single element");
    expect(() => hessian(((x: Tensor) => [x.sum()]) as unknown as (x: Tensor) => Tensor, a))
      .toThrow("The function given to hessian should return a single Tensor");
  });
});

describe("products", () => {
  const matrix = normal([4, 3]);
  const f = (x: Tensor) => matrix.matmul(x.tanh()).softmax(0);
  const loss = (x: Tensor) => f(x).square().sum();
  const [x, u, v] = [normal([3]), normal([3]), normal([4])];

  it("are those of the Jacobian and of the Hessian", () => {
    const [y, left] = vjp(f, x, v);
    close(y, f(x));
    close(left, v.matmul(jacobian(f, x)));
    close(jvp(f, x, u)[1], jacobian(f, x).matmul(u));
    close(jvp(f, x, u)[1], func.jvp(f, [x], [u])[1]);
    const [value, product] = hvp(loss, x, u);
    close(value, loss(x));
    close(product, hessian(loss, x).matmul(u));
    close(vhp(loss, x, u)[1], product);
  });

  it("need no vector where it has one element, and take several inputs and outputs", () => {
    expect(vjp((y: Tensor) => y.square().sum(), double([1, 2]))[1].tolist()).toEqual([2, 4]);
    expect(jvp((y: Tensor) => y.expand(2).mul(3), double(1))[1].tolist()).toEqual([3, 3]);
    expect(hvp((y: Tensor) => y.pow(3), double(2), { createGraph: true })[1].item()).toBe(12);
    const [outputs, [dp, dq]] = vjp((p: Tensor, q: Tensor) => [p.mul(q), p.add(q)],
      [double([1]), double([2])], [double([10]), double([1])]);
    expect(outputs.map((output) => output.tolist())).toEqual([[2], [3]]);
    expect([dp.tolist(), dq.tolist()]).toEqual([[21], [11]]);
    const [, [vp, vq]] = vhp((p: Tensor, q: Tensor) => p.mul(q.square()), [double(3), double(2)],
      [double(1), double(10)]);
    expect([vp.item(), vq.item()]).toEqual([40, 64]); // H = [[0, 4], [4, 6]]
    const [, [hp, hq]] = hvp((p: Tensor, q: Tensor) => p.mul(q.square()), [double(3), double(2)],
      [double(1), double(10)]);
    expect([hp.item(), hq.item()]).toEqual([40, 64]);
  });

  it("are recorded, with the outputs, under createGraph only", () => {
    const z = double(2).requiresGrad_();
    const w = double(5).requiresGrad_();
    const cube = (y: Tensor) => y.pow(3);
    type Product = (options?: functional.ProductOptions) => [Tensor, Tensor];
    const first: Product[] = [(o) => vjp(cube, z, w, o), (o) => jvp(cube, z, w, o)];
    const second: Product[] = [(o) => vhp(cube, z, w, o), (o) => hvp(cube, z, w, o)];
    for (const product of [...first, ...second]) {
      const plain = product();
      expect(plain.map((part) => part.requiresGrad)).toEqual([false, false]);
      const recorded = product({ createGraph: true });
      // (x³, v · 3x²) or (x³, v · 6x): gradients by x and v
      const expected = first.includes(product) ? [60, 12] : [30, 12];
      expect(grad(recorded[0], z)[0].item()).toBe(12);
      expect(grad(recorded[1], [z, w]).map((g) => g.item())).toEqual(expected);
    }
    expect([z.grad, w.grad]).toEqual([null, null]);
  });

  it("of functions that do not depend on an input are zero", () => {
    const constant = () => double([1, 2]);
    expect(vjp(constant, x, double([1, 1]))[1].tolist()).toEqual([0, 0, 0]);
    expect(jvp(constant, x, u)[1].tolist()).toEqual([0, 0]);
    expect(hvp((y: Tensor) => y.sum(), x, u)[1].tolist()).toEqual([0, 0, 0]);
    expect(vhp((y: Tensor) => y.sum(), x, u)[1].tolist()).toEqual([0, 0, 0]);
  });
});

describe("refusals", () => {
  const [a, b] = [double([1, 2]), double([3, 4])];
  const linear = (x: Tensor) => x.sum();
  const first = (x: Tensor, _y: Tensor) => x.square().sum();
  const strict = { strict: true };
  it.each<[string, () => unknown, string]>([
    ["vjp without v", () => vjp((x: Tensor) => x.mul(2), a),
      "The vector v can only be None if the user-provided function returns a single Tensor with " +
      "a single element."],
    ["jvp without v", () => jvp(linear, a), "The vector v can only be None if the input to the"],
    ["hvp without v", () => hvp(linear, a), "The vector v can only be None if the input to the"],
    ["vhp without v", () => vhp(linear, a), "The vector v can only be None if the input to the"],
    ["v of another shape", () => vjp(linear, a, a), "v has invalid size: should be [] but got [2]."],
    ["an entry of another shape", () => jvp(first, [a, b], [a, double(1)]),
      "Entry 1 in v has invalid size: should be [2] but got []."],
    ["too few vectors", () => hvp(first, [a, b], [a]),
      "v is an array of invalid length: should be 2 but got 1."],
    ["too many vectors", () => jvp(linear, a, [a, a]), "should contain a single Tensor."],
    ["no tensors", () => vjp(linear, 3 as unknown as Tensor),
      "The inputs given to vjp must be either a tensor or an array of tensors but the given " +
      "inputs is 3."],
    ["no tensor at an index", () => jacobian(first, [a, 3 as unknown as Tensor]),
      "the value at index 1 is 3."],
    ["no tensor out", () => jacobian((() => 3) as unknown as typeof linear, a),
      "The outputs of the user-provided function given to jacobian must be either a tensor"],
    ["vhp of a vector", () => vhp((x: Tensor) => x.mul(2), a, a),
      "The Tensor returned by the function given to vhp should contain a single element"],
    ["strict: a constant", () => jacobian(() => double(1), a, strict),
      "Output 0 of the user-provided function does not require gradients."],
    ["strict: an unused input", () => jacobian(first, [a, b], strict),
      "Output 0 of the user-provided function is independent of input 1."],
    ["strict: an unused input of vjp", () => vjp(first, [a, b], null, strict),
      "The output of the user-provided function is independent of input 1."],
    ["strict: an unused input of jvp", () => jvp(first, [a, b], [a, b], strict),
      "The output of the user-provided function is independent of input 1."],
    ["strict: a linear function's Hessian", () => hessian(linear, a, strict),
      "found that the jacobian of the user-provided function with respect to input 0 is " +
      "independent of the input"],
    ["strict: a linear function's hvp", () => hvp(linear, a, a, strict),
      "found that the jacobian of the user-provided function"],
    ["strict: a constant Jacobian that is to be differentiated",
      () => jacobian((x: Tensor) => x.mul(2), a, { strict: true, createGraph: true }),
      "The jacobian of the user-provided function is independent of input 0."],
    ["strict and forward mode", () => jacobian(linear, a, { ...strict, strategy: "forward-mode" }),
      "not supported together"],
    ["another strategy", () => jacobian(linear, a, { strategy: "forward" as "forward-mode" }),
      "Expected strategy to be either"],
    ["an unknown option", () => jvp(linear, a, a, { create_graph: true } as object),
      "unknown option create_graph"],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
