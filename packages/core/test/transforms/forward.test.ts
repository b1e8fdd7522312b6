// Forward mode: what tangents do where ops, modes, writes and levels meet.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  autograd, cat, enableGrad, grad, manualSeed, noGrad, randn, tensor, zeros, type Tensor,
} from "../../src/index.ts";
import { primitive, type Op } from "../../src/internal.ts";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import { Function } from "../../src/autograd/function.ts";
import * as func from "../../src/transforms/func.ts";

const { jvp, jacfwd, jacrev } = func;
const double = (values: number | number[]) => tensor(values, { dtype: "float64" });
const normal = (shape: number[]) => randn(shape, { dtype: "float64" });

/** The derivative of a function of one number. */
const slope = (f: (x: Tensor) => Tensor, x: number) => jvp(f, [double(x)], [double(1)])[1].item();

describe("levels are kept apart", () => {
  it("x · d(x + y)/dy has the derivative 1, not 2", () => {
    const inner = (x: Tensor) => jvp((y: Tensor) => x.add(y), [double(1)], [double(1)])[1];
    expect(slope((x) => x.mul(inner(x)), 3)).toBe(1);
    expect(slope((x) => x.mul(func.grad((y: Tensor) => x.add(y))(double(1))), 3)).toBe(1);
    expect(func.grad((x: Tensor) => x.mul(inner(x)))(double(3)).item()).toBe(1);
  });

  it("a tangent of an outer level passes through an inner one", () => {
    // d/dx [x · d(x y²)/dy at y = x] = d/dx [2 x³] = 6 x²
    const f = (x: Tensor) =>
      x.mul(jvp((y: Tensor) => x.mul(y.square()), [x], [double(1)])[1]);
    expect(slope(f, 1.5)).toBeCloseTo(6 * 1.5 ** 2, 12);
    // the inner point is a constant: d/dx [x · 2 x · 1.5] = 6 x
    const g = (x: Tensor) =>
      x.mul(jvp((y: Tensor) => x.mul(y.square()), [double(1.5)], [double(1)])[1]);
    expect(slope(g, 2)).toBeCloseTo(12, 12);
  });

  it("a tangent that depends on an outer level is differentiated too", () => {
    // d/dx [f'(x) · x²] for f = sin: cos x · 2x − sin x · x²
    const f = (x: Tensor) => jvp((y: Tensor) => y.sin(), [x], [x.square()])[1];
    expect(slope(f, 0.7)).toBeCloseTo(Math.cos(0.7) * 1.4 - Math.sin(0.7) * 0.49, 12);
  });

  it("nested levels give the derivatives of sin, to the sixth", () => {
    let f = (x: Tensor): Tensor => x.sin();
    const expected = [Math.cos, (x: number) => -Math.sin(x), (x: number) => -Math.cos(x), Math.sin];
    for (let order = 0; order < 6; order++) {
      const inner = f;
      f = (x) => jvp(inner, [x], [double(1)])[1];
      expect(f(double(0.4)).item()).toBeCloseTo(expected[order % 4](0.4), 12);
    }
  });

  it("nothing is left on what leaves a level", () => {
    let kept: Tensor | null = null;
    const [y, dy] = jvp((x: Tensor) => { kept = x.exp(); return kept.mul(x); },
      [double(2)], [double(1)]);
    expect([y.tangents, dy.tangents]).toEqual([null, null]);
    expect(jvp((x: Tensor) => x.add(kept!), [double(2)], [double(1)])[1].item()).toBe(1);
  });

  it("an error ends its level", () => {
    expect(() => jvp((_: Tensor): Tensor => { throw new RangeError("mine"); }, [double(1)], [double(1)]))
      .toThrow(RangeError);
    expect(double(1).mul(2).tangents).toBe(null);
    expect(slope((x) => x.mul(x), 3)).toBe(6);
  });
});

describe("compositions agree", () => {
  manualSeed(5);
  const matrix = normal([4, 3]);
  const functions: [string, (x: Tensor) => Tensor][] = [
    ["products and a softmax", (x) => matrix.matmul(x.tanh()).softmax(0)],
    ["views and writes to a copy", (x) => {
      const y = x.clone().mul_(x).add_(1);
      return cat([y.narrow(0, 0, 2).flip(0), y.unsqueeze(1).expand(3, 2).reshape(-1)]).exp();
    }],
    ["reductions with positions", (x) => x.mul(x.max(0)[0]).cumsum(0)],
    ["products of elements", (x) => cat([x.prod().reshape(1), x.var(0).reshape(1), x.cumprod(0)])],
    ["look-ups", (x) => x.index([0, 2, 0]).indexPut([[1]], x.sum()).logsumexp(0)],
  ];
  const points = fc.array(fc.integer({ min: -64, max: 64 }), { minLength: 3, maxLength: 3 })
    .map((steps) => double(steps.map((step, i) => step / 40 + i / 16)));

  it.each(functions)("jacfwd is jacrev for %s", (_, f) => {
    fc.assert(fc.property(points, (x) => {
      close(jacfwd(f)(x), jacrev(f)(x));
    }), { numRuns: 3 });
  });

  it.each(functions)("four ways to a Hessian of %s", (_, f) => {
    const loss = (x: Tensor) => f(x).square().sum();
    fc.assert(fc.property(points, (x) => {
      const expected = jacrev(jacrev(loss))(x);
      close(jacfwd(jacrev(loss))(x), expected);
      close(jacrev(jacfwd(loss))(x), expected);
      close(jacfwd(jacfwd(loss))(x), expected);
      close(func.hessian(loss)(x), expected);
    }), { numRuns: 3 });
  });

  it("jvp of grad, and grad of jvp, are Hessian products", () => {
    const loss = (x: Tensor) => matrix.matmul(x.tanh()).softmax(0).square().sum();
    const [x, v] = [normal([3]), normal([3])];
    const expected = jacrev(jacrev(loss))(x).matmul(v);
    close(jvp(func.grad(loss), [x], [v])[1], expected);
    close(func.grad((y: Tensor) => jvp(loss, [y], [v])[1])(x), expected);
  });

  it("third order by every mix of modes", () => {
    const f = (x: Tensor) => x.pow(3).sin();
    const d = [(g: (x: Tensor) => Tensor) => jacfwd(g), (g: (x: Tensor) => Tensor) => jacrev(g)];
    const values = d.flatMap((a) => d.flatMap((b) => d.map((c) => a(b(c(f)))(double(1.2)).item())));
    // by hand, with c = cos x³ and s = sin x³: 6 c − 54 x³ s − 27 x⁶ c
    const [c, s] = [Math.cos(1.2 ** 3), Math.sin(1.2 ** 3)];
    for (const value of values) {
      expect(value).toBeCloseTo(6 * c - 54 * 1.2 ** 3 * s - 27 * 1.2 ** 6 * c, 9);
    }
  });
});

function close(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const scale = 1 + expected.abs().max().item(); // rounding of float64 in sums of a dozen terms
  expect(actual.sub(expected).abs().max().item()).toBeLessThanOrEqual(1e-12 * scale);
}

describe("modes and cuts", () => {
  it("noGrad does not stop tangents", () => {
    expect(slope((x) => noGrad(() => x.mul(x)), 3)).toBe(6);
    expect(noGrad(() => slope((x) => x.cumsum(0).mul(x), 3))).toBe(6);
  });

  it("detach ends tangents, as it ends gradients", () => {
    expect(slope((x) => x.mul(x.detach()), 3)).toBe(3);
    expect(slope((x) => x.mul(2).detach_().add(x), 3)).toBe(1);
  });

  it("backward inside a level accumulates gradients that have tangents", () => {
    const f = (x: Tensor) => {
      const w = double(2).requiresGrad_();
      x.mul(w.square()).backward();
      return w.grad!; // 2 w x
    };
    expect(slope(f, 5)).toBe(4);
    const twice = (x: Tensor) => {
      const w = double(2).requiresGrad_();
      x.mul(w.square()).backward();
      x.mul(w.pow(3)).backward();
      return w.grad!; // 2 w x + 3 w² x
    };
    expect(slope(twice, 5)).toBe(16);
  });

  it("tangents are recorded where primals are", () => {
    const x = double(3).requiresGrad_();
    const w = double(2).requiresGrad_();
    const [y, dy] = jvp((z: Tensor) => z.square().mul(w), [x], [double(1)]);
    expect(grad(y, [x, w], { retainGraph: true }).map((g) => g.item())).toEqual([12, 9]);
    expect(grad(dy, [x, w]).map((g) => g.item())).toEqual([4, 6]);
    const [, plain] = noGrad(() => jvp((z: Tensor) => z.square().mul(w), [x], [double(1)]));
    expect(plain.requiresGrad).toBe(false);
    expect(enableGrad(() => jvp((z: Tensor) => z.mul(2), [double(1)], [double(1)])[1].requiresGrad))
      .toBe(false);
  });
});

describe("outputs", () => {
  it("that are no floats have no tangent", () => {
    const [[values, indices], [dValues, dIndices]] = jvp((x: Tensor) => [...x.max(0)],
      [double([1, 4, 2])], [double([5, 6, 7])]);
    expect([values.item(), indices.item(), dValues.item(), dIndices.item()]).toEqual([4, 1, 6, 0]);
    expect(dIndices.dtype).toBe("int32");
  });

  it("of ops without gradient are constant", () => {
    expect(slope((x) => x.floor().mul(x), 2.5)).toBe(2);
    expect(slope((x) => x.gt(1).to("float64").mul(x), 2.5)).toBe(1);
    expect(slope((x) => x.argmax().to("float64"), 2.5)).toBe(0);
  });

  it("of several kinds come from one run", () => {
    let runs = 0;
    const [[a, { b }], [da, { b: db }]] = jvp((x: Tensor) => {
      runs++;
      return [x.var(0), { b: x.mean() }] as const;
    }, [double([1, 2, 4])], [double([1, 0, 0])]);
    expect(runs).toBe(1);
    expect(a.item()).toBeCloseTo(7 / 3, 12);
    expect(b.item()).toBeCloseTo(7 / 3, 12);
    expect(da.item()).toBeCloseTo(2 * (1 - 7 / 3) / 2, 12);
    expect(db.item()).toBeCloseTo(1 / 3, 12);
  });

  it("have tangents of their own shape and dtype", () => {
    const [y, dy] = jvp((x: Tensor) => x.add(zeros([2, 3], { dtype: "float64" })),
      [tensor([1, 2, 3])], [tensor([4, 5, 6])]);
    expect([y.dtype, dy.dtype, dy.tolist()]).toEqual(["float64", "float64", [[4, 5, 6], [4, 5, 6]]]);
  });
});

describe("in-place writes", () => {
  it.each<[string, (x: Tensor) => Tensor, number]>([
    ["to what was computed", (x) => x.mul(2).mul_(x), 12],
    ["of a tangent into a constant", (x) => double(5).mul_(x).add_(x), 6],
    ["of a constant over a tangent", (x) => x.mul(2).fill_(7).add(x), 1],
    ["of zeros", (x) => x.mul(2).zero_().add(x), 1],
    ["that read what they overwrite", (x) => x.mul(1).mul_(x.mul(1)).sqrt_(), 1],
    ["to selected elements", (x) =>
      zeros([3], { dtype: "float64" }).indexPut_([[0, 2]], x.square()).sum(), 12],
    ["that add to selected elements", (x) =>
      x.expand(2).clone().indexPut_([[1]], x, { accumulate: true }).prod(), 12],
    ["of random numbers", (x) => x.mul(2).uniform_().mul(0).add(x), 1],
    ["through copy_", (x) => zeros([], { dtype: "float64" }).copy_(x.pow(3)), 27],
  ])("%s", (_, f, expected) => {
    expect(slope(f, 3)).toBeCloseTo(expected, 12);
    expect(func.grad(f)(double(3)).item()).toBeCloseTo(expected, 12);
    expect(noGrad(() => slope(f, 3))).toBeCloseTo(expected, 12);
  });

  it.each<[string, (x: Tensor) => unknown]>([
    ["to a view", (x) => { const y = x.mul(2); y.index(0).mul_(3); return y; }],
    ["of a tangent into a view of a constant", (x) => {
      const y = zeros([2], { dtype: "float64" });
      y.index(0).add_(x.sum());
      return y;
    }],
    ["to what has views", (x) => { const y = x.mul(2); y.index(0); return y.mul_(3); }],
    ["to the argument itself", (x) => x.mul_(2)],
    ["to selected elements of a view", (x) => x.mul(2).view(2, 1).indexPut_([0], 1)],
    ["of random numbers to a view", (x) => x.mul(2).narrow(0, 0, 1).uniform_()],
  ])("%s are refused before anything changes", (_, f) => {
    const x = double([1, 2]);
    expect(() => jvp(f as (x: Tensor) => Tensor, [x], [double([1, 1])]))
      .toThrow(/in-place write in forward mode to a tensor that is a view or has views/);
    expect(x.tolist()).toEqual([1, 2]);
    expect(x._version).toBe(0);
  });

  it("to views of what no tangent meets are left alone", () => {
    const f = (x: Tensor) => {
      const y = zeros([2], { dtype: "float64" });
      noGrad(() => y.index(0).add_(3));
      return x.mul(y.sum());
    };
    expect(slope(f, 1)).toBe(3);
  });
});

describe("ops of the user's own", () => {
  it("get their tangents from their gradient rules", () => {
    const cube: Op<(input: Tensor) => Tensor> = primitive({
      name: "cube", inputs: ["input"],
      prepare: (input: Tensor) => ({ inputs: [input], attributes: null }),
      forward: ([input]) => input.pow(3).detach(),
      gradients: (reads) => ({
        input: reads(["input"], ({ grad: g, input }) => g.mul(input.square()).mul(3)),
      }),
      samples: [],
    });
    expect(slope(cube, 2)).toBe(12);
    expect(slope((x) => jvp(cube, [x], [double(1)])[1], 2)).toBe(12);
  });

  it("so do custom functions, whether or not anything requires a gradient", () => {
    class Cube extends Function {
      static forward(ctx: FunctionContext, x: Tensor): Tensor {
        ctx.saveForBackward(x);
        return x.pow(3);
      }
      static backward(ctx: FunctionContext, g: Tensor): Tensor | null {
        const [x] = ctx.savedTensors;
        return ctx.needsInputGrad[0] ? g.mul(x.square()).mul(3) : null;
      }
    }
    const f = (x: Tensor) => Cube.apply(x);
    expect(slope(f, 2)).toBe(12);
    expect(jvp(f, [double(2).requiresGrad_()], [double(1)])[1].item()).toBe(12);
    expect(slope((x) => jvp(f, [x], [double(1)])[1], 2)).toBe(12);
    expect(jacfwd(func.grad(f))(double(2)).item()).toBe(12);
  });
});

it("autograd still works on what forward mode has seen", () => {
  const x = double([1, 2]).requiresGrad_();
  const y = x.exp();
  jvp((z: Tensor) => z.mul(y).sum(), [x], [double([1, 1])]);
  autograd.backward(y.sum());
  expect(x.grad!.sub(y.detach()).abs().max().item()).toBe(0);
});
