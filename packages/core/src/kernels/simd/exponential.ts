// The exponential function and its relatives as float32 vectors.
import type { Lanes } from "../../wasm/lanes.ts";
import { polynomial } from "./polynomial.ts";

/** Adding 1.5·2²³ rounds to a whole number, which then stands in the low bits. */
const ROUND = 12582912;
const ROUND_BITS = 0x4b400000;
const ONE_BITS = 0x3f800000;

/** ln 2 in two parts; the first has 10 bits, so that its product with a whole number is exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/**
 * `(eʳ - 1 - r) / r²` on |r| ≤ ln 2 / 2. Minimax fits with rounded coefficients (Lawson's
 * algorithm): error of the first 3.2e-9 relative to eʳ, of the second 4.4e-10 relative to eʳ - 1.
 */
const FOR_EXP = [0.49999994, 0.16666521, 0.04166829, 0.008368701, 0.0013818907];
const FOR_EXPM1 = [0.5, 0.16666666, 0.041666493, 0.008333543, 0.001393236, 0.00019764311];

/** `x = n ln 2 + r` with |r| ≤ ln 2 / 2; `bits` holds n in its low bits. */
function reduce(x: Lanes): { bits: Lanes; r: Lanes } {
  const shifted = x.mul(Math.LOG2E).add(ROUND);
  const n = shifted.sub(ROUND);
  return { bits: shifted.as("i32x4"), r: x.sub(n.mul(LN2_HIGH)).sub(n.mul(LN2_LOW)) };
}

/** `2ⁿ` for -127 < n < 128. */
function powerOfTwo(n: Lanes): Lanes {
  return n.shl(23).add(ONE_BITS).as("f32x4");
}

/**
 * `eˣ`. Method: `2ⁿ eʳ` with a polynomial for eʳ; 2ⁿ in two factors, so that results round once
 * where they are denormal. Maximum error 1 ulp.
 */
export function exp(x: Lanes): Lanes {
  const clamped = x.pmin(89).pmax(-104.5); // infinite above, 0 below
  const { bits, r } = reduce(clamped);
  const value = polynomial(r, FOR_EXP).mul(r.mul(r)).add(r).add(1);
  const n = bits.sub(ROUND_BITS);
  const half = n.shr(1);
  return value.mul(powerOfTwo(half)).mul(powerOfTwo(n.sub(half)));
}

/** `eʳ - 1` of the reduced argument. */
function reducedExpm1(r: Lanes): Lanes {
  return polynomial(r, FOR_EXPM1).mul(r.mul(r)).add(r);
}

/** `eˣ - 1`. Method: `2 (2ⁿ⁻¹ (eʳ - 1) + (2ⁿ⁻¹ - ½))`. Maximum error 2 ulp. */
export function expm1(x: Lanes): Lanes {
  const { bits, r } = reduce(x.pmin(89).pmax(-20)); // infinite above, -1 below
  const scale = powerOfTwo(bits.sub(1));
  const half = scale.mul(reducedExpm1(r)).add(scale.sub(0.5));
  // Below 2⁻²⁴ it is x: keeps -0 and what halving would take from denormals.
  return x.abs().lt(2 ** -24).select(x, half.add(half));
}

/**
 * Hyperbolic tangent. Method: `t / (t + 2)` with `t = e²ˣ - 1` of the magnitude. Exactly ±1 from
 * 9.02 on. Maximum error 2 ulp.
 */
export function tanh(x: Lanes): Lanes {
  const magnitude = x.abs();
  const { bits, r } = reduce(magnitude.add(magnitude).pmin(20));
  const scale = powerOfTwo(bits);
  const t = scale.mul(reducedExpm1(r)).add(scale.sub(1));
  return t.div(t.add(2)).withSignOf(x);
}

/**
 * `numerator / (1 + eᵘ)`, without overflow of eᵘ. Method: `e⁻ᵘ / (1 + e⁻ᵘ)` where u is positive.
 * Maximum error 2.5 ulp.
 */
export function logistic(numerator: Lanes, u: Lanes): Lanes {
  const small = exp(u.abs().neg());
  const scaled = u.gt(0).select(numerator.mul(small), numerator);
  return scaled.div(small.add(1));
}

/** `e⁻ᵍ` for 0 ≤ g < 87, where no result is denormal. */
export function expOfNegative(g: Lanes): Lanes {
  const { bits, r } = reduce(g.neg());
  return polynomial(r, FOR_EXP).mul(r.mul(r)).add(r).add(1).mul(powerOfTwo(bits));
}
