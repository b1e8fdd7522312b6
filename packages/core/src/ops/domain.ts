// Samples that many ops of one input share, by the domain of the function.
import { real, type Sample } from "./sample.ts";

/** Any real numbers. */
export const anywhere: readonly Sample[] =
  [[real([2, 3])], [real([4])], [real([])], [real([0, 2])]];

/** Positive numbers. */
export const positive: readonly Sample[] =
  [[real([2, 3], 0.2, 3)], [real([4], 0.5, 20)], [real([], 0.2, 3)]];

/** Numbers between -1 and 1. */
export const inside: readonly Sample[] =
  [[real([2, 3], -0.9, 0.9)], [real([4], -0.5, 0.5)], [real([], -0.9, 0.9)]];
