// Descriptions of arguments: the tests draw tensors from them, of both float dtypes and any
// strides.

/** A tensor to be drawn: real numbers of a domain, whole numbers, or truth values. */
export interface SampleTensor {
  readonly sample: "real" | "integer" | "boolean" | "distinct";
  readonly shape: readonly number[];
  /** Bounds of the values, `low ≤ x < high`. */
  readonly low: number;
  readonly high: number;
}

/** Arguments of one call. Anything that is not a `SampleTensor` is passed as it is. */
export type Sample = readonly unknown[];

/** Arguments that an op must refuse. */
export interface Rejected {
  readonly args: Sample;
  /** A part of the message. */
  readonly message: string | RegExp;
}

/** Real numbers, by default around zero. */
export function real(shape: readonly number[], low = -2, high = 2): SampleTensor {
  return { sample: "real", shape, low, high };
}

/** Real numbers no two of which are close, for ops that compare elements. */
export function distinct(shape: readonly number[], low = -2, high = 2): SampleTensor {
  return { sample: "distinct", shape, low, high };
}

/** Whole numbers `low ≤ x < high`, of dtype int32. */
export function integers(shape: readonly number[], high: number, low = 0): SampleTensor {
  return { sample: "integer", shape, low, high };
}

/** Truth values. */
export function booleans(shape: readonly number[]): SampleTensor {
  return { sample: "boolean", shape, low: 0, high: 2 };
}

/** Whether a value is the description of a tensor. */
export function isSampleTensor(value: unknown): value is SampleTensor {
  return typeof value === "object" && value !== null && "sample" in value && "shape" in value;
}
