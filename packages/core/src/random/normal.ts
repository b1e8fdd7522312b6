// Normal fills of float arrays: randn and normal_; the arithmetic of PyTorch's vector kernel.
import { fail } from "../errors.ts";
import type { Generator } from "./generator.ts";
import { fillRand, type FloatArray } from "./uniform.ts";

/** How a normal fill reaches its elements. */
export interface FillNormalOptions {
  /** Whether they lie in one piece; if not, every size takes the one-by-one path. */
  contiguous: boolean;
}

/** Values are transformed in blocks: eight radii, then eight angles. */
export const normalBlock = 16;

/**
 * Fills with normals `N(mean, std²)`.
 *
 * Below 16 elements, or when these are not contiguous, values come one by one from
 * `generator.normal()`. Otherwise uniforms fill the array and are transformed block by block; a
 * last block that is not full is drawn afresh over the last 16 elements.
 * @throws when `std` is negative or NaN
 */
export function fillNormal(
  generator: Generator, values: FloatArray, mean: number, std: number, options: FillNormalOptions,
): void {
  checkStd(std);
  const n = values.length;
  if (n < normalBlock || !options.contiguous) {
    for (let i = 0; i < n; i++) values[i] = generator.normal() * std + mean;
    return;
  }
  fillRand(generator, values);
  for (let start = 0; start + normalBlock <= n; start += normalBlock) {
    transform(values, start, mean, std);
  }
  if (n % normalBlock !== 0) {
    fillRand(generator, values.subarray(n - normalBlock));
    transform(values, n - normalBlock, mean, std);
  }
}

/**
 * Checks a standard deviation.
 * @throws when it is negative or NaN
 */
export function checkStd(std: number): void {
  if (!(std >= 0)) fail("normal_", `normal expects std >= 0.0, but found std ${std}`, { std });
}

function transform(values: FloatArray, start: number, mean: number, std: number): void {
  if (values instanceof Float32Array) {
    transformSingle(values, start, f32(mean), f32(std));
  } else {
    transformDouble(values, start, mean, std);
  }
}

function transformDouble(values: Float64Array, start: number, mean: number, std: number): void {
  const half = start + normalBlock / 2;
  for (let i = start, j = half; i < half; i++, j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]));
    const theta = 2 * Math.PI * values[j];
    values[i] = radius * Math.cos(theta) * std + mean;
    values[j] = radius * Math.sin(theta) * std + mean;
  }
}

// Method: Box–Muller in float32 with the polynomials of Cephes' logf, sinf and cosf (S. Moshier,
// netlib.org/cephes) and fused multiply-adds, as PyTorch's AVX2 kernel; bit-identical to it.
// `f32(a * b + c)` stands for a fused multiply-add: a product of float32s is exact in double. The
// sum is rounded to double first, which differs from a true one in about 1 of 2²⁹ cases.
const f32 = Math.fround;

function transformSingle(values: Float32Array, start: number, mean: number, std: number): void {
  const half = start + normalBlock / 2;
  for (let i = start, j = half; i < half; i++, j++) {
    const radius = f32(Math.sqrt(f32(-2 * logSingle(f32(1 - values[i])))));
    const theta = f32(twoPi * values[j]);
    // Octant, made even; theta is reduced by octant · π/4 in three steps.
    const octant = (Math.trunc(f32(theta * fourOverPi)) + 1) & ~1;
    let x = f32(octant * reduce1 + theta);
    x = f32(octant * reduce2 + x);
    x = f32(octant * reduce3 + x);
    const cosine = cosPolynomial(x);
    const sine = sinPolynomial(x);
    const swap = (octant & 2) !== 0;
    const cos = f32(radius * (swap ? sine : cosine));
    const sin = f32(radius * (swap ? cosine : sine));
    values[i] = ((octant - 2) & 4 ? cos : -cos) * std + mean;
    values[j] = (octant & 4 ? -sin : sin) * std + mean;
  }
}

const twoPi = f32(2 * Math.PI);
const fourOverPi = f32(1.27323954473516);
const reduce1 = -0.78515625;
const reduce2 = -2.4187564849853515625e-4;
const reduce3 = f32(-3.77489497744594108e-8);

const log0 = f32(7.0376836292e-2);
const log1 = f32(-1.1514610310e-1);
const log2 = f32(1.1676998740e-1);
const log3 = f32(-1.2420140846e-1);
const log4 = f32(1.4249322787e-1);
const log5 = f32(-1.6668057665e-1);
const log6 = f32(2.0000714765e-1);
const log7 = f32(-2.4999993993e-1);
const log8 = f32(3.3333331174e-1);
const rootHalf = f32(Math.SQRT1_2);
/** ln 2 in two parts; the first is exact in ten bits. */
const ln2High = 0.693359375;
const ln2Low = f32(-2.12194440e-4);

/** ln u for u = k · 2⁻²⁴ with integer k from 1 to 2²⁴: all that 1 − uniform24 can be. */
function logSingle(u: number): number {
  // u = m · 2ᵉ with m in [√½, √2); the integer k gives the exponent without looking at bits.
  const k = u * 2 ** 24;
  const bits = 32 - Math.clz32(k);
  const m = k / (1 << bits);
  const low = m < rootHalf;
  const e = low ? bits - 25 : bits - 24;
  const x = low ? 2 * m - 1 : m - 1;
  const z = f32(x * x);
  let y = f32(log0 * x + log1);
  y = f32(y * x + log2);
  y = f32(y * x + log3);
  y = f32(y * x + log4);
  y = f32(y * x + log5);
  y = f32(y * x + log6);
  y = f32(y * x + log7);
  y = f32(y * x + log8);
  y = f32(f32(y * x) * z + f32(e * ln2Low));
  y = f32(y - z * 0.5);
  return f32(e * ln2High + f32(x + y));
}

const cos0 = f32(2.443315711809948e-5);
const cos1 = f32(-1.388731625493765e-3);
const cos2 = f32(4.166664568298827e-2);

/** cos x for |x| ≤ π/4. */
function cosPolynomial(x: number): number {
  const z = f32(x * x);
  const y = f32(f32(cos0 * z + cos1) * z + cos2);
  return f32(f32(f32(y * z) * z - z * 0.5) + 1);
}

const sin0 = f32(-1.9515295891e-4);
const sin1 = f32(8.3321608736e-3);
const sin2 = f32(-1.6666654611e-1);

/** sin x for |x| ≤ π/4. */
function sinPolynomial(x: number): number {
  const z = f32(x * x);
  const y = f32(f32(sin0 * z + sin1) * z + sin2);
  return f32(f32(y * z) * x + x);
}
