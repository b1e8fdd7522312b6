// func.*: arguments, structures, values and refusals, as in PyTorch.
import { describe, expect, it } from "vitest";
import { grad as gradOf, manualSeed, noGrad, randn, tensor, type Tensor } from "../../src/index.ts";
import * as func from "../../src/transforms/func.ts";

const { grad, gradAndValue, vjp, jvp, jacrev, jacfwd, hessian, linearize } = func;
const double = (values: number | number[] | number[][]) => tensor(values, { dtype: "float64" });
const normal = (shape: number[]) => randn(shape, { dtype: "float64" });
manualSeed(11);

describe("argnums", () => {
  const f = (a: Tensor, b: Tensor, scale: number) => a.mul(b.square()).sum().mul(scale);
  const [a, b] = [double([1, 2]), double([3, 4])];

  it("choose one argument, several in any order, or count from the end", () => {
    expect(grad(f)(a, b, 2).tolist()).toEqual([18, 32]);
    expect(grad(f, { argnums: 1 })(a, b, 2).tolist()).toEqual([12, 32]);
    const [db, da] = grad(f, { argnums: [1, 0] })(a, b, 2);
    expect([db.tolist(), da.tolist()]).toEqual([[12, 32], [18, 32]]);
    const [alone] = grad(f, { argnums: [0] })(a, b, 2);
    expect(alone.tolist()).toEqual([18, 32]);
    const last = grad((x: Tensor, y: Tensor) => x.mul(y), { argnums: -1 as 1 });
    expect(last(double(2), double(3)).item()).toBe(2);
  });

  it("nest in Jacobians and Hessians: outputs outside, arguments inside", () => {
    const g = (x: Tensor, y: Tensor) => [x.mul(y), x.sum()] as const;
    for (const jacobian of [jacrev, jacfwd]) {
      const [[dxy, dyy], [dxs, dys]] = jacobian(g, { argnums: [0, 1] })(a, b);
      expect([dxy, dyy, dxs, dys].map((part) => part.tolist())).toEqual(
        [[[3, 0], [0, 4]], [[1, 0], [0, 2]], [1, 1], [0, 0]]);
    }
    const second = hessian((x: Tensor, y: Tensor) => x.mul(y.square()).sum(), { argnums: [0, 1] });
    const [[xx, xy], [yx, yy]] = second(a, b);
    expect([xx, xy, yx, yy].map((part) => part.tolist())).toEqual(
      [[[0, 0], [0, 0]], [[6, 0], [0, 8]], [[6, 0], [0, 8]], [[2, 0], [0, 4]]]);
  });

  it.each<[unknown, string]>([
    [2, "Got argnum=2, but only 2 positional inputs"],
    [-3, "Got argnum=-3, but only 2 positional inputs"],
    [[], "argnums must be non-empty"],
    [[0, 0], "argnums elements must be unique"],
    [[0, -2], "argnums elements must be unique"],
    [0.5, "argnums must be a whole number"],
    ["0", "argnums must be a whole number"],
  ])("%o is refused", (argnums, message) => {
    const product = (x: Tensor, y: Tensor) => x.mul(y).sum();
    const options = { argnums: argnums as 0 };
    expect(() => grad(product, options)(a, b)).toThrow(message);
    expect(() => gradAndValue(product, options)(a, b)).toThrow(message);
    expect(() => jacrev(product, options)(a, b)).toThrow(message);
    expect(() => jacfwd(product, options)(a, b)).toThrow(message);
  });
});

describe("structures", () => {
  it("of arguments are those of gradients", () => {
    const f = ({ w, layers: [u, v] }: { w: Tensor; layers: [Tensor, Tensor] }) =>
      w.mul(u).add(v.square()).sum();
    const gradient = grad(f)({ w: double(2), layers: [double(3), double(5)] });
    expect(gradient.w.item()).toBe(3);
    expect(gradient.layers.map((part) => part.item())).toEqual([2, 10]);
  });

  it("of outputs and arguments nest in Jacobians", () => {
    const f = ({ x }: { x: Tensor }) => ({ square: x.square(), sum: x.sum() });
    for (const jacobian of [jacrev, jacfwd]) {
      const result = jacobian(f)({ x: double([1, 2]) });
      expect(result.square.x.tolist()).toEqual([[2, 0], [0, 4]]);
      expect(result.sum.x.tolist()).toEqual([1, 1]);
    }
  });

  it("pass numbers and null on", () => {
    const f = (options: { x: Tensor; scale: number; mask: null }) =>
      options.mask === null ? options.x.mul(options.scale).sum() : options.x;
    expect(grad(f)({ x: double([1]), scale: 4, mask: null }).x.tolist()).toEqual([4]);
  });

  it("without elements give Jacobians without elements", () => {
    for (const jacobian of [jacrev, jacfwd]) {
      expect(jacobian((x: Tensor) => x.mul(2))(double([])).shape).toEqual([0, 0]);
      expect(jacobian((x: Tensor) => x.sum().expand(3))(double([])).shape).toEqual([3, 0]);
    }
  });
});

describe("aux", () => {
  const f = (x: Tensor) => [x.square().sum(), { doubled: x.mul(2), note: "kept" }] as const;
  const x = double([1, 2]);

  it("is passed on, cut from the transform", () => {
    const [g, aux] = grad(f, { hasAux: true })(x);
    const [g2, [value, aux2]] = gradAndValue(f, { hasAux: true })(x);
    const [out, pull, aux3] = vjp(f, [x], { hasAux: true });
    const [out2, tangent, aux4] = jvp(f, [x], [double([1, 0])], { hasAux: true });
    const [jac, aux5] = jacrev(f, { hasAux: true })(x);
    const [jac2, aux6] = jacfwd(f, { hasAux: true })(x);
    for (const gradient of [g, g2, pull(double(1))[0], jac, jac2]) {
      expect(gradient.tolist()).toEqual([2, 4]);
    }
    for (const output of [value, out, out2]) expect(output.item()).toBe(5);
    expect(tangent.item()).toBe(2);
    for (const { doubled, note } of [aux, aux2, aux3, aux4, aux5, aux6]) {
      expect([doubled.tolist(), doubled.requiresGrad, note]).toEqual([[2, 4], false, "kept"]);
    }
  });

  it("must be there when announced", () => {
    const wrong = ((y: Tensor) => y.sum()) as unknown as typeof f;
    expect(() => grad(wrong, { hasAux: true })(x)).toThrow("should be an array: [output, aux]");
    expect(() => jvp(wrong, [x], [x], { hasAux: true })).toThrow("[output, aux]");
  });
});

describe("histories", () => {
  const w = double([3, 4]).requiresGrad_();

  it("end at a transform, unless its inputs or what f uses have one", () => {
    const x = double([1, 2]);
    const plain = (y: Tensor) => y.square().sum();
    const using = (y: Tensor) => y.square().mul(w).sum();
    const [gradient, value] = gradAndValue(plain)(x);
    expect([gradient.requiresGrad, value.requiresGrad]).toEqual([false, false]);
    expect(x.requiresGrad).toBe(false);
    const used = grad(using)(x);
    expect(gradOf(used.sum(), w)[0].tolist()).toEqual([2, 4]);
    const throughInput = grad(plain)(x.clone().requiresGrad_());
    expect(throughInput.requiresGrad).toBe(true);
    noGrad(() => {
      const [g, v] = gradAndValue(using)(x);
      expect([g.tolist(), g.requiresGrad, v.requiresGrad]).toEqual([[6, 16], false, false]);
      expect(jacrev(using)(x).requiresGrad).toBe(false);
    });
  });

  it("of closed-over tensors are not added to .grad", () => {
    grad((y: Tensor) => y.mul(w).sum())(w);
    expect(w.grad).toBe(null);
  });

  it("noGrad inside f is respected, as in PyTorch", () => {
    expect(grad((x: Tensor) => x.mul(noGrad(() => x.square())))(double(3)).item()).toBe(9);
  });

  it("unused arguments have gradients of zero", () => {
    expect(grad((_: Tensor) => double(2))(double([1, 2])).tolist()).toEqual([0, 0]);
    expect(vjp((_: Tensor) => double(2), [double([1, 2])])[1](double(1))[0].tolist()).toEqual([0, 0]);
    expect(jacrev((_: Tensor) => w.detach())(double([1])).tolist()).toEqual([[0], [0]]);
    expect(jacfwd((_: Tensor) => w.detach())(double([1])).tolist()).toEqual([[0], [0]]);
  });
});

describe("vjp", () => {
  it("gives gradients for as many cotangents as one likes, in any structure", () => {
    const [out, pull] = vjp((x: Tensor, y: Tensor) => ({ product: x.mul(y), sum: x.add(y) }),
      [double([1, 2]), double([3, 4])]);
    expect(out.product.tolist()).toEqual([3, 8]);
    const [one, zero] = [double([1, 1]), double([0, 0])];
    expect(pull({ product: one, sum: zero }).map((g) => g.tolist())).toEqual([[3, 4], [1, 2]]);
    expect(pull({ product: one, sum: one }).map((g) => g.tolist())).toEqual([[4, 5], [2, 3]]);
  });

  it("is differentiable in the cotangent", () => {
    const [, pull] = vjp((x: Tensor) => x.square(), [double(3)]);
    expect(grad((v: Tensor) => pull(v)[0])(double(1)).item()).toBe(6);
    expect(jvp((v: Tensor) => pull(v)[0], [double(1)], [double(2)])[1].item()).toBe(12);
  });

  it("refuses cotangents that are not like the output", () => {
    const [, pull] = vjp((x: Tensor) => x.square(), [double([1, 2])]);
    expect(() => pull(double(1))).toThrow("must have the shapes and dtypes of the output of f");
    expect(() => pull(tensor([1, 1]))).toThrow("number 0 is float32 [2] for float64 [2]");
    expect(() => pull([double([1, 1])] as unknown as Tensor)).toThrow("same structure");
  });
});

describe("linearize", () => {
  it("runs f once, and gives what jvp gives", () => {
    let runs = 0;
    const matrix = normal([4, 3]);
    const f = (x: Tensor, y: Tensor) => {
      runs++;
      return { a: matrix.matmul(x.tanh()).softmax(0), b: x.mul(y).sum(), c: y.detach() };
    };
    const primals = [normal([3]), normal([3])] as const;
    const [output, push] = linearize(f, primals);
    for (let i = 0; i < 3; i++) {
      const tangents = [normal([3]), normal([3])] as const;
      const actual = push(tangents);
      expect(runs).toBe(1 + i);
      const [same, expected] = jvp(f, primals, tangents);
      for (const name of ["a", "b", "c"] as const) {
        expect(output[name].tolist()).toEqual(same[name].tolist());
        // the same terms in another order
        expect(actual[name].sub(expected[name]).abs().max().item()).toBeLessThan(1e-14);
        expect(actual[name].requiresGrad).toBe(false);
      }
    }
  });
});

describe("what cannot be transformed is refused", () => {
  const x = double([1, 2]);
  const twice = (y: Tensor) => y.mul(2);
  const asTensor = (value: unknown) => value as Tensor;
  it.each<[string, () => unknown, string]>([
    ["a vector for grad", () => grad(twice)(x), "return a scalar tensor, got tensor with 1 dims, " +
      "of shape [2]. Maybe you wanted to use the vjp or jacrev APIs instead?"],
    ["one element for grad", () => grad(twice)(double([1])), "got tensor with 1 dims"],
    ["a list for grad", () => grad((() => [x]) as unknown as typeof twice)(x),
      "Expected f(...args) to return a tensor"],
    ["a promise", () => grad((async () => x) as unknown as typeof twice)(x), "promise"],
    ["no tensors out", () => jacrev((_: Tensor) => 3)(x), "unsupported type 3"],
    ["nothing out", () => vjp((_: Tensor) => [], [x]), "non-empty output"],
    ["whole numbers in", () => grad(twice)(tensor([1], { dtype: "int32" })),
      "only tensors of floating point dtype can be differentiated"],
    ["no tensors in", () => grad((y: unknown) => asTensor(y))(3), "at least one tensor"],
    ["no function", () => grad(x as unknown as typeof twice), "takes a function of tensors"],
    ["primals outside an array", () => jvp(twice, x as unknown as [Tensor], [x]),
      "it should be valid to call f(...primals)"],
    ["tangents of another structure", () => jvp(twice, [x], [x, x] as unknown as [Tensor]),
      "Expected tangents to have the same structure as the primals"],
    ["tangents of another shape", () => jvp(twice, [x], [double([1])]),
      "number 0 is float64 [1] for float64 [2]"],
    ["a constant under strict", () => jvp((_: Tensor) => double(1), [x], [x], { strict: true }),
      "The output of f is independent of the primals"],
    ["an unknown option", () => grad(twice, { argnum: 0 } as object), "unknown option argnum"],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
