// What `ctx` does for a custom function, and the mistakes that are named after the function.
import { describe, expect, it } from "vitest";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import { Function } from "../../src/autograd/function.ts";
import { ones, zeros, type Tensor } from "../../src/index.ts";
import { demandGrad, leaf } from "./drawn.ts";

type Context = FunctionContext;

describe("ctx.markDirty", () => {
  class DoubleInPlace extends Function {
    static forward(ctx: Context, x: Tensor): Tensor {
      ctx.markDirty(x);
      return x.mul_(2);
    }
    static backward(_: Context, gradient: Tensor): Tensor { return gradient.mul(2); }
  }

  it("returns the input itself, with a new history", () => {
    const x = leaf([2], 1);
    const y = x.mul(3);
    expect(DoubleInPlace.apply(y)).toBe(y);
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual([6, 6]);
    expect(x.mul(3).mul(2).tolist()).toEqual(y.tolist());
  });

  it("refuses a leaf before it is changed", () => {
    const x = leaf([2], 1);
    const before = x.tolist();
    expect(() => DoubleInPlace.apply(x)).toThrow(
      /DoubleInPlace: a leaf Variable that requires grad is being used in an in-place operation/);
    expect(x.tolist()).toEqual(before);
  });

  it("demands that what was changed is returned", () => {
    class Lost extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        ctx.markDirty(x);
        return x.mul_(2).clone();
      }
      static backward(_: Context, gradient: Tensor): Tensor { return gradient; }
    }
    expect(() => Lost.apply(leaf([2], 1).mul(1)))
      .toThrow(/Lost: Some elements marked as dirty during the forward method were not returned/);
  });

  it("is missed when an input was changed without it", () => {
    class Silent extends Function {
      static forward(_: Context, x: Tensor): Tensor { return x.mul_(2); }
      static backward(_: Context, gradient: Tensor): Tensor { return gradient; }
    }
    expect(() => Silent.apply(leaf([2], 1).mul(1)))
      .toThrow("Silent: forward changed an input in place");
  });
});

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

describe("saved tensors", () => {
  it("may be null (test_save_none_for_backward)", () => {
    class Optional extends Function {
      static forward(
        ctx: FunctionContext<object, [null, Tensor, null]>, x: Tensor,
      ): Tensor {
        ctx.saveForBackward(null, x, null);
        return x.mul(x);
      }
      static backward(
        ctx: FunctionContext<object, [null, Tensor, null]>, gradient: Tensor,
      ): Tensor {
        const [before, x, after] = ctx.savedTensors;
        expect([before, after]).toEqual([null, null]);
        return gradient.mul(2).mul(x);
      }
    }
    const x = leaf([5], 1);
    Optional.apply(x).sum().backward();
    demandGrad(x.grad, x.mul(2));
  });

  it("must be tensors", () => {
    class Number extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        ctx.saveForBackward(3 as unknown as Tensor);
        return x.clone();
      }
    }
    expect(() => Number.apply(leaf([2], 1)))
      .toThrow("Number: saveForBackward can only save tensors, but argument 0 is 3");
  });

  it("are released by backward, unless the graph is retained", () => {
    const x = leaf([3], 1);
    const y = Exp.apply(x).sum();
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(() => y.backward())
      .toThrow(/Trying to backward through the graph a second time .* those of Exp/);
  });

  it("are checked for changes in place", () => {
    const y = Exp.apply(leaf([3], 1));
    y.add_(1);
    expect(() => y.sum().backward()).toThrow(
      /modified by an inplace operation.*Exp saved.*is at version 1; expected version 0/s);
  });

  it("stay readable from a ctx that is kept, and are gone after backward", () => {
    let kept: Context | undefined;
    class Keep extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        kept = ctx;
        ctx.saveForBackward(x);
        return x.clone();
      }
      static backward(_: Context, gradient: Tensor): Tensor { return gradient; }
    }
    const x = leaf([2], 1);
    const y = Keep.apply(x);
    expect(kept!.savedTensors[0]).toBe(x);
    y.sum().backward();
    expect(() => kept!.savedTensors).toThrow("second time");
  });
});

describe("mistakes in a custom function", () => {
  /** A function whose backward returns what is given. */
  const returning = (result: (gradient: Tensor) => unknown) => class Faulty extends Function {
    static forward(_: Context, x: Tensor, factor?: number): Tensor { return x.mul(factor ?? 1); }
    static backward(_: Context, gradient: Tensor): unknown { return result(gradient); }
  };
  const run = (result: (gradient: Tensor) => unknown, ...rest: [] | [number]) => () =>
    returning(result).apply(leaf([2], 1), ...rest).sum().backward();

  it("are named: shapes (test_invalid_gradients)", () => {
    expect(run(() => zeros([5], { dtype: "float64" }))).toThrow("Function FaultyBackward " +
      "returned an invalid gradient at index 0 - got [5] but expected shape compatible with [2]");
    expect(run(() => ones([5, 2], { dtype: "float64" }))).not.toThrow(); // summed
  });

  it("are named: the number of gradients (test_too_many_grads)", () => {
    expect(run((g) => g, 2)).toThrow("function FaultyBackward returned an incorrect number of " +
      "gradients (expected 2, got 1)");
    expect(run((g) => [g, g])).toThrow("(expected 1, got 2)");
    expect(run((g) => [g, null, undefined])).not.toThrow();
    expect(run((g) => [g, g], 2)).toThrow("FaultyBackward returned a gradient different from " +
      "null at position 1, but the corresponding forward input was not a tensor");
  });

  it("are named: what is no gradient, or missing", () => {
    expect(run(() => 2)).toThrow("Faulty: backward must return tensors, expected Variable or " +
      "None (got 2 for argument 0)");
    expect(run(() => undefined))
      .toThrow("Faulty: backward returned no gradient for argument 0, which requires one");
    const inPlace = returning((g) => g.mul_(2)).apply(leaf([2], 1)).mul(3).sum();
    expect(() => inPlace.backward())
      .toThrow("Faulty: backward changed the gradient of output 0 in place");
  });

  it("are named: methods that are missing (test_custom_function_error)", () => {
    class NoBackward extends Function {
      static forward(_: Context, x: Tensor): Tensor { return x.clone(); }
    }
    expect(() => NoBackward.apply(leaf([1], 1)).backward())
      .toThrow(/NoBackward: You must implement the backward method .* custom autograd\.Function/);
    class NoForward extends Function {
      static backward(_: Context, gradient: Tensor): Tensor { return gradient; }
    }
    // @ts-expect-error forward is missing
    expect(() => NoForward.apply(leaf([1], 1)))
      .toThrow("NoForward: You must implement the forward function for custom autograd.Function");
    expect(() => new NoBackward()).toThrow("NoBackward: should not be instantiated");
  });

  it("are named: a forward that is not done when it returns", () => {
    class Later extends Function {
      static async forward(_: Context, x: Tensor): Promise<Tensor> { return x; }
    }
    expect(() => Later.apply(leaf([1], 1))).toThrow("Later: the callback returned a promise");
  });

  it("do not make a gradient that the user holds part of the engine", () => {
    const constant = ones([2], { dtype: "float64" });
    const constantGradient = returning(() => constant);
    const x = leaf([2], 1);
    constantGradient.apply(x).sum().backward();
    constantGradient.apply(x).sum().backward();
    expect(x.grad!.tolist()).toEqual([2, 2]);
    expect(constant.tolist()).toEqual([1, 1]);
  });
});
