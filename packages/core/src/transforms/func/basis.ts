// Unit vectors: the directions along which Jacobians are computed.
import { fresh } from "../../ops/memory.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A tensor of zeros with the shape and dtype of another, and a one at a row-major position. */
export function unitLike({ shape, dtype }: Tensor, position: number): Tensor {
  const unit = fresh(shape, dtype);
  unit.storage.data[position] = 1;
  return unit;
}
