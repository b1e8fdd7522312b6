// Hooks on saved tensors: what is packed and unpacked, when, and what they must not do.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import { Function } from "../../src/autograd/function.ts";
import { savedTensorsHooks } from "../../src/autograd/saved-hooks.ts";
import { grad, gradcheck, gradgradcheck, isGradEnabled, ones, tensor, type Tensor }
  from "../../src/index.ts";
import { demandGrad, demandSame, leaf, uniform } from "./drawn.ts";

const same = (packed: Tensor) => packed;

describe("savedTensorsHooks", () => {
  it("packs what is saved, one by one, and unpacks it where it is used", () => {
    const x = leaf([3], 1);
    const calls: string[] = [];
    const hooked = (body: () => Tensor) => savedTensorsHooks(
      (saved) => { calls.push(`pack ${saved.shape}`); return saved; },
      (saved) => { calls.push(`unpack ${saved.shape}`); return saved; }, body);
    const product = hooked(() => x.mul(x).sum());
    expect(calls).toEqual(["pack 3", "pack 3"]);
    product.backward();
    expect(calls).toEqual(["pack 3", "pack 3", "unpack 3", "unpack 3"]);
    calls.length = 0;
    const exponential = hooked(() => x.exp().add(1).sum());
    expect(calls).toEqual(["pack 3"]);
    exponential.backward(null, { retainGraph: true });
    exponential.backward();
    expect(calls).toEqual(["pack 3", "unpack 3", "unpack 3"]);
    demandGrad(x.grad, x.mul(2).add(x.exp().mul(2)));
  });

  it("unpacks once for a node whose rules read a value twice", () => {
    const [x, y] = [leaf([2], 1), uniform([2], 2).add(3).requiresGrad_()];
    let unpacked = 0;
    const quotient = savedTensorsHooks(same, (saved) => { unpacked++; return saved; },
      () => x.div(y));
    const saved = (quotient.gradFn!.saved ?? []).length;
    quotient.sum().backward();
    expect(unpacked).toBe(saved);
  });

  it("may keep something else: gradients come from what unpack gives", () => {
    const x = leaf([4], 1);
    const y = savedTensorsHooks((saved) => saved.tolist<number[]>(),
      (list) => tensor(list, { dtype: "float64" }), () => x.sin().mul(x));
    y.sum().backward();
    demandGrad(x.grad, x.cos().mul(x).add(x.sin()));
    x.grad = null;
    savedTensorsHooks((saved) => saved.mul(2), same, () => x.mul(x)).sum().backward();
    demandGrad(x.grad, x.mul(4)); // both factors were doubled
  });

  it("keeps second derivatives (test_default_saved_tensors_hooks_double_backward)", () => {
    const f = (x: Tensor, y: Tensor) => savedTensorsHooks(
      (saved) => saved.clone(), same, () => x.exp().mul(y).sin().div(y));
    const inputs = [leaf([3], 1), uniform([3], 2).add(3).requiresGrad_()] as const;
    gradcheck(f, inputs);
    gradgradcheck(f, inputs);
  });

  it("gives hooks tensors without history, and runs them without recording", () => {
    const x = leaf([2], 1).mul(1);
    const seen: unknown[] = [];
    const y = savedTensorsHooks(
      (saved) => { seen.push(saved.requiresGrad, isGradEnabled()); return saved; },
      (saved) => { seen.push(isGradEnabled()); return saved; },
      () => x.sin());
    grad(y.sum(), x, { createGraph: true });
    expect(seen).toEqual([false, false, false]);
  });

  it("hides outer hooks by inner ones, and ends with the body", () => {
    const x = leaf([2], 1);
    const packs: string[] = [];
    const named = (name: string, body: () => Tensor) =>
      savedTensorsHooks((saved) => { packs.push(name); return saved; }, same, body);
    named("outer", () => {
      named("inner", () => x.exp());
      return x.exp();
    });
    expect(() => named("failing", () => { throw new RangeError("from the body"); }))
      .toThrow(RangeError);
    x.exp();
    expect(packs).toEqual(["inner", "outer"]);
  });

  it("packs what custom functions save (test_saved_tensor_hooks_custom_function_intermediates)",
    () => {
      class Cube extends Function {
        static forward(ctx: FunctionContext, x: Tensor): Tensor {
          const square = x.mul(x);
          ctx.saveForBackward(x, square);
          return square.mul(x);
        }
        static backward(ctx: FunctionContext, gradient: Tensor): Tensor {
          expect(ctx.savedTensors).toHaveLength(2);
          const [, square] = ctx.savedTensors;
          return gradient.mul(square).mul(3);
        }
      }
      const x = leaf([2], 1);
      const counts = { pack: 0, unpack: 0 };
      const y = savedTensorsHooks((saved) => { counts.pack++; return saved.clone(); },
        (saved) => { counts.unpack++; return saved; }, () => Cube.apply(x));
      y.sum().backward();
      expect(counts).toEqual({ pack: 2, unpack: 2 });
      demandGrad(x.grad, x.pow(2).mul(3));
    });

  it("finds a change in place of a tensor that pack kept as it is", () => {
    const y = savedTensorsHooks(same, same, () => leaf([2], 1).exp());
    y.add_(1);
    expect(() => y.sum().backward()).toThrow("modified by an inplace operation");
    const copied = savedTensorsHooks((saved) => saved.clone(), same, () => leaf([2], 1).exp());
    copied.add_(1);
    expect(() => copied.sum().backward()).not.toThrow();
  });

  it("leaves a gradient that unpack handed out to its owner", () => {
    const kept: Tensor[] = [];
    const x = leaf([2], 1);
    const factor = ones([2], { dtype: "float64" });
    const y = savedTensorsHooks((saved) => { kept.push(saved); return kept.length - 1; },
      (at) => kept[at], () => x.mul(factor).mul(factor));
    y.sum().backward(null, { retainGraph: true });
    y.sum().backward();
    for (const saved of kept) demandSame("kept", saved, ones([2], { dtype: "float64" }));
  });

  it("refuses a pack hook that writes (test_pack_hook_with_inplace_modification_should_fail)",
    () => {
      const x = leaf([2], 1);
      expect(() => savedTensorsHooks((saved) => saved.mul_(2), same, () => x.exp())).toThrow(
        /pack hook is modifying its input in place: what exp saved as output.*unexpected/);
    });

  it("refuses what unpack must not give", () => {
    const x = leaf([2], 1);
    const through = (unpack: () => unknown) => () =>
      savedTensorsHooks(same, unpack as () => Tensor, () => x.exp()).sum().backward();
    expect(through(() => 3)).toThrow("unpack_hook expected to be a Tensor but got 3");
    expect(through(() => ones([3], { dtype: "float64" })))
      .toThrow("unpack gave a tensor of float64 with shape [3], but exp saved one of float64");
    expect(through(() => ones([2]))).toThrow("unpack gave a tensor of float32");
    expect(() => savedTensorsHooks(same, same, 3 as never)).toThrow("takes pack, unpack and");
  });

  it("refuses a body that returns a promise", () => {
    expect(() => savedTensorsHooks(same, same, () => Promise.resolve(1)))
      .toThrow("savedTensorsHooks: the callback returned a promise");
    let packs = 0;
    savedTensorsHooks((saved) => { packs++; return saved; }, same, () => leaf([1], 1));
    leaf([2], 1).exp();
    expect(packs).toBe(0);
  });
});

describe("saved values", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const nextJob = () => new Promise((resolve) => setTimeout(resolve));

  it("are released node by node while backward runs", async () => {
    const x = leaf([1000], 1);
    const build = () => {
      const first = x.exp();
      const last = first.mul(1).exp();
      return { output: last.sum(), first, references: [new WeakRef(first), new WeakRef(last)] };
    };
    const { output, references, first } = build();
    let alive: boolean[] = [];
    first.registerHook(() => {
      collect();
      alive = references.map((reference) => reference.deref() !== undefined);
    });
    await nextJob(); // a WeakRef holds its target until the job that made it ends
    output.backward();
    expect(alive).toEqual([true, false]); // `first` is still to be read, `last` was
  });

  it("go with the last reference to the loss", async () => {
    const x = leaf([1000], 1);
    const reference = (() => new WeakRef(x.exp().sum().gradFn!))();
    await nextJob();
    collect();
    expect(reference.deref()).toBeUndefined();
  });
});
