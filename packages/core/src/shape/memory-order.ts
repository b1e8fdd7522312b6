// The order in which dimensions are nested in memory, and strides that keep it.
import type { Shape } from "./dims.ts";
import { contiguousStrides, isContiguous, overlaps, type Layout } from "./layout.ts";

/** Dimension numbers from the one with the largest steps in memory to the one with the smallest. */
export function memoryOrder(strides: readonly number[]): readonly number[] {
  return strides.map((_, dim) => dim).sort((a, b) => strides[b] - strides[a]);
}

/** Strides without gaps that nest the dimensions as `layout` does; row-major if it overlaps. */
export function denseStrides({ shape, strides }: Pick<Layout, "shape" | "strides">): Shape {
  if (isContiguous(shape, strides) || overlaps(shape, strides)) return contiguousStrides(shape);
  const result = new Array<number>(shape.length);
  let step = 1;
  for (const dim of memoryOrder(strides).toReversed()) {
    result[dim] = step;
    step *= Math.max(shape[dim], 1);
  }
  return result;
}
