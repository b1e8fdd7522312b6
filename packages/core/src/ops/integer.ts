// Positions and class numbers given as tensors: whole numbers, whatever float dtype holds them.
import { fail } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { copyOf } from "./memory.ts";
import { checkTensor } from "./op.ts";

/**
 * A tensor of positions as int32: itself, or a copy of a float tensor whose values are whole.
 * @throws when a value is not whole, or the tensor holds truth values
 */
export function asIntegers(op: string, argument: string, value: unknown): Tensor {
  checkTensor(op, argument, value);
  if (value.dtype === "int32") return value;
  if (value.dtype === "bool") {
    fail(op, `expected whole numbers for argument ${argument} (dtype int32), got bool`);
  }
  const copy = copyOf(value, "int32");
  const given = value.toTypedArray();
  for (let i = 0; i < given.length; i++) {
    if (given[i] !== copy.storage.values[i]) {
      fail(op, `expected whole numbers for argument ${argument}, got ${given[i]}`, { argument });
    }
  }
  return copy;
}

/**
 * Checks that all positions lie in `[0, size)`.
 * @throws naming the first that does not
 */
export function checkPositions(op: string, index: Tensor, dim: number, size: number): void {
  const positions = index.isContiguous()
    ? index.storage.values.subarray(index.offset, index.offset + index.numel())
    : index.toTypedArray();
  for (let i = 0; i < positions.length; i++) {
    if (positions[i] < 0 || positions[i] >= size) {
      fail(op, `index ${positions[i]} is out of bounds for dimension ${dim} with size ${size}`,
        { index: positions[i], dim, size });
    }
  }
}
