// The first NaN or infinity among the values of a tensor.
import { numel, sameShape, showShape, type Shape } from "../shape/dims.ts";
import { batchDims } from "../storage/batched.ts";
import { Tensor } from "../tensor/tensor.ts";

/** What kind of value was found, how often, and where first. */
export interface NonFinite {
  readonly kind: "nan" | "inf";
  readonly count: number;
  /** Position in row-major order. */
  readonly first: number;
  /** The shape, inside vmap with the sizes of batches before it. */
  readonly shape: Shape;
}

/** Kinds of values to look for. */
export interface Kinds {
  readonly nan: boolean;
  readonly inf: boolean;
}

/** NaN if there is one and it is looked for, else infinity; `null` where there is neither. */
export function findNonFinite(tensor: Tensor, kinds: Kinds): NonFinite | null {
  if (!tensor.isFloatingPoint()) return null;
  const all = withBatches(tensor);
  const values = valuesOf(all);
  const nan = { kind: "nan" as const, count: 0, first: -1, shape: all.shape };
  const inf = { kind: "inf" as const, count: 0, first: -1, shape: all.shape };
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value - value === 0) continue;
    const found = value !== value ? nan : inf;
    if (found.count++ === 0) found.first = i;
  }
  if (kinds.nan && nan.count > 0) return nan;
  return kinds.inf && inf.count > 0 ? inf : null;
}

function valuesOf(tensor: Tensor): ArrayLike<number> {
  const { storage, offset, shape } = tensor;
  if (!tensor.isContiguous()) return tensor.toTypedArray();
  return storage.values.subarray(offset, offset + numel(shape));
}

/** The tensor with all samples it stands for inside vmap. */
function withBatches(tensor: Tensor): Tensor {
  const { storage, shape, strides, offset } = tensor;
  const dims = batchDims(storage);
  return dims.length === 0 ? tensor : new Tensor(storage.memory,
    [...dims.map(({ level }) => level.size), ...shape],
    [...dims.map(({ stride }) => stride), ...strides], offset);
}

/** The value at the place that was found, of a tensor of the same shape; else `null`. */
export function valueThere(tensor: Tensor, { first, shape }: NonFinite): number | null {
  const all = withBatches(tensor);
  return sameShape(all.shape, shape) ? valuesOf(all)[first] : null;
}

/** How many there are and where: `2 of the 6 elements of [2, 3], first at [0, 1]`. */
export function describeFound({ count, first, shape }: NonFinite): string {
  const index: number[] = [];
  for (let dim = shape.length - 1, rest = first; dim >= 0; dim--) {
    index.unshift(rest % shape[dim]);
    rest = Math.floor(rest / shape[dim]);
  }
  if (shape.length === 0) return "its only element";
  return `${count} of the ${numel(shape)} elements of ${showShape(shape)}, first at ` +
    showShape(index);
}
