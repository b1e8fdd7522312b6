// What a graph must stand: sharing, depth of second order, and a hundred thousand of its kind.
// Chains of 150,000 ops, diamonds and re-entrant passes: ../autograd/{graph,reentry}.test.ts.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { autograd, detectAnomaly, grad, inspect, ones, tensor } from "../../src/index.ts";

const scalar = (value: number) => tensor(value, { dtype: "float64", requiresGrad: true });

describe("diamonds of 60 levels", () => {
  it("are linear in a recorded backward pass and in the pass through that", () => {
    const x = scalar(1.5);
    let y = x.mul(x);
    for (let level = 0; level < 60; level++) y = y.mul(0.5).add(y.mul(0.5));
    const [first] = grad(y, x, { createGraph: true });
    const [second] = grad(first, x);
    expect([first.item(), second.item()]).toEqual([3, 2]);
  });

  it("are linear where both sides are shared, x^(2^10), and where NaN is looked for", () => {
    const x = scalar(1);
    detectAnomaly(() => {
      let y = x.mul(1);
      for (let level = 0; level < 60; level++) y = level % 6 === 5 ? y.mul(y) : y.add(y).mul(0.5);
      y.backward();
    });
    expect(x.grad!.item()).toBe(1024);
  });

  it("have as many nodes as ops", () => {
    const x = scalar(1);
    let y = x.mul(1);
    for (let level = 0; level < 60; level++) y = y.mul(0.5).add(y.mul(0.5));
    expect(inspect(y, { fold: false }).nodes.filter(({ kind }) => kind === "op")).toHaveLength(181);
  });

  it("do not multiply with hooks and custom functions", () => {
    class Twice extends autograd.Function {
      static forward(_: object, x: ReturnType<typeof scalar>) { return x.mul(1); }
      static backward(_: object, gradient: ReturnType<typeof scalar>) {
        runs++;
        return gradient.mul(0.5);
      }
    }
    let runs = 0;
    const x = scalar(1);
    let y = x.mul(1);
    for (let level = 0; level < 60; level++) y = Twice.apply(y).add(Twice.apply(y));
    y.backward();
    expect([runs, x.grad!.item()]).toEqual([120, 1]);
  });
});

describe("graphs that are dropped", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;

  /** Resident bytes after a collection. */
  function resident(): number {
    collect();
    collect();
    return process.memoryUsage.rss();
  }

  it("leave nothing behind: resident memory is flat over 100,000 steps", () => {
    const weight = ones([16], { requiresGrad: true });
    const input = ones([16]).mul(0.5);
    const run = (steps: number) => {
      for (let i = 0; i < steps; i++) {
        const loss = input.mul(weight).tanh().mul(weight).sum();
        if (i % 2 === 0) continue; // half of the graphs never see a backward pass
        loss.backward();
        weight.grad = null;
      }
      return resident();
    };
    const warm = Math.max(run(10_000), run(10_000), run(10_000));
    const later = Math.max(...Array.from({ length: 7 }, () => run(10_000)));
    // One tensor kept per step, some 200 bytes with its objects, would be 14 MB in the later steps;
    // the collector itself moves what is resident by a few MB.
    expect(later - warm).toBeLessThan(8e6);
  });
});
