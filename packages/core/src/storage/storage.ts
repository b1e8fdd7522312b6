// Memory of tensors: a typed array owned by the garbage collector, with a version.
import { allocate, type DType, type TypedArray } from "../dtype.ts";

/** Elements shared by a tensor and all its views. */
export class Storage {
  readonly data: TypedArray;
  readonly dtype: DType;
  /** Counts writes, so that a saved value that was changed since can be found. */
  version = 0;
  /** Where the heap has a copy, as a position in its ring; -1 where it has none. */
  position = -1;
  /** Name of the op that wrote last, for messages. */
  writer = "";

  constructor(dtype: DType, data: TypedArray) {
    this.dtype = dtype;
    this.data = data;
  }

  /** New zeroed storage for `count` elements. */
  static zeros(dtype: DType, count: number): Storage {
    return new Storage(dtype, allocate(dtype, count));
  }
}
