// Every primitive: its JavaScript computes its value, its derivative is that of the value.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { derivative } from "../../src/expression/derivative.ts";
import { Expression, variable } from "../../src/expression/expression.ts";
import { primitives, type Primitive } from "../../src/expression/primitives.ts";
import { evaluate } from "./evaluate.ts";

const names = Object.keys(primitives) as Primitive[];

/** Bounds of each argument, inside the domain and away from kinks. */
const domains: { readonly [name in Primitive]?: readonly (readonly [number, number])[] } = {
  div: [[-2, 2], [0.5, 2]], pow: [[0.3, 3], [-2, 2]], log: [[0.2, 4]], log1p: [[-0.8, 4]],
  log2: [[0.2, 4]], log10: [[0.2, 4]], sqrt: [[0.2, 4]], asin: [[-0.9, 0.9]],
  acos: [[-0.9, 0.9]], atanh: [[-0.9, 0.9]], acosh: [[1.2, 4]], tan: [[-1.2, 1.2]],
  abs: [[0.1, 2]], sign: [[0.1, 2]], floor: [[0.1, 0.9]], ceil: [[-0.9, -0.1]],
  round: [[0.6, 1.4]], trunc: [[-1.9, -1.1]], max: [[-2, 0], [0.1, 2]], min: [[-2, 0], [0.1, 2]],
  floorDivide: [[4.1, 4.9], [-1.2, -1.05]], remainder: [[4.1, 4.9], [-1.19, -1.03]],
  fmod: [[-4.9, -4.1], [1.03, 1.19]], atan2: [[-2, 2], [0.2, 2]], hypot: [[0.1, 2], [-2, 2]],
  select: [[1, 2], [-2, 2], [-2, 2]],
};

/** Arguments for a primitive. */
function argumentsOf(name: Primitive): fc.Arbitrary<number[]> {
  const arity = Math.max(primitives[name].evaluate.length, 1);
  return fc.tuple(...Array.from({ length: arity }, (_, i) => {
    const [min, max] = domains[name]?.[i] ?? [-2, 2];
    return fc.double({ min, max, noNaN: true });
  }));
}

/** A primitive of variables x0, x1, …, and their values by name. */
function node(name: Primitive, count: number): Expression {
  return Expression.of(name, Array.from({ length: count }, (_, i) => variable(`x${i}`)));
}
const named = (values: readonly number[]) =>
  Object.fromEntries(values.map((value, i) => [`x${i}`, value]));

/** Math.max takes any number of arguments; here it has two. */
const arities: { readonly [name in Primitive]?: number } = { max: 2, min: 2, hypot: 2 };

describe.each(names)("%s", (name) => {
  const args = arities[name] === undefined ? argumentsOf(name)
    : argumentsOf(name).map((values) => values.slice(0, arities[name]));

  it("compiles to JavaScript with the value of the primitive", () => {
    fc.assert(fc.property(args, (values) => {
      expect(evaluate(node(name, values.length), named(values)))
        .toBe(Number(primitives[name].evaluate(...values)));
    }), { numRuns: 30 });
  });

  if (primitives[name].isBoolean) return;

  it("has the derivative that central differences show", () => {
    fc.assert(fc.property(args, (values) => {
      const root = node(name, values.length);
      values.forEach((value, i) => {
        if (name === "select" && i === 0) return;
        const rule = derivative(root, `x${i}`);
        const at = (x: number) => evaluate(root, { ...named(values), [`x${i}`]: x });
        const h = 1e-4;
        // Richardson: the error is of order h⁴, and rounding adds 1e-16 / h.
        const slope = (step: number) => (at(value + step) - at(value - step)) / (2 * step);
        const numeric = (4 * slope(h / 2) - slope(h)) / 3;
        const exact = rule === null ? 0 : evaluate(rule, { ...named(values), grad: 1 });
        expect(Math.abs(exact - numeric)).toBeLessThan(1e-8 * Math.max(1, Math.abs(numeric)));
      });
    }), { numRuns: 30 });
  });
});
