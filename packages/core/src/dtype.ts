// Element types: their arrays, their order in promotion, and conversion of plain numbers.
import { fail } from "./errors.ts";

/** Element type of a tensor; `float32` unless said otherwise. */
export type DType = "float32" | "float64" | "int32" | "bool";

/** The arrays that hold tensor elements; `bool` takes one byte each. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Single precision, the default. */
export const float32 = "float32";
/** Double precision, for checking gradients. */
export const float64 = "float64";
/** Whole numbers: indices, counts, class numbers. */
export const int32 = "int32";
/** Truth values. */
export const bool = "bool";

/** The array class of each dtype. */
export const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

/** PyTorch's names of the types, kept in error messages so that they can be searched for. */
export const typeNames: Readonly<Record<DType, string>> = {
  float32: "Float",
  float64: "Double",
  int32: "Int",
  bool: "Bool",
};

/** Whether a value names a dtype. */
export function isDType(value: unknown): value is DType {
  return typeof value === "string" && Object.hasOwn(arrays, value);
}

/** Whether elements are real numbers, so that a tensor of them can require a gradient. */
export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}

/**
 * New zeroed array for `count` elements.
 * @throws when there is no memory for so many, naming `op`
 */
export function allocate(dtype: DType, count: number, op = "allocate"): TypedArray {
  try {
    return new arrays[dtype](count);
  } catch {
    return fail(op, `can't allocate memory: ${count} elements of ${dtype} take ` +
      `${count * itemSize(dtype)} bytes`, { dtype, count });
  }
}

/** Bytes of one element. */
export function itemSize(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

const rank: Readonly<Record<DType, number>> = { bool: 0, int32: 1, float32: 2, float64: 3 };

/** The smallest dtype that holds both: bool < int32 < float32 < float64. */
export function promote(a: DType, b: DType): DType {
  return rank[a] >= rank[b] ? a : b;
}

/** The dtype of `dtype` combined with a plain number: only a fraction widens an integer. */
export function promoteNumber(dtype: DType, value: number | boolean): DType {
  if (isFloat(dtype) || typeof value === "boolean") return dtype;
  return Number.isInteger(value) ? "int32" : "float32";
}

/** Whether values of `from` may be written into `to`: an in-place result may not be narrower. */
export function fits(from: DType, to: DType): boolean {
  return rank[from] <= rank[to] || (isFloat(from) && isFloat(to));
}
