// Parts of a dataset that share no sample, such as training and validation.
import { randperm, type Generator } from "@chainrule/core";
import { checkOptions, fail, show } from "@chainrule/core/internal";
import { checkDataset, type Dataset } from "./dataset.ts";
import { Subset } from "./subset.ts";

/** Options of `randomSplit`. */
export interface RandomSplitOptions {
  /** Source of the permutation. Default: the default generator. */
  readonly generator?: Generator;
}

/** Whether lengths are fractions: PyTorch asks for a sum of 1, up to a relative 1e-9 less. */
function areFractions(sum: number): boolean {
  return sum <= 1 && 1 - sum <= 1e-9;
}

/** Whole lengths from fractions: rounded down, then the rest dealt out one by one. */
function lengthsOf(fractions: readonly number[], total: number): number[] {
  const lengths = fractions.map((fraction, i) => {
    if (!(fraction >= 0 && fraction <= 1)) {
      fail("randomSplit", `Fraction at index ${i} is not between 0 and 1: ${show(fraction)}`);
    }
    return Math.floor(total * fraction);
  });
  const rest = total - lengths.reduce((a, b) => a + b, 0);
  for (let i = 0; i < rest; i++) lengths[i % lengths.length]! += 1;
  lengths.forEach((length, i) => {
    if (length > 0) return;
    const consequence = "This might result in an empty dataset.";
    console.warn(`randomSplit: Length of split at index ${i} is 0. ${consequence}`);
  });
  return lengths;
}

/**
 * Splits a dataset at random into parts of the given lengths, or of fractions that sum to 1.
 *
 * Draws one permutation of all samples, which is cut into consecutive pieces.
 * @throws ChainruleError where lengths do not sum to the dataset's, before anything is drawn
 * @see https://pytorch.org/docs/stable/data.html#torch.utils.data.random_split
 */
export function randomSplit<T>(
  dataset: Dataset<T>, lengths: readonly number[], options: RandomSplitOptions = {},
): Subset<T>[] {
  checkDataset("randomSplit", dataset);
  checkOptions("randomSplit", options, ["generator"]);
  if (!Array.isArray(lengths)) fail("randomSplit", `lengths must be an array: ${show(lengths)}`);
  const sum = lengths.reduce((a: number, b: number) => a + b, 0);
  const counts = areFractions(sum) ? lengthsOf(lengths, dataset.length) : lengths;
  const wrong = counts.find((count) => !Number.isInteger(count) || count < 0);
  if (wrong !== undefined) {
    const fractions = `fractions must sum to 1, these sum to ${sum}`;
    fail("randomSplit", `lengths must be non-negative integers, got ${show(wrong)}; ${fractions}`);
  }
  const total = counts.reduce((a: number, b: number) => a + b, 0);
  if (total !== dataset.length) {
    fail("randomSplit", "Sum of input lengths does not equal the length of the input dataset!: " +
      `${show(lengths)} and ${dataset.length} samples`, { lengths, length: dataset.length });
  }
  const { generator } = options;
  const order = randperm(total, { generator }).toTypedArray();
  let end = 0;
  return counts.map((count) => new Subset(dataset, order.subarray(end, (end += count))));
}
