// Where PyTorch and JavaScript disagree about a function, the primitive follows PyTorch.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { erf, erfc, floorDivide, pow, remainder, round, sign }
  from "../../src/expression/special.ts";
import reference from "../fixtures/erf.json" with { type: "json" };

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const divisor = finite.filter((b) => Math.abs(b) > 1e-3);

describe("pow", () => {
  it.each([NaN, Infinity, -Infinity, 0, 3])("of base 1 is 1, exponent %f", (exponent) => {
    expect(pow(1, exponent)).toBe(1);
  });
  it("of base -1 and an infinite exponent is 1", () => {
    expect([pow(-1, Infinity), pow(-1, -Infinity)]).toEqual([1, 1]);
  });
  it("of exponent 0 is 1, even for NaN", () => expect([pow(NaN, 0), pow(0, 0)]).toEqual([1, 1]));
  it("of a negative base and a fraction is NaN", () => expect(pow(-2, 0.5)).toBeNaN());
  it("is ** everywhere else", () => {
    fc.assert(fc.property(finite.filter((a) => Math.abs(a) !== 1), finite, (a, b) =>
      Object.is(pow(a, b), a ** b)));
  });
});

describe("remainder", () => {
  it.each([[-5, 3, 1], [5, -3, -1], [-5, Infinity, Infinity], [5.5, 2, 1.5], [6, 3, 0]])(
    "of %f and %f is %f", (a, b, expected) => expect(remainder(a, b)).toBe(expected));
  it("has the sign of the divisor and is smaller, up to rounding", () => {
    fc.assert(fc.property(finite, divisor, (a, b) => {
      const rest = remainder(a, b);
      return rest === 0 || (rest < 0 === b < 0 && Math.abs(rest) <= Math.abs(b));
    }));
  });
  it("and floorDivide make up the dividend", () => {
    fc.assert(fc.property(finite, divisor, (a, b) => {
      // Rounding of the remainder and of the product, relative to what is added.
      const bound = 4 * Number.EPSILON * (Math.abs(a) + Math.abs(b));
      expect(Math.abs(b * floorDivide(a, b) + remainder(a, b) - a)).toBeLessThanOrEqual(bound);
    }));
  });
});

describe("floorDivide", () => {
  it.each([[7, 2, 3], [-7, 2, -4], [-5, Infinity, -1], [1, 0, Infinity], [0.6, 0.2, 2],
    [-0, 3, -0]])("of %f and %f is %f", (a, b, expected) =>
    expect(floorDivide(a, b)).toBe(expected));
  it("of 0 and 0 is NaN", () => expect(floorDivide(0, 0)).toBeNaN());
});

describe("round", () => {
  it.each([[2.5, 2], [3.5, 4], [-2.5, -2], [-0.5, -0], [0.5, 0], [-0.3, -0], [-0, -0],
    [0.49999999999999994, 0], [4503599627370497.5, 4503599627370498], [1e300, 1e300],
    [Infinity, Infinity]])("of %f is %f", (a, expected) => expect(round(a)).toBe(expected));
  it("of NaN is NaN", () => expect(round(NaN)).toBeNaN());
  it("is odd, whole, and at most a half away; halves go to the even one", () => {
    const halves = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 2);
    fc.assert(fc.property(fc.oneof(finite, halves), (a) => {
      const nearest = round(a);
      expect(Number.isInteger(nearest)).toBe(true);
      expect(round(-a)).toBe(-nearest);
      expect(Math.abs(nearest - a)).toBeLessThanOrEqual(0.5);
      if (Math.abs(nearest - a) === 0.5) expect(nearest % 2 === 0).toBe(true);
    }));
  });
});

describe("sign", () => {
  it("of NaN and of both zeros is 0", () => {
    expect([sign(NaN), sign(0), sign(-0)]).toEqual([0, 0, 0]);
  });
  it("times the absolute value is the number", () => {
    fc.assert(fc.property(finite.filter((a) => a !== 0), (a) => sign(a) * Math.abs(a) === a));
  });
});

describe("erf and erfc", () => {
  // Below 1 ulp each, and so is Python's; tails lose a little to the error of exp.
  it.each(reference.values)("of %d agree with Python", (x, expected, complement) => {
    expect(Math.abs(erf(x) - expected)).toBeLessThanOrEqual(2 ** -52 * Math.abs(expected));
    expect(Math.abs(erfc(x) - complement)).toBeLessThanOrEqual(2 ** -50 * Math.abs(complement));
  });
  it("end at ±1, 0 and 2, and keep NaN", () => {
    expect([erf(Infinity), erf(-Infinity), erfc(Infinity), erfc(-Infinity)]).toEqual([1, -1, 0, 2]);
    expect([erf(NaN), erfc(NaN)]).toEqual([NaN, NaN]);
  });
  it("erf is odd, and both add up to 1", () => {
    fc.assert(fc.property(fc.double({ min: -7, max: 7, noNaN: true }), (x) => {
      expect(erf(-x)).toBe(-erf(x));
      expect(Math.abs(erf(x) + erfc(x) - 1)).toBeLessThanOrEqual(2 ** -52);
    }));
  });
});
