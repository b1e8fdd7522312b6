// Backward within backward, deeper than the stack: gradients, failures, and reads on the way.
import { afterEach, describe, expect, it } from "vitest";
import type { FunctionContext } from "../../src/autograd/function-context.ts";
import { Function } from "../../src/autograd/function.ts";
import { enableGrad, grad, tensor, type Tensor } from "../../src/index.ts";

type Context = FunctionContext<{ inner: Tensor; leaf: Tensor }>;

/** What a level does after the backward that it has started. */
let afterwards: (ctx: Context) => void = () => {};
let runs = 0;

/** Starts another backward from within its own, until its input is 0: PyTorch's DeepReentrant. */
class Deep extends Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    enableGrad(() => {
      ctx.leaf = x.detach().requiresGrad_();
      ctx.inner = ctx.leaf.sub(1);
    });
    return ctx.inner.detach();
  }
  static backward(ctx: Context, gradient: Tensor): Tensor {
    runs++;
    if (ctx.inner.item() < 0) return gradient;
    enableGrad(() => Deep.apply(ctx.inner).sum().backward());
    afterwards(ctx);
    return gradient;
  }
}

const start = (depth: number) => tensor(depth, { requiresGrad: true });

describe("backward within backward", () => {
  afterEach(() => {
    afterwards = () => {};
    runs = 0;
  });

  it("goes 2,000 levels deep (test_deep_reentrant)", () => {
    for (const depth of [2000, 200]) {
      const x = start(depth);
      runs = 0;
      Deep.apply(x).sum().backward();
      expect(runs).toBe(depth + 1);
      expect(x.grad!.item()).toBe(1);
    }
  });

  it("adds all gradients before the outermost backward returns", () => {
    const leaves: Tensor[] = [];
    afterwards = ({ leaf }) => { leaves.push(leaf); };
    Deep.apply(start(500)).sum().backward();
    expect(leaves).toHaveLength(500);
    for (const leaf of leaves) expect(leaf.grad!.item()).toBe(1);
  });

  it("shows a gradient to whoever looks right after, at every level", () => {
    const seen: number[] = [];
    afterwards = ({ leaf }) => { seen.push(leaf.grad!.item()); };
    Deep.apply(start(250)).sum().backward();
    expect(seen).toEqual(Array.from({ length: 250 }, () => 1));
  });

  it("may clear a gradient, too", () => {
    const cleared: Tensor[] = [];
    afterwards = ({ leaf }) => {
      leaf.grad = null;
      cleared.push(leaf);
    };
    Deep.apply(start(250)).sum().backward();
    expect(cleared.every((leaf) => leaf.grad === null)).toBe(true);
  });

  it("passes on what fails far below, and works again after it", () => {
    class Failing extends Deep {
      static override backward(ctx: Context, gradient: Tensor): Tensor {
        if (ctx.inner.item() < 0) throw new RangeError("at the bottom");
        enableGrad(() => Failing.apply(ctx.inner).sum().backward());
        return gradient;
      }
    }
    expect(() => Failing.apply(start(1000)).sum().backward()).toThrow("at the bottom");
    const x = start(3);
    Deep.apply(x).sum().backward();
    expect(x.grad!.item()).toBe(1);
  });

  it("gives what grad asks for at once, at any depth", () => {
    let depth = 0;
    class Nested extends Function {
      static forward(ctx: Context, x: Tensor): Tensor {
        ctx.leaf = x.detach().requiresGrad_();
        return x.clone();
      }
      static backward(ctx: Context, gradient: Tensor): Tensor {
        if (++depth === 150) return gradient;
        const [inner] = grad(enableGrad(() => Nested.apply(ctx.leaf).sum()), ctx.leaf);
        return inner.add(gradient);
      }
    }
    const x = start(0);
    Nested.apply(x).backward();
    expect(x.grad!.item()).toBe(150);
  });
});
