// Functions with a gradient of their own, and backwards that cannot be differentiated.
import { describe, expect, expectTypeOf, it } from "vitest";
import { customGradient } from "../../src/autograd/custom-gradient.ts";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import { Function } from "../../src/autograd/function.ts";
import { onceDifferentiable } from "../../src/autograd/once-differentiable.ts";
import { grad, gradcheck, gradgradcheck, isGradEnabled, tensor, type Tensor }
  from "../../src/index.ts";
import { demandGrad, leaf } from "./drawn.ts";

type Context = FunctionContext;

describe("customGradient", () => {
  it("gives a function a gradient of its own", () => {
    const straightThrough = customGradient((x: Tensor) => x.round(), (gradient) => gradient);
    const x = tensor([0.2, 1.7], { requiresGrad: true });
    const y = straightThrough(x);
    expectTypeOf(straightThrough).toEqualTypeOf<(x: Tensor) => Tensor>();
    expect(y.tolist()).toEqual([0, 2]);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([1, 1]);
  });

  it("gives the rule inputs and outputs with their history", () => {
    const product = customGradient(
      function product(a: Tensor, scale: number, b: Tensor): [Tensor, Tensor] {
        return [a.mul(b).mul(scale), b.exp()];
      },
      ([first, second], { inputs: [a, scale, b], output: [, exponential] }) => [
        first.mul(b).mul(scale), null, first.mul(a).mul(scale).add(second.mul(exponential)),
      ]);
    const inputs = [leaf([3], 1), leaf([3], 2)] as const;
    gradcheck((a, b) => product(a, 2, b), inputs);
    gradgradcheck((a, b) => product(a, 2, b), inputs);
    expect(product(inputs[0], 2, inputs[1])[0].gradFn!.name).toBe("productBackward");
  });

  it("checks only what the rule reads", () => {
    const double = customGradient((x: Tensor) => x.mul(2), (gradient) => gradient.mul(2));
    const x = leaf([2], 1);
    const y = double(x);
    y.add_(1);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([2, 2]);
  });

  it("refuses what is no function", () => {
    expect(() => customGradient((x: Tensor) => x, 3 as never))
      .toThrow("customGradient: takes functions, got 3");
  });
});

describe("onceDifferentiable", () => {
  class Cube extends Function {
    static forward(ctx: Context, x: Tensor): Tensor {
      ctx.saveForBackward(x);
      return x.pow(3);
    }
    static backward = onceDifferentiable((ctx: Context, gradient: Tensor) => {
      expect(isGradEnabled()).toBe(false);
      const [x] = ctx.savedTensors;
      return gradient.mul(x).mul(x).mul(3);
    });
  }

  it("gives the first derivative, and refuses the second (test_once_differentiable)", () => {
    const x = leaf([3], 1);
    const y = Cube.apply(x).sum();
    const [first] = grad(y, x, { createGraph: true });
    demandGrad(first, x.pow(2).mul(3));
    expect(() => grad(first.sum(), x))
      .toThrow("Cube: trying to differentiate twice a function that was marked with");
    expect(() => grad(y.add(x.sum()), x)).not.toThrow();
  });

  it("refuses it on a path beside others, too", () => {
    const x = leaf([3], 1);
    const [first] = grad(Cube.apply(x).add(x.mul(x)).sum(), x, { createGraph: true });
    expect(() => first.sum().backward()).toThrow("trying to differentiate twice");
  });
});
