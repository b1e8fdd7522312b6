// Every function that has vector code of its own against float64, over all magnitudes of float32.
import { describe, expect, it } from "vitest";
import { constant, variable, type Expression } from "../../src/expression/expression.ts";
import { primitives } from "../../src/expression/primitives.ts";
import { pow } from "../../src/expression/special.ts";
import { pointwiseProgram } from "../../src/kernels/pointwise.ts";
import { applyVectors, fromBits, toBits, ulp } from "./simd-memory.ts";

/** A prime, so that samples do not fall on round numbers: 429,000 of the 2³² patterns. */
const STEP = 10007;

const x = variable("x");
const y = variable("y");

type Reference = (value: number) => number;
const reference = (name: keyof typeof primitives): Reference =>
  primitives[name].evaluate as Reference;

/** Expression, reference and the maximum error in ulp that the function's comment states. */
const functions: { readonly [name: string]: readonly [Expression, Reference, number] } = {
  exp: [x.exp(), reference("exp"), 1],
  expm1: [x.expm1(), reference("expm1"), 2],
  log: [x.log(), reference("log"), 1],
  log1p: [x.log1p(), reference("log1p"), 1],
  log2: [x.log2(), reference("log2"), 2],
  log10: [x.log10(), reference("log10"), 2],
  tanh: [x.tanh(), reference("tanh"), 2.5],
  sigmoid: [x.neg().exp().add(1).reciprocal(), (v) => 1 / (1 + Math.exp(-v)), 2.5],
  sin: [x.sin(), reference("sin"), 1.5],
  cos: [x.cos(), reference("cos"), 1.5],
  erf: [x.erf(), reference("erf"), 1.5],
  exp2: [constant(2).pow(x), (v) => 2 ** v, 0.55],
  square: [x.pow(2), (v) => v ** 2, 0.5],
  cube: [x.pow(3), (v) => v ** 3, 1.5],
  ...Object.fromEntries([2, 0.5, -1, -1.75, 33, -0].map((power) => [`power ${power}`,
    [x.pow(power === 2 ? y.mul(0).add(2) : power), (v: number) => pow(v, power), 0.55]])),
  sqrt: [x.sqrt(), reference("sqrt"), 0.5],
  floor: [x.floor(), reference("floor"), 0],
  ceil: [x.ceil(), reference("ceil"), 0],
  round: [x.round(), reference("round"), 0],
  trunc: [x.trunc(), reference("trunc"), 0],
  abs: [x.abs(), reference("abs"), 0],
  neg: [x.neg(), reference("neg"), 0],
  sign: [x.sign(), reference("sign"), 0],
  reciprocal: [x.reciprocal(), (v) => 1 / v, 0.5],
};

/** Samples of every magnitude and sign, NaN among them. */
const everywhere = Float32Array.from({ length: Math.ceil(2 ** 32 / STEP) }, (_, i) =>
  fromBits(i * STEP));

/** Points where something changes, with their neighbours in float32. */
const edges = Float32Array.from([
  0, 2 ** -149, 2 ** -126, 2 ** -24, 2 ** -12, 0.5, Math.SQRT1_2, 0.9375, 1, Math.SQRT2, 1.5, 2,
  Math.LN2 / 2, Math.LN2, Math.PI / 2, Math.PI, 2.5, 3.95, 9.02, 10, 17.5, 88.4, 88.722839, 89,
  87.33655, 103.9, 103.98, 104.5, 127, 128, 149, 150, 1e5, 2 ** 22, 2 ** 23, 2 ** 24, 1e9, 1e30,
  (2 - 2 ** -23) * 2 ** 127, Infinity,
].flatMap((point) => [-2, -1, 0, 1, 2].map((step) => fromBits(toBits(point) + step)))
  .flatMap((value) => [value, -value]));

/** Largest error in ulp; infinite where NaN, an infinity or the sign of zero is wrong. */
function worst(
  [expression, expected]: readonly [Expression, Reference, number], inputs: Float32Array,
): { error: number; at: number } {
  const program = pointwiseProgram([expression], ["x"], ["y"]);
  const results = applyVectors(program, [inputs], [0]);
  let error = 0;
  let at = NaN;
  inputs.forEach((input, i) => {
    const exact = expected(input);
    const rounded = Math.fround(exact);
    let here = Object.is(results[i], rounded) ? 0 : Math.abs(results[i] - exact) / ulp(rounded);
    // An infinity is a rounding of what is beyond the largest number, and only of that.
    if (Math.abs(results[i]) === Infinity) here = Object.is(results[i], rounded) ? 0 : Infinity;
    if (results[i] === 0 && rounded === 0 && !Object.is(results[i], rounded)) here = Infinity;
    if (!(here <= error)) [error, at] = [Number.isNaN(here) ? Infinity : here, input];
  });
  return { error, at };
}

describe.each(Object.entries(functions))("%s", (_, entry) => {
  it("is within its bound over all magnitudes", () => {
    const { error, at } = worst(entry, everywhere);
    expect(error, `at ${at}`).toBeLessThanOrEqual(entry[2]);
  });

  it("is within its bound at the edges: zeros, infinities, NaN, denormals", () => {
    const { error, at } = worst(entry, edges);
    expect(error, `at ${at}`).toBeLessThanOrEqual(entry[2]);
  });
});

const constants = [0, -0, 1, -1, 0.5, 2, 3, -2, -3, 2.5, 1e30, -1e30, 2 ** 24, 2 ** 24 + 2,
  2 ** -149, Infinity, -Infinity, NaN];
const pairs = constants.flatMap((a) => constants.map((b) => [a, b]));

it.each([
  "pow", "max", "min", "add", "sub", "mul", "div", "eq", "ne", "lt", "le", "gt", "ge", "and", "or",
] as const)("%s of special values is what the reference says", (kind) => {
  const expression = (x[kind] as (other: Expression) => Expression)(y);
  const results = applyVectors(pointwiseProgram([expression], ["x", "y"], []),
    [pairs.map(([a]) => a), pairs.map(([, b]) => b)]);
  pairs.forEach(([a, b], i) => {
    const exact = Number(primitives[kind].evaluate(Math.fround(a), Math.fround(b)));
    const what = `${kind}(${a}, ${b})`;
    const rounded = Math.fround(exact);
    // Only pow does not always round to the nearest.
    if (kind !== "pow" || Object.is(results[i], rounded) || exact === 0 ||
      !Number.isFinite(rounded)) expect(results[i], what).toBe(rounded);
    else expect(Math.abs(results[i] - exact) / ulp(exact), what).toBeLessThanOrEqual(0.55);
  });
});

it.each([-1, 0, 2.5, Infinity])("max and min with the constant %d are exact", (bound) => {
  for (const kind of ["max", "min"] as const) {
    for (const expression of [x[kind](bound), constant(bound)[kind](x)]) {
      const results = applyVectors(pointwiseProgram([expression], ["x"], []), [constants]);
      constants.forEach((value, i) => expect(results[i], `${kind}(${value}, ${bound})`)
        .toBe(Math[kind](Math.fround(value), bound)));
    }
  }
});

it("pow is within 0.55 ulp for random bases and exponents", () => {
  const bases = everywhere.filter((value, i) => i % 7 === 0 && Math.abs(value) > 1e-6 &&
    Math.abs(value) < 1e6);
  const exponents = bases.map((_, i) => ((i * 7919) % 2003 - 1001) / 128);
  const results = applyVectors(pointwiseProgram([x.pow(y)], ["x", "y"], []), [bases, exponents]);
  bases.forEach((base, i) => {
    const exact = pow(base, exponents[i]);
    const error = Object.is(results[i], Math.fround(exact)) ? 0
      : Math.abs(results[i] - exact) / ulp(exact);
    expect(error, `pow(${base}, ${exponents[i]}) = ${results[i]}`).toBeLessThanOrEqual(0.55);
  });
});

it("a primitive without vector code is rounded once from float64", () => {
  for (const kind of ["atan", "asinh", "erfc", "sinh"] as const) {
    const { error, at } = worst([x[kind](), reference(kind), 0.5], edges);
    expect(error, `${kind}(${at})`).toBeLessThanOrEqual(0.5);
  }
});

it("an element does not depend on its neighbours, not even on huge angles", () => {
  const angles = Float32Array.from([0.5, 1e20, 3, Infinity, 1e6, 5e6, -1e10, 2]);
  const program = pointwiseProgram([x.sin()], ["x"], []);
  const together = applyVectors(program, [angles]).slice();
  angles.forEach((angle, i) => expect(applyVectors(program, [[angle]])[0]).toBe(together[i]));
});
