// Where elements lie: shape, strides and offset, and the arithmetic of views on them.
import { sameShape, type Shape } from "./dims.ts";

/** Element `[i, j, …]` lies at `offset + i * strides[0] + j * strides[1] + …`. */
export interface Layout {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Row-major strides, the last dimension contiguous. */
export function contiguousStrides(shape: Shape): readonly number[] {
  // Literals for small ranks: a third of the time, and arrays of the kind that shapes are.
  if (shape.length === 0) return [];
  if (shape.length === 1) return [1];
  if (shape.length === 2) return [shape[1] > 1 ? shape[1] : 1, 1];
  const strides = shape.slice();
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(shape[i], 1);
  }
  return strides;
}

/** Whether elements lie in row-major order without gaps (strides of single elements are free). */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 0) return true;
    if (shape[i] !== 1) {
      if (strides[i] !== step) return false;
      step *= shape[i];
    }
  }
  return true;
}

/** Whether two indices can reach the same element. Exact for strides that views can make. */
export function overlaps(shape: Shape, strides: readonly number[]): boolean {
  if (isContiguous(shape, strides)) return false;
  const dims = shape.map((size, i) => ({ size, stride: Math.abs(strides[i]) }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.stride - b.stride);
  if (shape.includes(0)) return false;
  let reach = 0;
  for (const { size, stride } of dims) {
    if (stride <= reach) return true;
    reach += (size - 1) * stride;
  }
  return false;
}

/** `length` neighbours of dimension `dim`, from `start`. */
export function narrowed(
  { shape, strides, offset }: Layout, dim: number, start: number, length: number,
): Layout {
  return {
    shape: shape.map((size, i) => i === dim ? length : size), strides,
    offset: offset + start * strides[dim],
  };
}

/**
 * Strides that show the same elements in `shape` without a copy, or `null` where there are none.
 *
 * Method: split the old dimensions into runs that are contiguous among themselves; each new
 * dimension must lie within one run.
 */
export function viewStrides(layout: Layout, shape: Shape): readonly number[] | null {
  if (sameShape(layout.shape, shape)) return layout.strides;
  if (layout.shape.includes(0)) return contiguousStrides(shape);
  const strides = new Array<number>(shape.length);
  let dim = shape.length - 1;
  let step = layout.strides[layout.shape.length - 1] ?? 1;
  let oldCount = 1;
  let newCount = 1;
  for (let i = layout.shape.length - 1; i >= 0; i--) {
    oldCount *= layout.shape[i];
    const runEnds = i === 0 ||
      (layout.shape[i - 1] !== 1 && layout.strides[i - 1] !== oldCount * step);
    if (!runEnds) continue;
    while (dim >= 0 && (newCount < oldCount || shape[dim] === 1)) {
      strides[dim] = newCount * step;
      newCount *= shape[dim];
      dim--;
    }
    if (newCount !== oldCount) return null;
    if (i > 0) {
      step = layout.strides[i - 1];
      oldCount = 1;
      newCount = 1;
    }
  }
  for (; dim >= 0; dim--) strides[dim] = newCount * step;
  return strides;
}
