// The error function as float32 vectors.
import type { Lanes } from "../../wasm/lanes.ts";
import { expOfNegative } from "./exponential.ts";
import { polynomial } from "./polynomial.ts";

/** Where the two fits meet, and from where the result is ±1. */
const MIDDLE = 0.9375;
const LARGEST = 3.95;

/**
 * `erf(x) / x - 1` in x² below `MIDDLE`, and `-ln erfc(x)` in x up to `LARGEST`. Minimax fits with
 * rounded coefficients (Lawson's algorithm): errors 9e-10 and 1.5e-9 relative to erf.
 */
const NEAR = [0.12837917, -0.3761263, 0.11283626, -0.026855737, 0.005192438, -0.00080503843,
  8.000279e-5];
const FAR = [0.00022349459, 1.1275613, 0.6373737, 0.10376443, -0.022146722, 0.0030231893,
  -0.0001939043];

/** Error function. Method: an odd polynomial near 0, `1 - e⁻ᵖ` beyond. Maximum error 1.5 ulp. */
export function erf(x: Lanes): Lanes {
  const magnitude = x.abs().pmin(LARGEST);
  const near = polynomial(x.mul(x), NEAR).mul(x).add(x);
  const far = x.graph.constant(1, "f32x4").sub(expOfNegative(polynomial(magnitude, FAR)));
  const result = magnitude.lt(MIDDLE).select(near.abs(), far);
  return result.withSignOf(x);
}
