// Grad modes: synchronous scopes that are always restored.
import { afterEach, describe, expect, it } from "vitest";
import {
  enableGrad, isGradEnabled, noGrad, ones, setGradEnabled, tensor, zeros,
} from "../../src/index.ts";
import { leaf } from "./drawn.ts";

afterEach(() => expect(isGradEnabled()).toBe(true));

const scopes = [
  ["noGrad", noGrad, false], ["enableGrad", enableGrad, true],
  ["setGradEnabled(false)", <T>(body: () => T) => setGradEnabled(false, body), false],
  ["setGradEnabled(true)", <T>(body: () => T) => setGradEnabled(true, body), true],
] as const;

describe.each(scopes)("%s", (_, scope, inside) => {
  it("sets the mode inside and gives what the function gives (test_no_grad)", () => {
    expect(scope(() => isGradEnabled())).toBe(inside);
    expect(scope(() => 42)).toBe(42);
  });

  it.each([true, false])("restores %s, nested and after an exception", (outer) => {
    setGradEnabled(outer, () => {
      scope(() => scope(() => expect(isGradEnabled()).toBe(inside)));
      expect(isGradEnabled()).toBe(outer);
      expect(() => scope(() => { throw new RangeError("mine"); })).toThrow(RangeError);
      expect(isGradEnabled()).toBe(outer);
    });
  });

  it("refuses an async function before running it", () => {
    let ran = false;
    expect(() => scope(async () => { ran = true; })).toThrow(
      "the callback returned a promise; a grad mode cannot span an await");
    expect(ran).toBe(false);
  });

  it("refuses a callback that returns a promise, whose failure is not left unhandled", () => {
    expect(() => scope(() => Promise.reject(new Error("late")))).toThrow("returned a promise");
    expect(() => scope(() => ({ then: () => {} }))).toThrow("returned a promise");
  });

  it("refuses a generator, whose body would run outside", () => {
    expect(() => scope(function* () { yield 1; })).toThrow("the callback returned a generator");
    expect(() => scope(async function* () { yield 1; })).toThrow("returned a generator");
    expect(scope(() => [1].values().next().value)).toBe(1);
  });

  it("refuses what is no function", () => {
    expect(() => (scope as (body: unknown) => unknown)(3)).toThrow("takes a function");
  });
});

describe("without recording", () => {
  it("results require no gradient and are leaves (test_no_grad)", () => {
    const x = leaf([5, 5], 1);
    const y = ones([5, 5], { dtype: "float64" }).mul(4);
    const z = noGrad(() => x.add(y));
    expect(z.requiresGrad).toBe(false);
    expect(z.isLeaf).toBe(true);
    expect(z.gradFn).toBeNull();
    expect(() => z.backward(ones([5, 5], { dtype: "float64" }))).toThrow("does not require grad");
  });

  it("what is created may still require a gradient", () => {
    const made = noGrad(() => zeros([2], { requiresGrad: true }));
    const set = noGrad(() => tensor([1, 2]).requiresGrad_());
    expect([made.requiresGrad, set.requiresGrad]).toEqual([true, true]);
  });

  it("leaves may be written to, which counts (test_no_grad_modifies_version)", () => {
    const x = leaf([5], 1);
    const y = leaf([5], 2);
    const z = x.mul(y).sum();
    noGrad(() => x.mul_(2));
    expect(() => z.backward()).toThrow(
      "one of the variables needed for gradient computation has been modified by an inplace " +
      "operation");
    expect(x.isLeaf && x.requiresGrad).toBe(true);
  });

  it("a gradient rule runs without recording unless createGraph", () => {
    const x = leaf([2], 1);
    const seen: boolean[] = [];
    const run = (createGraph: boolean) => {
      const y = x.mul(x);
      y.registerHook(() => { seen.push(isGradEnabled()); });
      noGrad(() => y.sum());
      y.sum().backward(null, { createGraph });
    };
    run(false);
    run(true);
    expect(seen).toEqual([false, true]);
  });
});
