// Sine and cosine as float32 vectors.
import { inFloat64, type Lanes } from "../../wasm/lanes.ts";
import { polynomial } from "./polynomial.ts";

/** Adding 1.5·2⁵² rounds to a whole number, which then stands in the low bits. */
const ROUND = 6755399441055744;

/** π/2 in two parts; the first has 25 bits (fdlibm's e_rem_pio2f.c). */
const HALF_PI_HIGH = 1.57079631090164184570;
const HALF_PI_LOW = 1.58932547735281966916e-8;

/** Magnitude up to which arguments are reduced here: below, the error of r is under 2⁻⁵⁷. */
const LARGEST = 2 ** 22;

/**
 * `(sin r / r - 1) / r²` and `(cos r - 1 + r²/2) / r⁴` in r² on |r| ≤ π/4. Minimax fits with
 * rounded coefficients (Lawson's algorithm): errors 3.7e-9 and 1.2e-10.
 */
const SINE = [-0.16666655, 0.008332191, -0.00019518616];
const COSINE = [0.041666646, -0.0013887311, 2.4432562e-5];

/**
 * Sine. Method: `x = q π/2 + r` in float64, polynomials in r; `exact`, the number of an imported
 * function, where |x| > 2²². Maximum error 1.5 ulp.
 */
export function sin(x: Lanes, exact: number): Lanes {
  return x.eq(0).select(x, turned(x, 0, exact)); // keeps -0
}

/** Cosine, as `sin` a quarter turn on. Maximum error 1.5 ulp. */
export function cos(x: Lanes, exact: number): Lanes {
  return turned(x, 1, exact);
}

/** `sin(x + quarters π/2)`. */
function turned(x: Lanes, quarters: number, exact: number): Lanes {
  const quarter = wholeQuarters(x).add(quarters);
  const r = inFloat64([x], (half) => {
    const n = shiftedQuarters(half).sub(ROUND);
    return half.sub(n.mul(HALF_PI_HIGH)).sub(n.mul(HALF_PI_LOW));
  });
  const square = r.mul(r);
  const sine = polynomial(square, SINE).mul(square).mul(r).add(r);
  const cosine = polynomial(square, COSINE).mul(square).sub(0.5).mul(square).add(1);
  const magnitude = quarter.shl(31).shr(31).select(cosine, sine);
  const result = magnitude.xor(quarter.and(2).shl(30));
  return x.graph.callWhere(x.abs().gt(LARGEST), exact, x, result);
}

/** The nearest multiple of π/2, plus `ROUND`. */
function shiftedQuarters(half: Lanes): Lanes {
  return half.mul(2 / Math.PI).add(ROUND);
}

/** The number of quarter turns, in the low bits of integers. */
function wholeQuarters(x: Lanes): Lanes {
  const widened = (lanes: Lanes) => shiftedQuarters(
    lanes.apply("f64x2.promote_low_f32x4", "f64x2")).as("i32x4");
  return widened(x).shuffle([0, 2, 4, 6], widened(x.shuffle([2, 3, 2, 3], x)));
}
