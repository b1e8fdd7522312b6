// The Box–Muller transform of float32 vectors, bit for bit that of random/normal.ts.
import type { Lanes } from "../../wasm/lanes.ts";

/** Four float32 numbers in float64 lanes: the first two, then the others. */
export type Wide = readonly [Lanes, Lanes];

type WideOperand = Wide | number;

/** Four float32 numbers or integers as float64. */
export function widen(lanes: Lanes): Wide {
  const promote = (half: Lanes) => half.apply("f64x2.promote_low_f32x4", "f64x2");
  return [promote(lanes), promote(lanes.shuffle([2, 3, 2, 3], lanes))];
}

/** Wide lanes rounded to float32. */
export function narrow([low, high]: Wide): Lanes {
  const demote = (half: Lanes) => half.apply("f32x4.demote_f64x2_zero", "f32x4");
  return demote(low).shuffle([0, 1, 4, 5], demote(high));
}

/** `a b + c`, not rounded to float32: the product is exact in float64. */
export function fused(a: Wide, b: WideOperand, c: WideOperand): Wide {
  return each((half) => a[half].mul(pick(b, half)).add(pick(c, half)));
}

const each = (compute: (half: 0 | 1) => Lanes): Wide => [compute(0), compute(1)];

const pick = (operand: WideOperand, half: 0 | 1): Lanes | number =>
  typeof operand === "number" ? operand : operand[half];

/** Rounds to float32 and stays wide. */
const rounded = (value: Wide): Wide => each((half) =>
  value[half].apply("f32x4.demote_f64x2_zero", "f32x4")
    .apply("f64x2.promote_low_f32x4", "f64x2"));

const add = (a: Wide, b: WideOperand): Wide =>
  rounded(each((half) => a[half].add(pick(b, half))));
const mul = (a: Wide, b: WideOperand): Wide =>
  rounded(each((half) => a[half].mul(pick(b, half))));
const fma = (a: Wide, b: WideOperand, c: WideOperand): Wide => rounded(fused(a, b, c));

const f32 = Math.fround;

/**
 * `√(−2 ln(1 − u)) (cos 2πv, sin 2πv)` for uniforms `u` and `v` of 24 bits.
 *
 * Method, error and sources: random/normal.ts; each rounding to float32 there is one here.
 */
export function boxMuller(u: Lanes, v: Lanes): { cosine: Lanes; sine: Lanes } {
  const radius = narrow(logarithm(u.neg().add(1))).mul(-2).sqrt();
  const theta = v.mul(f32(2 * Math.PI));
  const octant = theta.mul(f32(1.27323954473516)).apply("i32x4.trunc_sat_f32x4_s", "i32x4")
    .add(1).and(~1);
  const octants = widen(octant.apply("f32x4.convert_i32x4_s", "f32x4"));
  const x = fma(octants, f32(-3.77489497744594108e-8),
    fma(octants, -2.4187564849853515625e-4, fma(octants, -0.78515625, widen(theta))));
  const z = mul(x, x);
  const [cos, sin] = [narrow(cosPolynomial(z)), narrow(sinPolynomial(x, z))];
  const swap = octant.and(2).apply("i32x4.ne", "i32x4", 0);
  // The third bit of the octant, or of the one before last, becomes the sign.
  const cosSign = octant.sub(2).not().and(4).shl(29);
  const sinSign = octant.and(4).shl(29);
  return {
    cosine: radius.mul(swap.select(sin, cos)).xor(cosSign),
    sine: radius.mul(swap.select(cos, sin)).xor(sinSign),
  };
}

/** ln u for normal numbers u in (0, 1]. */
function logarithm(u: Lanes): Wide {
  // u = m · 2ᵉ with m in [√½, √2).
  const bits = u.as("i32x4");
  const half = bits.and(0x7fffff).or(0x3f000000).as("f32x4");
  const low = half.lt(f32(Math.SQRT1_2));
  const exponent = bits.shru(23).sub(126).add(low); // the mask is −1
  const e = widen(exponent.apply("f32x4.convert_i32x4_s", "f32x4"));
  const x = widen(half.add(half.and(low)).sub(1));
  const z = mul(x, x);
  const coefficients = [
    -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
  ];
  let y = fma(x, f32(7.0376836292e-2), f32(coefficients[0]));
  for (const coefficient of coefficients.slice(1)) y = fma(y, x, f32(coefficient));
  y = fma(mul(y, x), z, mul(e, f32(-2.12194440e-4)));
  y = fma(z, -0.5, y);
  return fma(e, 0.693359375, add(x, y));
}

/** cos x for |x| ≤ π/4, z = x². */
function cosPolynomial(z: Wide): Wide {
  const y = fma(fma(z, f32(2.443315711809948e-5), f32(-1.388731625493765e-3)), z,
    f32(4.166664568298827e-2));
  const halved = each((half) => z[half].mul(-0.5)); // exact
  return add(fma(mul(y, z), z, halved), 1);
}

/** sin x for |x| ≤ π/4, z = x². */
function sinPolynomial(x: Wide, z: Wide): Wide {
  const y = fma(fma(z, f32(-1.9515295891e-4), f32(8.3321608736e-3)), z, f32(-1.6666654611e-1));
  return fma(mul(y, z), x, x);
}
