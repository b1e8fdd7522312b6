// Polynomials over vectors.
import type { Lanes } from "../../wasm/lanes.ts";

/** `c₀ + c₁ x + c₂ x² + …` by Horner's rule. */
export function polynomial(x: Lanes, coefficients: readonly number[]): Lanes {
  let sum: Lanes | number = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) {
    sum = (typeof sum === "number" ? x.mul(sum) : sum.mul(x)).add(coefficients[i]);
  }
  return sum as Lanes;
}
