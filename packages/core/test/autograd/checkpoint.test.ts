// Checkpoints: the same gradients from a second run, which must do what the first did.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  bernoulli, defaultGenerator, enableGrad, grad, gradcheck, gradgradcheck, manualSeed, noGrad,
  ones, onesLike, tensor, type Tensor,
} from "../../src/index.ts";
import { checkpoint, checkpointSequential } from "../../src/transforms/checkpoint.ts";
import { jvp } from "../../src/transforms/func/jvp.ts";
import { demandGrad, demandSame, leaf, uniform } from "./drawn.ts";

/** A step of a computation; each saves something else: output, inputs, nothing. */
const steps: readonly ((x: Tensor, w: Tensor) => Tensor)[] = [
  (x) => x.tanh(), (x, w) => x.mul(w), (x) => x.sin(), (x) => x.add(1),
  (x, w) => x.matmul(w), (x) => x.sum(0, { keepdim: true }).add(x), (x) => x.clone().mul_(0.5),
];

/** `f` together with how often it was called. */
function counted<A extends readonly unknown[], R>(f: (...args: A) => R) {
  const counter = { calls: 0 };
  return { counter, f: (...args: A) => { counter.calls++; return f(...args); } };
}

describe("checkpoint", () => {
  it("gives the gradients that it would give otherwise, bit by bit", () => {
    fc.assert(fc.property(
      fc.array(fc.nat(steps.length - 1), { minLength: 1, maxLength: 6 }), fc.nat(6), fc.nat(6),
      (chosen, from, to) => {
        const [x, w] = [leaf([3, 3], 1), leaf([3, 3], 2)];
        const through = (range: readonly number[]) => (input: Tensor, weight: Tensor) =>
          range.reduce((value, i) => steps[i](value, weight), input);
        const plain = grad(through(chosen)(x, w).add(w).sum(), [x, w]);
        const before = through(chosen.slice(0, from))(x, w);
        const middle = checkpoint(through(chosen.slice(from, from + to)), before, w);
        const output = through(chosen.slice(from + to))(middle, w).add(w).sum();
        grad(output, [x, w]).forEach((g, i) => demandSame(`gradient ${i}`, g, plain[i]));
      }));
  });

  it("calls the function again, for backward, up to the last value it needs", () => {
    let ended = 0;
    const { f, counter } = counted((x: Tensor) => {
      const y = x.exp();
      ended++;
      return y.add(1);
    });
    const x = leaf([2], 1);
    const y = checkpoint(f, x).sum();
    expect([counter.calls, ended]).toEqual([1, 1]);
    y.backward();
    expect([counter.calls, ended]).toEqual([2, 1]); // exp's output is the last it needs
    demandGrad(x.grad, x.exp());
  });

  it("does not call it again where nothing was saved, or nothing is recorded", () => {
    const { f, counter } = counted((x: Tensor) => x.add(1));
    const x = leaf([2], 1);
    checkpoint(f, x).sum().backward();
    expect(counter.calls).toBe(1);
    expect(noGrad(() => checkpoint(f, x)).requiresGrad).toBe(false);
  });

  it("draws the same random numbers, and gives the generator back", () => {
    manualSeed(1);
    const dropout = (x: Tensor) => x.mul(bernoulli(onesLike(x).mul(0.5)));
    const x = ones([50], { requiresGrad: true });
    const y = checkpoint(dropout, x);
    const state = defaultGenerator.getState();
    y.sum().backward();
    demandSame("gradient", x.grad!, y.detach()); // y = mask, and so is the gradient
    expect(defaultGenerator.getState()).toEqual(state);
    x.grad = null;
    const other = checkpoint(dropout, x, { preserveRngState: false });
    other.sum().backward();
    expect(x.grad!.tolist()).not.toEqual(other.tolist());
    expect(defaultGenerator.getState()).not.toEqual(state);
  });

  it("may be nested: each level runs again once per level around it", () => {
    const inner = counted((x: Tensor) => x.sin().exp());
    const outer = counted((x: Tensor) => checkpoint(inner.f, x.tanh()).cos());
    const x = leaf([3], 1);
    checkpoint(outer.f, x).sum().backward();
    expect([outer.counter.calls, inner.counter.calls]).toEqual([2, 3]);
    const plain = leaf([3], 1);
    plain.tanh().sin().exp().cos().sum().backward();
    demandSame("gradient", x.grad!, plain.grad!);
  });

  it("works with grad, second derivatives and a retained graph", () => {
    const { f, counter } = counted((a: Tensor, b: Tensor) => a.exp().mul(b).sin());
    const inputs = [leaf([2], 1), leaf([2], 2)] as const;
    const checkpointed = (a: Tensor, b: Tensor) => checkpoint(f, a, b);
    gradcheck(checkpointed, inputs);
    gradgradcheck(checkpointed, inputs);
    const y = checkpointed(...inputs).sum();
    counter.calls = 0;
    const [first] = grad(y, [inputs[0]], { retainGraph: true });
    const [second] = grad(y, [inputs[0]]);
    demandSame("gradient", second, first);
    expect(counter.calls).toBe(2);
  });

  it("works where only captured tensors require a gradient, with other arguments beside", () => {
    const w = leaf([3], 1);
    const x = uniform([3], 2);
    const scaled = (input: Tensor, scale: number, { bias }: { bias: number }) =>
      input.mul(w).mul(scale).add(bias).sin();
    const y = checkpoint(scaled, x, 2, { bias: 1 });
    expectTypeOf(y).toEqualTypeOf<Tensor>();
    y.sum().backward();
    demandGrad(w.grad, x.mul(w).mul(2).add(1).cos().mul(x).mul(2));
  });

  it("may contain gradients of its own", () => {
    const f = (x: Tensor) => {
      const [slope] = grad(x.pow(3).sum(), x, { createGraph: true });
      return slope.exp();
    };
    const [x, plain] = [leaf([3], 1), leaf([3], 1)];
    checkpoint((input: Tensor) => f(input.mul(1)), x).sum().backward();
    f(plain.mul(1)).sum().backward();
    demandSame("gradient", x.grad!, plain.grad!);
  });

  it("passes tangents on, forward over reverse", () => {
    const [x, v] = [uniform([3], 1), uniform([3], 2)];
    const slopeOf = (f: (x: Tensor) => Tensor) => (input: Tensor) => {
      const inner = input.mul(1).requiresGrad_();
      return grad(f(inner).sum(), inner, { createGraph: true })[0];
    };
    const f = (input: Tensor) => input.sin().exp().mul(input);
    const [, plain] = jvp(slopeOf(f), [x], [v]);
    const [, again] = jvp(slopeOf((input) => checkpoint(f, input)), [x], [v]);
    demandSame("tangent", again, plain);
  });

  it("gives several outputs, and what is no tensor, as they are", () => {
    const x = leaf([2], 1);
    const [y, label] = checkpoint((input: Tensor): [Tensor, string] => [input.exp(), "label"], x);
    expect(label).toBe("label");
    y.sum().backward();
    demandGrad(x.grad, x.exp());
  });
});

describe("a second run that differs", () => {
  const x = () => leaf([4], 1);
  /** Runs `first` in forward, and `second` for backward. */
  const alternating = (first: (x: Tensor) => Tensor, second: (x: Tensor) => Tensor) => () => {
    let calls = 0;
    const y = checkpoint((input: Tensor) => (calls++ === 0 ? first : second)(input), x());
    y.sum().backward();
  };

  it("is found: number, shape, dtype, op (test_checkpoint_detects_non_determinism)", () => {
    const both = (input: Tensor) => input.sin().sin();
    expect(alternating(both, (input) => input.sin())).toThrow(
      /checkpoint: A different number of tensors was saved .* 2 during forward, 1 during recomp/);
    expect(alternating(both, (input) => input.narrow(0, 0, 2).sin().sin())).toThrow(
      /different metadata than during the forward pass: tensor at position 0: saved by sin as in/);
    expect(alternating(both, (input) => input.to("float32").sin().sin()))
      .toThrow(/float64 of shape \[4\]; recomputed by sin as input, float32 of shape \[4\]/);
    expect(alternating(both, (input) => input.cos().sin())).toThrow("recomputed by cos as input");
    expect(alternating(both, both)).not.toThrow();
  });

  it("is found within ops that are made of others, under the name of checkpoint", () => {
    expect(alternating((input) => input.std(), (input) => input.var())).toThrow(/^checkpoint: /);
  });

  it("is let through where the check is off", () => {
    let calls = 0;
    const input = x();
    const y = checkpoint((value: Tensor) => calls++ === 0 ? value.sin() : value.cos(), input,
      { determinismCheck: "none" });
    y.sum().backward();
    demandGrad(input.grad, input.cos());
  });

  it("throws what the function throws", () => {
    expect(alternating((input) => input.sin(), () => { throw new RangeError("mine"); }))
      .toThrow(RangeError);
    noGrad(() => expect(enableGrad(() => leaf([1], 1).exp().requiresGrad)).toBe(true));
  });

  it("is found when a parameter or an argument was changed meanwhile", () => {
    const w = leaf([4], 2);
    const y = checkpoint((input: Tensor) => input.mul(w), x());
    noGrad(() => w.add_(1));
    expect(() => y.sum().backward()).toThrow(
      /modified by an inplace operation: the parameter saved by mul as other.*changed between/);
    const input = x().mul(1);
    const z = checkpoint((value: Tensor) => value.sin(), input);
    input.add_(1);
    expect(() => z.sum().backward()).toThrow(
      /modified by an inplace operation.*checkpoint saved as argument 0 is at version 1/s);
  });

  it("is found when it overwrites what it has saved", () => {
    expect(() => checkpoint((input: Tensor) => {
      const y = input.exp();
      y.add_(1);
      return y.sin();
    }, x()).sum().backward()).toThrow(/modified by an inplace operation.*exp as output.*add_/);
  });
});

describe("arguments of checkpoint", () => {
  it("are checked", () => {
    const x = leaf([2], 1);
    expect(() => checkpoint(3 as never, x)).toThrow("checkpoint: takes a function and its");
    expect(() => checkpoint((y: Tensor) => y, x, { determinismCheck: "some" as "none" }))
      .toThrow("determinismCheck must be \"default\" or \"none\", got \"some\"");
    expect(() => checkpoint(() => Promise.resolve(x))).toThrow("checkpoint: the callback returned");
    // @ts-expect-error an argument is missing
    checkpoint((y: Tensor, z?: Tensor, ..._: [number]) => z ?? y, x);
  });
});

describe("checkpointSequential", () => {
  it("checkpoints all segments but the last", () => {
    const functions = [0, 1, 2, 3, 4].map((i) => counted((x: Tensor) => x.add(i).sin()));
    const x = leaf([3], 1);
    const plain = leaf([3], 1);
    checkpointSequential(functions.map(({ f }) => f), 2, x).sum().backward();
    expect(functions.map(({ counter }) => counter.calls)).toEqual([2, 2, 1, 1, 1]);
    functions.reduce((value, { f }) => f(value), plain).sum().backward();
    demandSame("gradient", x.grad!, plain.grad!);
    expect(() => checkpointSequential([], 1, x)).toThrow("segments must be an integer from 1 to 0");
  });
});

describe("memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;

  /** Bytes of arrays that are in use. */
  function arrayBytes(): number {
    collect();
    collect();
    return process.memoryUsage().arrayBuffers;
  }

  it("holds one segment at a time", () => {
    const count = 2 ** 18; // 2 MB of float64 each
    const bytes = count * 8;
    const peakOf = (run: (f: (x: Tensor) => Tensor, x: Tensor) => Tensor) => {
      const x = tensor(new Float64Array(count), { requiresGrad: true });
      const before = arrayBytes();
      let peak = 0;
      let y: Tensor = x;
      for (let i = 0; i < 6; i++) {
        y = run((value) => value.sin().sin().sin().sin(), y);
        y.registerHook(() => { peak = Math.max(peak, arrayBytes() - before); });
      }
      y.sum().backward();
      return peak / bytes;
    };
    // 23 values are saved without; with, 5 arguments, 3 values of a segment, gradients on the way
    expect(peakOf((f, x) => f(x))).toBeGreaterThan(20);
    expect(peakOf((f, x) => checkpoint(f, x))).toBeLessThan(12);
  });
});
