// Ranges of positions within one dimension, as slices give them.
import { fail, show } from "../errors.ts";

/** Where a range begins, how many positions it has and how far they are apart. */
export interface Range { readonly start: number; readonly length: number; readonly step: number }

/**
 * A range of positions within a dimension of `size`; bounds beyond it are clamped.
 * @throws when a bound is no whole number or the step is not positive
 */
export function resolveRange(
  op: string, start: number | null | undefined, end: number | null | undefined, step: number,
  size: number,
): Range {
  for (const bound of [start ?? 0, end ?? 0, step]) {
    if (!Number.isInteger(bound)) {
      fail(op, `slice indices must be integers, got ${show(bound)}`);
    }
  }
  if (step <= 0) fail(op, `slice step must be greater than zero, got ${step}`);
  const clamp = (bound: number) => Math.min(Math.max(bound < 0 ? bound + size : bound, 0), size);
  const first = clamp(start ?? 0);
  const span = Math.max(clamp(end ?? size) - first, 0);
  return { start: first, length: Math.ceil(span / step), step };
}
