// Tensors of positions: whole numbers, of dtype int32 or of a float dtype.
import type { Tensor } from "@chainrule/core";
import { fail, rowMajor, type TypedArray } from "@chainrule/core/internal";

/**
 * The values of a tensor of positions, row-major.
 * @throws when they are truth values or have fractions, with `expected` in the message
 */
export function indicesOf(op: string, name: string, tensor: Tensor, expected: string): TypedArray {
  const { storage: { values }, offset } = rowMajor(tensor);
  const data = values.slice(offset, offset + tensor.numel());
  if (tensor.dtype === "bool") fail(op, `${expected} but found Bool: ${name} are class positions`);
  if (tensor.dtype === "int32") return data;
  const fraction = data.find((value: number) => !Number.isInteger(value));
  if (fraction !== undefined) {
    fail(op, `${expected} but found ${tensor.dtype === "float32" ? "Float" : "Double"}: ${name} ` +
      `must be whole numbers, one is ${fraction}`, { value: fraction });
  }
  return data;
}
