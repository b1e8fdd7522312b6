// Expressions are interned, folded and replaced without changing what they mean.
import { describe, expect, it } from "vitest";
import { derivative, output, throughOutput } from "../../src/expression/derivative.ts";
import { constant, substitute, topological, variable, variablesOf }
  from "../../src/expression/expression.ts";
import { evaluate } from "./evaluate.ts";

const x = variable("x");
const y = variable("y");

describe("interning", () => {
  it("makes equal trees one object", () => {
    expect(x.mul(y).add(2).exp()).toBe(variable("x").mul(variable("y")).add(2).exp());
  });
  it("tells apart order, names and the sign of zero", () => {
    expect(x.sub(y)).not.toBe(y.sub(x));
    expect(variable("a")).not.toBe(variable("b"));
    expect(constant(0)).not.toBe(constant(-0));
    expect(constant(NaN)).toBe(constant(NaN));
  });
  it("orders arguments before what uses them", () => {
    const nodes = topological([x.mul(y).add(x.exp())]);
    nodes.forEach((node, i) => {
      for (const arg of node.args) expect(nodes.indexOf(arg)).toBeLessThan(i);
    });
  });
});

describe("folding", () => {
  it("computes constants", () => expect(constant(2).add(3).mul(4)).toBe(constant(20)));
  it("drops a factor and a divisor of 1", () => {
    expect([x.mul(1), constant(1).mul(x), x.div(1), x.neg().neg()]).toEqual([x, x, x, x]);
  });
  it("keeps a product with 0, which is NaN for NaN", () => {
    expect(evaluate(x.mul(0), { x: NaN })).toBeNaN();
  });
});

describe("truth values", () => {
  it("are the numbers 0 and 1 to whatever is not logical", () => {
    const positive = x.gt(0);
    for (const value of [-1, 1]) {
      const expected = Number(value > 0);
      expect(evaluate(positive.eq(y), { x: value, y: 1 })).toBe(expected);
      expect(evaluate(positive.ne(y), { x: value, y: 0 })).toBe(expected);
      expect(evaluate(positive.max(y), { x: value, y: 0 })).toBe(expected);
    }
  });
});

describe("substitute", () => {
  it("replaces every occurrence, and nothing else", () => {
    const root = x.mul(x).add(y);
    expect(substitute(root, new Map([[x, y.exp()]]))).toBe(y.exp().mul(y.exp()).add(y));
    expect(substitute(root, new Map([[variable("z"), y]]))).toBe(root);
  });
  it("gives what evaluating the parts gives", () => {
    const replaced = substitute(x.sin().add(x), new Map([[x, y.square()]]));
    expect(variablesOf(replaced)).toEqual(new Set(["y"]));
    expect(evaluate(replaced, { y: 1.5 })).toBe(Math.sin(2.25) + 2.25);
  });
});

describe("derivative", () => {
  it("is null where nothing depends on the variable", () => {
    expect(derivative(x.exp(), "y")).toBeNull();
    expect(derivative(x.floor(), "x")).toBeNull();
    expect(derivative(x.lt(y).select(1, 2), "x")).toBeNull();
  });
  it("adds what reaches a variable on several ways", () => {
    const rule = derivative(x.mul(x).add(x.mul(3)), "x")!;
    expect(evaluate(rule, { x: 5, grad: 2 })).toBe(26);
  });
  it("selects instead of multiplying: a NaN gradient does not reach what was not chosen", () => {
    const rule = derivative(y.gt(0).select(1, x), "x")!;
    expect(evaluate(rule, { x: 2, y: 1, grad: NaN })).toBe(0);
    expect(evaluate(rule, { x: 2, y: -1, grad: 3 })).toBe(3);
  });
  it("reads the result where that needs no more values than the inputs", () => {
    const through = (root: typeof x) => throughOutput(derivative(root, "x")!, root);
    expect(variablesOf(through(x.exp()))).toEqual(new Set(["grad", output.name]));
    expect(variablesOf(through(x.sin()))).toEqual(new Set(["grad", "x"]));
  });
});
