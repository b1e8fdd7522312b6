// One value that is written to many places, as an input of a pointwise op.
import { fits, isFloat, typeNames } from "../dtype.ts";
import { fail } from "../errors.ts";
import type { Input } from "../autograd/record.ts";
import { Tensor } from "../tensor/tensor.ts";
import { to } from "./convert.ts";
import { full } from "./creation.ts";
import { checkInput } from "./pointwise.ts";

/**
 * A number, truth value or tensor without dimensions that does not change the dtype of `target`.
 * @throws when the tensor has dimensions, or a dtype that `target` cannot hold
 */
export function fillValue(op: string, target: Tensor, value: unknown): Input {
  const input = checkInput(op, "value", value);
  const { dtype } = target;
  if (typeof input === "number") return isFloat(dtype) ? input : full([], input, { dtype });
  if (input.ndim > 0) {
    fail(op, "only supports 0-dimension value tensor but got tensor with " +
      `${input.ndim} dimensions`);
  }
  if (!fits(input.dtype, dtype)) {
    fail(op, `value cannot be converted from ${typeNames[input.dtype]} to ${typeNames[dtype]}`);
  }
  return to(input, dtype);
}
