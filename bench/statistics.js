// What is said about samples: medians, quartiles and ratios of one round's neighbours.

/** The value below which the share `q` of the samples lies, interpolated. */
export function quantile(samples, q) {
  const sorted = [...samples].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

export const median = (samples) => quantile(samples, 0.5);

/**
 * Median of `a[i] / b[i]`: both ran next to each other in round `i`, so a slow spell of the
 * machine slows both. Rounds that one of the two left out do not count.
 */
export function pairedRatio(a, b) {
  const rounds = Math.min(a.length, b.length);
  return median(Array.from({ length: rounds }, (_, i) => a[i] / b[i]));
}
