// Powers as float32 vectors.
import { inFloat64, type Lanes } from "../../wasm/lanes.ts";
import { split } from "./logarithm.ts";
import { polynomial } from "./polynomial.ts";

/** Adding 1.5·2⁵² rounds to a whole number, which then stands in the low bits. */
const ROUND = 6755399441055744;
const ONE_BITS = 0x3ff0000000000000n;

/**
 * `log₂((1 + s) / (1 - s)) / s` in s² for √½ ≤ (1 + s) / (1 - s) < √2, and 2ʳ on |r| ≤ ½. Minimax
 * fits in float64 (Lawson's algorithm): errors 1.2e-11 and 1.9e-9.
 */
const LOG2 = [2.885390081790265, 0.9617966731156569, 0.577083628728455, 0.41167005011528135,
  0.34078035747837815];
const EXP2 = [0.9999999999189589, 0.6931472067410798, 0.24022651505869735, 0.05550327148723361,
  0.009617994423194448, 0.001340045847879084, 0.00015478047413136788];

/**
 * `aᵇ` with the special values of C's pow. Method: `2^(b log₂|a|)` in float64, rounded once, and a
 * sign. Maximum error 0.55 ulp.
 */
export function pow(a: Lanes, b: Lanes): Lanes {
  const constant = (value: number) => a.graph.constant(value, "f32x4");
  const size = a.abs();
  const { k, m } = split(size);
  // log₂ of 0, ∞ and NaN, whose parts k and m mean nothing.
  const special = size.eq(0).and(constant(-Infinity).as("i32x4")).as("f32x4")
    .or(size.andnot(size.lt(Infinity)));
  const magnitude = inFloat64([k, m, special, b], power);

  const isWhole = b.trunc().eq(b);
  const half = b.mul(0.5);
  const isOdd = isWhole.and(half.trunc().ne(half));
  const signed = magnitude.xor(a.and(isOdd).and(constant(-0)));
  const isUndefined = a.lt(0).and(a.gt(-Infinity)).andnot(isWhole);
  const isOne = a.eq(1).or(b.eq(0)).or(a.eq(-1).and(b.abs().eq(Infinity)));
  return isOne.select(constant(1), signed.or(isUndefined.as("f32x4")));
}

/** `2^(b (k + log₂ m + special))` in float64; saturates beyond the range of float32. */
function power(k: Lanes, m: Lanes, special: Lanes, b: Lanes): Lanes {
  const s = m.sub(1).div(m.add(1));
  const log2 = polynomial(s.mul(s), LOG2).mul(s).add(k).add(special);
  const exponent = log2.mul(b).pmin(200).pmax(-200);
  const shifted = exponent.add(ROUND);
  const r = exponent.sub(shifted.sub(ROUND));
  const scale = shifted.as("i64x2").shl(52).add(ONE_BITS).as("f64x2");
  return polynomial(r, EXP2).mul(scale);
}
