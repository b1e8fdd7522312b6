// Draws of zeros and ones: bernoulli_ with one probability, bernoulli with one per element.
import { fail } from "../errors.ts";
import type { Generator } from "./generator.ts";
import type { FloatArray } from "./uniform.ts";

/** Every array that zeros and ones can go to. */
export type BernoulliTarget = Float32Array | Float64Array | Int32Array | Uint8Array;

/**
 * Fills with ones of probability `p`: two words per element, whatever the array and `p`.
 * @throws when `p` lies outside `[0, 1]`
 */
export function fillBernoulli(
  generator: Generator, values: BernoulliTarget, p: number, op = "bernoulli_",
): void {
  checkProbability(op, p);
  fillMask(generator, values, p, 1);
}

/**
 * Checks a probability.
 * @throws when `p` lies outside `[0, 1]`
 */
export function checkProbability(op: string, p: number): void {
  if (!(p >= 0 && p <= 1)) {
    fail(op, `expects p to be in [0, 1], but got p=${p}`, { p });
  }
}

/** Fills with `one`, with probability `p`, and zeros: two words per element. */
export function fillMask(
  generator: Generator, values: BernoulliTarget, p: number, one: number,
): void {
  const n = values.length;
  for (let i = 0; i < n; i++) values[i] = generator.uniform53() < p ? one : 0;
}

/**
 * Writes to `out` a one of probability `probabilities[i]`; float32 ones cost one word, float64 two.
 * @throws when a probability lies outside `[0, 1]` or the lengths differ
 */
export function bernoulliFrom(
  generator: Generator, out: BernoulliTarget, probabilities: FloatArray,
): void {
  const n = probabilities.length;
  if (out.length !== n) {
    fail("bernoulli", `lengths differ: ${out.length} results for ${n} probabilities`);
  }
  const bad = probabilities.findIndex((p: number) => !(p >= 0 && p <= 1));
  if (bad >= 0) {
    fail("bernoulli", "Expected p_in >= 0 && p_in <= 1 to be true, " +
      `but got ${probabilities[bad]} at element ${bad}`, { index: bad, p: probabilities[bad] });
  }
  if (probabilities instanceof Float32Array) {
    for (let i = 0; i < n; i++) out[i] = generator.uniform24() < probabilities[i] ? 1 : 0;
  } else {
    for (let i = 0; i < n; i++) out[i] = generator.uniform53() < probabilities[i] ? 1 : 0;
  }
}
