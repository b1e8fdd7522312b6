// Weighted draws of indices: multinomial.
import { fail, show } from "../errors.ts";
import { fillExponential } from "./exponential.ts";
import type { Generator } from "./generator.ts";
import type { FloatArray } from "./uniform.ts";

/** How indices are drawn. */
export interface MultinomialOptions {
  /** Whether an index may come more than once; default `false`. */
  replacement?: boolean;
}

/**
 * Indices drawn with probability in proportion to weights: `[rows, categories] → [rows, samples]`.
 *
 * Without replacement, or for one sample, the indices of the largest `weight / exponential`;
 * otherwise a search in the cumulative distribution.
 * @throws on weights that are negative, not finite or all zero in a row, or on a bad `samples`
 * @see https://doi.org/10.1016/j.ipl.2005.11.003
 */
export function multinomial(
  generator: Generator, weights: FloatArray, categories: number, samples: number,
  { replacement = false }: MultinomialOptions = {},
): Int32Array {
  checkSamples(categories, samples, replacement);
  checkWeights(weights, categories);
  const rows = weights.length / categories;
  const out = new Int32Array(rows * samples);
  if (replacement && samples > 1) {
    for (let row = 0; row < rows; row++) {
      const cumulative = cumulate(weights.slice(row * categories, (row + 1) * categories));
      for (let i = 0; i < samples; i++) {
        out[row * samples + i] = firstReaching(cumulative, generator.uniform53());
      }
    }
    return out;
  }
  const keys = weights.slice();
  fillExponential(generator, keys, 1);
  // 0/0 counts as 0: a category without weight never wins.
  for (let i = 0; i < keys.length; i++) keys[i] = weights[i] / keys[i] || 0;
  for (let row = 0; row < rows; row++) {
    const rowKeys = keys.subarray(row * categories, (row + 1) * categories);
    out.set(largest(rowKeys, samples), row * samples);
  }
  return out;
}

/** Running sums in the precision of `weights`, in place, scaled so that the last one is 1. */
function cumulate(weights: FloatArray): FloatArray {
  for (let i = 1; i < weights.length; i++) weights[i] += weights[i - 1];
  const total = weights[weights.length - 1];
  for (let i = 0; i < weights.length; i++) weights[i] /= total;
  return weights;
}

/** Index of the first entry of a rising sequence that is at least `u`. */
function firstReaching(cumulative: FloatArray, u: number): number {
  let left = 0;
  let right = cumulative.length;
  while (left < right) {
    const middle = (left + right) >>> 1;
    if (cumulative[middle] < u) left = middle + 1;
    else right = middle;
  }
  return left;
}

/** Indices of the `count` largest keys, in falling order; equal keys in order of index. */
function largest(keys: FloatArray, count: number): Uint32Array {
  return Uint32Array.from(keys, (_, i) => i)
    .sort((a, b) => keys[b] - keys[a] || a - b)
    .subarray(0, count);
}

function checkSamples(categories: number, samples: number, replacement: boolean): void {
  if (!Number.isSafeInteger(categories) || categories <= 0) {
    fail("multinomial", `expected at least one category, but got ${show(categories)}`);
  }
  if (!Number.isSafeInteger(samples)) {
    fail("multinomial", `the number of samples must be an integer, but got ${show(samples)}`);
  }
  if (samples <= 0) {
    fail("multinomial", `cannot sample n_sample <= 0 samples, but got ${samples}`, { samples });
  }
  if (!replacement && samples > categories) {
    fail("multinomial", "cannot sample n_sample > prob_dist.size(-1) samples " +
      `without replacement: ${samples} of ${categories}`, { samples, categories });
  }
}

function checkWeights(weights: FloatArray, categories: number): void {
  if (weights.length % categories !== 0) {
    fail("multinomial", `${weights.length} weights are no rows of ${categories} categories`);
  }
  for (let start = 0; start < weights.length; start += categories) {
    let total = 0;
    for (let i = start; i < start + categories; i++) {
      const weight = weights[i];
      if (!(weight >= 0 && weight < Infinity)) {
        fail("multinomial", "probability tensor contains either inf, nan or element < 0: " +
          `${weight} at element ${i}`, { index: i, weight });
      }
      total += weight;
    }
    if (!(total > 0)) {
      fail("multinomial", "invalid multinomial distribution (sum of probabilities <= 0): " +
        `row ${start / categories}`, { row: start / categories });
    }
  }
}
