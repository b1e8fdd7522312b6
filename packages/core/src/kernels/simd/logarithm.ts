// Logarithms as float32 vectors.
import type { Lanes } from "../../wasm/lanes.ts";
import { polynomial } from "./polynomial.ts";

/** Bits of √½ in float32: mantissas run from there to √2. */
const ROOT_HALF = 0x3f3504f3;
const SMALLEST_NORMAL = 2 ** -126;

const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;

/**
 * `(ln(1 + f) - f + f²/2) / f³` for √½ ≤ 1 + f < √2. Minimax fit with rounded coefficients
 * (Lawson's algorithm): error 5.9e-9 relative to ln(1 + f).
 */
const TAIL = [0.3333333, -0.2500082, 0.20001242, -0.16623409, 0.14201581, -0.13159613,
  0.127622, -0.076363996];

/** `x = 2ᵏ m` with √½ ≤ m < √2, for x ≥ 0. */
export interface Split {
  /** Whole, as integers. */
  readonly k: Lanes;
  readonly m: Lanes;
}

/** Splits positive normal numbers; everything else gives finite, meaningless parts. */
function splitNormal(x: Lanes): Split {
  const bits = x.as("i32x4");
  const k = bits.sub(ROOT_HALF).shr(23);
  return { k, m: bits.sub(k.shl(23)).as("f32x4") };
}

/** Splits positive numbers, also denormal ones. */
export function split(x: Lanes): Split {
  const isTiny = x.lt(SMALLEST_NORMAL);
  const { k, m } = splitNormal(isTiny.select(x.mul(2 ** 24), x));
  return { k: k.sub(isTiny.and(24)), m };
}

/** `ln(1 + f) - f` of a mantissa `1 + f`, and `f`. */
function mantissaLog(m: Lanes): { f: Lanes; rest: Lanes; square: Lanes } {
  const f = m.sub(1);
  const square = f.mul(f);
  return { f, square, rest: polynomial(f, TAIL).mul(f).mul(square) };
}

const asNumber = (k: Lanes): Lanes => k.apply("f32x4.convert_i32x4_s", "f32x4");

/** The value of a logarithm where x is 0, negative, infinite or NaN; `result` elsewhere. */
function atEdges(x: Lanes, result: Lanes): Lanes {
  const infinity = x.graph.constant(Infinity, "f32x4");
  const finite = x.lt(infinity).select(result.or(x.lt(0).as("f32x4")), x);
  return x.eq(0).select(x.graph.constant(-Infinity, "f32x4"), finite);
}

/** `ln x`. Method: `k ln 2 + ln m`, summed from the smallest part on. Maximum error 1 ulp. */
export function log(x: Lanes): Lanes {
  const { k, m } = split(x);
  return atEdges(x, sumOfParts(asNumber(k), m, null));
}

/**
 * `ln(1 + x)`. Method: the logarithm of the rounded sum u, plus the sum's rounding error over u.
 * Maximum error 1 ulp.
 */
export function log1p(x: Lanes): Lanes {
  const one = x.graph.constant(1, "f32x4");
  const u = x.add(1);
  const back = u.sub(1);
  const lost = one.sub(u.sub(back)).add(x.sub(back)); // Knuth's two-sum: exactly 1 + x - u
  const { k, m } = splitNormal(u);
  const result = atEdges(u, sumOfParts(asNumber(k), m, lost.div(u)));
  return x.eq(0).select(x, result); // keeps -0
}

function sumOfParts(k: Lanes, m: Lanes, correction: Lanes | null): Lanes {
  const { f, rest, square } = mantissaLog(m);
  const low = correction === null ? k.mul(LN2_LOW) : k.mul(LN2_LOW).add(correction);
  return rest.add(low).sub(square.mul(0.5)).add(f).add(k.mul(LN2_HIGH));
}

/**
 * Binary logarithm, exact for powers of two. Method: `k + ln m + (log₂e - 1) ln m`, as in Cephes'
 * log2f. Maximum error 2 ulp.
 */
export function log2(x: Lanes): Lanes {
  const { k, m } = split(x);
  const { f, rest, square } = mantissaLog(m);
  const tail = rest.sub(square.mul(0.5));
  const factor = Math.LOG2E - 1;
  const result = tail.mul(factor).add(f.mul(factor)).add(tail).add(f).add(asNumber(k));
  return atEdges(x, result);
}

/** log₁₀ 2 and log₁₀ e in two parts; the first have few bits, so that products are nearly exact. */
const LOG10_2 = [0.30078125, Math.log10(2) - 0.30078125];
const LOG10_E = [0.43359375, Math.LOG10E - 0.43359375];

/**
 * Decimal logarithm. Method: `k log₁₀2 + ln m log₁₀e`, constants in two parts, as in Cephes'
 * log10f. Maximum error 2 ulp.
 */
export function log10(x: Lanes): Lanes {
  const { k, m } = split(x);
  const { f, rest, square } = mantissaLog(m);
  const tail = rest.sub(square.mul(0.5));
  const n = asNumber(k);
  const small = tail.mul(LOG10_E[1]).add(f.mul(LOG10_E[1])).add(n.mul(LOG10_2[1]));
  const result = small.add(tail.mul(LOG10_E[0])).add(f.mul(LOG10_E[0])).add(n.mul(LOG10_2[0]));
  return atEdges(x, result);
}
