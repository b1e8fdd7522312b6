// Custom functions: their gradients, what they return, and what second derivatives see.
import { describe, expect, expectTypeOf, it } from "vitest";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import { Function } from "../../src/autograd/function.ts";
import {
  enableGrad, grad, gradcheck, gradgradcheck, isGradEnabled, noGrad, ones, type Tensor,
} from "../../src/index.ts";
import { demandGrad, leaf, uniform } from "./drawn.ts";

type Context = FunctionContext;

class Exp extends Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    const output = x.exp();
    ctx.saveForBackward(output);
    return output;
  }
  static backward(ctx: Context, gradient: Tensor): Tensor {
    const [output] = ctx.savedTensors;
    return gradient.mul(output);
  }
}

/** `a + scale·b + a·b`, as in PyTorch's test_function. */
class ScaledSum extends Function {
  static forward(
    ctx: FunctionContext<{ scale: number; needs: readonly boolean[] }>,
    a: Tensor, scale: number, b: Tensor,
  ): Tensor {
    ctx.scale = scale;
    ctx.needs = ctx.needsInputGrad;
    ctx.saveForBackward(a, b);
    return a.add(b.mul(scale)).add(a.mul(b));
  }
  static backward(
    ctx: FunctionContext<{ scale: number; needs: readonly boolean[] }>, gradient: Tensor,
  ): (Tensor | null)[] {
    const [a, b] = ctx.savedTensors;
    expect(ctx.needs).toEqual([true, false, true]);
    return [gradient.add(gradient.mul(b)), null, gradient.mul(ctx.scale).add(gradient.mul(a))];
  }
}

describe("a custom function", () => {
  it("gives its own gradients, numbers among its arguments (test_function)", () => {
    const [a, b] = [leaf([5, 5], 1), leaf([5, 5], 2)];
    const result = ScaledSum.apply(a, 2, b);
    result.sum().backward();
    demandGrad(a.grad, b.add(1));
    demandGrad(b.grad, a.add(2));
    gradcheck((x, y) => ScaledSum.apply(x, 3, y), [a, b]);
    gradgradcheck((x, y) => ScaledSum.apply(x, 3, y), [a, b]);
  });

  it("is typed by its forward", () => {
    const x = leaf([2], 1);
    expectTypeOf(Exp.apply(x)).toEqualTypeOf<Tensor>();
    expectTypeOf<Parameters<typeof ScaledSum.apply<typeof ScaledSum>>>()
      .toEqualTypeOf<[a: Tensor, scale: number, b: Tensor]>();
    // @ts-expect-error a number is missing
    expect(() => ScaledSum.apply(x, x)).toThrow();
  });

  it("has a node that is named after it, with edges for tensors only", () => {
    const [a, b] = [leaf([2], 1), leaf([2], 2)];
    const { gradFn } = ScaledSum.apply(a, 1, b);
    expect(gradFn!.name).toBe("ScaledSumBackward");
    expect(gradFn!.nextFunctions.map(([node]) => node!.name))
      .toEqual(["AccumulateGrad", "AccumulateGrad"]);
  });

  it("runs forward without recording, backward as the pass says", () => {
    const modes: boolean[] = [];
    class Watch extends Function {
      static forward(_: Context, x: Tensor): Tensor {
        modes.push(isGradEnabled());
        return x.mul(2);
      }
      static backward(_: Context, gradient: Tensor): Tensor {
        modes.push(isGradEnabled());
        return gradient.mul(2);
      }
    }
    const x = leaf([2], 1);
    const y = Watch.apply(x).sum();
    grad(y, x, { createGraph: true });
    y.backward();
    expect(modes).toEqual([false, true, false]);
    expect(noGrad(() => Watch.apply(x)).requiresGrad).toBe(false);
    expect(Watch.apply(uniform([2], 3)).requiresGrad).toBe(false);
  });

  it("may save its output, and be derived twice (test_custom_autograd_no_early_free)", () => {
    class Square extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        const y = x.pow(2);
        ctx.saveForBackward(x, y);
        return y;
      }
      static backward(ctx: Context, gradient: Tensor): Tensor {
        const [x, y] = ctx.savedTensors;
        return gradient.mul(2).mul(y).div(x);
      }
    }
    const x = uniform([5], 1).add(2).requiresGrad_();
    for (const f of [Square, Exp]) {
      gradcheck((value) => f.apply(value), [x]);
      gradgradcheck((value) => f.apply(value), [x]);
    }
  });

  it("keeps what is no tensor in place (test_custom_function_non_tensor_inputs_outputs)", () => {
    class Mixed extends Function {
      static forward(
        ctx: FunctionContext<{ scale: number }>, t: Tensor, scale: number, u: Tensor,
      ): [null, Tensor, string, Tensor, Tensor] {
        ctx.scale = scale;
        return [null, t.add(u.mul(scale)), "seven", t.mul(scale), u.mul(3)];
      }
      static backward(
        { scale }: FunctionContext<{ scale: number }>, ...grads: (Tensor | null)[]
      ): (Tensor | null)[] {
        const [first, sum, third, scaled, tripled] = grads;
        expect([first, third]).toEqual([null, null]);
        return [sum!.add(scaled!.mul(scale)), null, sum!.mul(scale).add(tripled!.mul(3))];
      }
    }
    const [t, u] = [leaf([2], 1), leaf([2], 2)];
    const [nothing, a, label, b, c] = Mixed.apply(t, 2, u);
    expect([nothing, label]).toEqual([null, "seven"]);
    a.add(b).add(c).sum().backward();
    demandGrad(t.grad, ones([2], { dtype: "float64" }).mul(3));
    demandGrad(u.grad, ones([2], { dtype: "float64" }).mul(5));
  });

  it("has a split form (test_custom_function_setup_context_multi_output)", () => {
    class PowerAndCube extends Function {
      static forward(x: Tensor, exponent: number): [Tensor, number] {
        return [x.pow(exponent), exponent];
      }
      static setupContext(
        ctx: FunctionContext<{ exponent: number }>, [x, exponent]: [Tensor, number],
        [, given]: [Tensor, number],
      ): void {
        expect(given).toBe(exponent);
        ctx.exponent = exponent;
        ctx.saveForBackward(x);
      }
      static backward(
        ctx: FunctionContext<{ exponent: number }>, gradient: Tensor,
      ): (Tensor | null)[] {
        const [x] = ctx.savedTensors;
        return [gradient.mul(ctx.exponent).mul(x.pow(ctx.exponent - 1)), null];
      }
    }
    const x = uniform([4], 1).add(2).requiresGrad_();
    expectTypeOf(PowerAndCube.apply(x, 3)).toEqualTypeOf<[Tensor, number]>();
    gradcheck((value) => PowerAndCube.apply(value, 3)[0], [x]);
    gradgradcheck((value) => PowerAndCube.apply(value, 3)[0], [x]);
  });

  it("may run backward within backward (test_reentrant_with_callbacks)", () => {
    class Inner extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        ctx.saveForBackward(x);
        return x.mul(x);
      }
      static backward(ctx: Context, gradient: Tensor): Tensor {
        const inner = ctx.savedTensors[0].detach().requiresGrad_();
        enableGrad(() => inner.mul(inner).sum()).backward();
        return inner.grad!.mul(gradient);
      }
    }
    const x = leaf([3], 1);
    Inner.apply(x).sum().backward();
    demandGrad(x.grad, x.mul(2));
  });

  it("may keep the gradients it is given, and what it makes of them", () => {
    const kept: Tensor[] = [];
    class Keep extends Function {
      static forward(_: Context, x: Tensor): Tensor { return x.clone(); }
      static backward(_: Context, gradient: Tensor): Tensor {
        const tripled = gradient.mul(3);
        kept.push(gradient, tripled, gradient.add(1));
        return tripled;
      }
    }
    const x = leaf([1000], 1); // long enough for the engine to give up what nobody else holds
    Keep.apply(x.mul(2)).mul(x).mul(5).sum().backward();
    const gradient = x.detach().mul(5);
    const expected = [gradient, gradient.mul(3), gradient.add(1)];
    kept.forEach((value, i) => demandGrad(value, expected[i]));
    demandGrad(x.grad, x.mul(40));
  });

  it("goes 150,000 deep without recursion (test_free_deep_graph_pyfunction)", () => {
    class Same extends Function {
      static forward(_: Context, x: Tensor): Tensor { return x.clone(); }
      static backward(_: Context, gradient: Tensor): Tensor { return gradient; }
    }
    const x = leaf([1], 1);
    let y: Tensor = x;
    for (let i = 0; i < 150_000; i++) y = Same.apply(y);
    y.sum().backward();
    expect(x.grad!.item()).toBe(1);
  });
});

describe("outputs of a custom function", () => {
  class Sum extends Function {
    static forward(_: Context, a: Tensor, b: Tensor): [Tensor, Tensor] { return [a, a.add(b)]; }
    static backward(_: Context, first: Tensor, second: Tensor): [Tensor, Tensor] {
      return [first.add(second), second];
    }
  }

  it("are new tensors where an input is returned (test_function_returns_input)", () => {
    class Twice extends Function {
      static forward(_: Context, x: Tensor): Tensor { return x; }
      static backward(_: Context, gradient: Tensor): Tensor { return gradient.mul(2); }
    }
    for (const shape of [[1], []]) {
      const x = ones(shape, { dtype: "float64", requiresGrad: true });
      const y = Twice.apply(x);
      expect(y).not.toBe(x);
      expect(y._base).toBe(x);
      y.backward();
      expect(x.grad!.item()).toBe(2);
    }
    const [a, b] = [leaf([2], 1), leaf([2], 2)];
    const [same, sum] = Sum.apply(a, b);
    same.mul(3).add(sum).sum().backward();
    expect([a.grad!.tolist(), b.grad!.tolist()]).toEqual([[4, 4], [1, 1]]);
  });

  it("stay one object where one is returned twice (test_return_duplicate)", () => {
    class Twice extends Function {
      static forward(_: Context, x: Tensor): [Tensor, Tensor] {
        const y = x.mul(2);
        return [y, y];
      }
      static backward(_: Context, first: Tensor, second: Tensor): Tensor {
        return first.mul(2).add(second.mul(2));
      }
    }
    const f = (x: Tensor) => {
      const [a, b] = Twice.apply(x);
      expect(a).toBe(b);
      return a.add(b);
    };
    gradcheck(f, [leaf([5], 1)]);
    gradgradcheck(f, [leaf([5], 1)]);
  });

  it("have gradients of zeros where nothing depends on them (test_materialize_grads)", () => {
    const seen: unknown[] = [];
    class Two extends Function {
      static forward(
        ctx: Context, x: Tensor, materialize: boolean,
      ): [Tensor, Tensor] {
        ctx.setMaterializeGrads(materialize);
        return [x.mul(2), x.mul(3)];
      }
      static backward(_: Context, first: Tensor, second: Tensor | null): (Tensor | null)[] {
        seen.push(second === null ? null : second.tolist());
        return [first.mul(2), null];
      }
    }
    const x = leaf([2], 1);
    Two.apply(x, true)[0].sum().backward();
    Two.apply(x, false)[0].sum().backward();
    expect(seen).toEqual([[0, 0], null]);
    expect(x.grad!.tolist()).toEqual([4, 4]);
  });

  it("may have no gradient (test_mark_non_differentiable_mixed)", () => {
    class Part extends Function {
      static forward(ctx: Context, x: Tensor): [Tensor, Tensor] {
        const [a, b] = [x.add(1), x.add(2)];
        ctx.markNonDifferentiable(a);
        return [a, b];
      }
      static backward(_: Context, first: Tensor, second: Tensor): Tensor {
        expect(first.tolist()).toEqual([0, 0]);
        return second;
      }
    }
    const x = leaf([2], 1);
    const [a, b] = Part.apply(x);
    expect([a.requiresGrad, a.gradFn, b.requiresGrad]).toEqual([false, null, true]);
    b.sum().backward();
    expect(x.grad!.tolist()).toEqual([1, 1]);
  });

  it("have none where they hold no floats, unasked", () => {
    class Positive extends Function {
      static forward(_: Context, x: Tensor): [Tensor, Tensor] { return [x.gt(0), x.relu()]; }
      static backward(_: Context, __: Tensor, gradient: Tensor): Tensor { return gradient; }
    }
    const [mask, y] = Positive.apply(leaf([3], 1));
    expect([mask.requiresGrad, y.requiresGrad]).toEqual([false, true]);
  });

  it("leave gradients undefined that backward leaves out (test_function_returns_undefined_tensor)",
    () => {
      class Nothing extends Function {
        static forward(_: Context, x: Tensor): Tensor { return x.mul(2); }
        static backward(): null { return null; }
      }
      const x = leaf([1], 1);
      Nothing.apply(x).backward();
      expect(x.grad).toBeNull();
      Nothing.apply(x.pow(2)).backward();
      expect(x.grad).toBeNull();
      Nothing.apply(x).sum().backward();
      expect(x.grad).toBeNull();
      expect(grad(Nothing.apply(x), x, { allowUnused: true })).toEqual([null]);
    });
});
