// Ranked tests on custom functions, on what is saved, and on checkpoints.
import { describe, expect, it } from "vitest";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import {
  autograd, bernoulli, checkpoint, defaultGenerator, detectAnomaly, grad, manualSeed, ones,
  onesLike, tensor, type Tensor,
} from "../../src/index.ts";
import { demandGrad, demandSame, leaf } from "../autograd/drawn.ts";

const { Function, savedTensorsHooks } = autograd;
type Context = FunctionContext<object>;
const unit = (shape: number[]) => ones(shape, { dtype: "float64" });

describe("a custom function", () => {
  it("sets up its context apart from forward (test_custom_function_setup_context_simple)", () => {
    class Square extends Function {
      static forward(x: Tensor): Tensor { return x.square(); }
      static setupContext(ctx: Context, [x]: [Tensor], output: Tensor): void {
        expect(output.tolist()).toEqual(x.square().tolist());
        ctx.saveForBackward(x);
      }
      static backward(ctx: Context, gradient: Tensor): Tensor {
        return gradient.mul(2).mul(ctx.savedTensors[0]);
      }
    }
    const x = leaf([4], 1);
    const y = Square.apply(x);
    expect(y.requiresGrad).toBe(true);
    y.sum().backward();
    demandGrad(x.grad, x.mul(2));
  });

  it.each([
    ["test_materialize_grads", true, [[0]]], ["test_dont_materialize_grads", false, [null]],
  ] as const)("is given zeros or null for no gradient: %s", (_, materialize, expected) => {
    const seen: unknown[] = [];
    class Undefined extends Function {
      static forward(_: Context, x: Tensor): Tensor { return x.clone(); }
      static backward(): null { return null; }
    }
    class Own extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        ctx.setMaterializeGrads(materialize);
        return x.clone();
      }
      static backward(_: Context, gradient: Tensor | null): Tensor | null {
        seen.push(gradient && gradient.tolist());
        return gradient;
      }
    }
    Undefined.apply(Own.apply(leaf([1], 1))).backward();
    expect(seen).toEqual(expected);
  });

  it("cannot read what backward has released, however often it tries (test_save_tensor)", () => {
    let context: Context | undefined;
    class Keep extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        context = ctx;
        ctx.saveForBackward(x);
        return x.mul(2);
      }
      static backward(ctx: Context, gradient: Tensor): Tensor {
        expect(ctx.savedTensors[0]).toBe(ctx.savedTensors[0]);
        return gradient.mul(2);
      }
    }
    const y = Keep.apply(leaf([2], 1)).sum();
    y.backward();
    const message = "directly access saved tensors after they have already been freed";
    expect(() => context!.savedTensors).toThrow(message);
    expect(() => context!.savedTensors).toThrow(message);
  });
});

describe("detectAnomaly", () => {
  /** PyTorch's function of that test: its backward makes NaN of what it is given. */
  class Wrong extends Function {
    static forward(_: Context, x: Tensor): Tensor { return x.clone(); }
    static backward(_: Context, gradient: Tensor): Tensor {
      const result = gradient.clone();
      result.indexPut_([0], NaN);
      return result;
    }
  }

  it("names the node and which of its outputs is NaN, with the forward call " +
    "(test_anomaly_detect_nan)", () => {
    const x = leaf([10], 1);
    const run = (options = {}) =>
      detectAnomaly(() => Wrong.apply(x.mul(2)).sum().backward(), options);
    expect(run).toThrow(
      /^backward: Function 'WrongBackward' returned nan values in its 0th output: /);
    expect(run).toThrow(
      /Traceback of forward call that caused the error: Wrong at .*functions\.test\.ts:\d+/);
    expect(() => run({ checkNan: false })).not.toThrow();
    Wrong.apply(x).sum().backward();
  });

  it("names the parents of a node that backward has made (test_nested_anomaly_detect_nan)", () => {
    const x = tensor([0, 1], { dtype: "float64", requiresGrad: true });
    expect(() => detectAnomaly(() => {
      const [first] = grad(x.pow(1.5).sum(), x, { createGraph: true });
      first.sum().backward();
    }, { checkForward: false })).toThrow(
      /at .*functions\.test\.ts:\d+:\d+, in the recorded backward pass of pow at .*functions/);
  });
});

describe("what is saved", () => {
  it("goes through pack and unpack, two for x², one for exp (test_default_saved_tensors_hooks)",
    () => {
      const x = leaf([5], 1);
      const count = (f: (x: Tensor) => Tensor) => {
        const calls = [0, 0];
        const y = savedTensorsHooks((value) => { calls[0]++; return value.mul(2); },
          (value) => { calls[1]++; return value.div(2); }, () => f(x));
        const packed = [...calls];
        x.grad = null;
        y.sum().backward();
        return [packed, calls];
      };
      expect(count((input) => input.mul(input))).toEqual([[2, 0], [2, 2]]);
      demandGrad(x.grad, x.mul(2));
      expect(count((input) => input.exp())).toEqual([[1, 0], [1, 1]]);
      demandGrad(x.grad, x.exp());
    });
});

describe("checkpoint", () => {
  it("runs the function twice, and gives the same gradient (test_checkpoint)", () => {
    const [x, plain] = [leaf([3], 1), leaf([3], 1)];
    let calls = 0;
    const f = (input: Tensor) => { calls++; return input.sin().mul(input).exp(); };
    const y = checkpoint(f, x);
    expect(calls).toBe(1);
    y.backward(unit([3]));
    expect(calls).toBe(2);
    f(plain).backward(unit([3]));
    demandSame("gradient", x.grad!, plain.grad!);
  });

  it("draws the same mask again (test_checkpoint_rng_cpu)", () => {
    manualSeed(7);
    const x = ones([20], { requiresGrad: true });
    const y = checkpoint((input: Tensor) =>
      input.mul(bernoulli(onesLike(input).mul(0.5))).mul(input), x);
    const state = defaultGenerator.getState();
    y.sum().backward();
    expect(x.grad!.tolist()).toEqual(y.mul(2).tolist()); // y = mask x², x = 1
    expect(defaultGenerator.getState()).toEqual(state);
  });
});
