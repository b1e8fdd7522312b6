// The dtype in which products are computed: nothing is promoted silently.
import { isFloat, typeNames, type DType } from "../dtype.ts";
import { fail } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkTensor } from "./op.ts";

/**
 * The dtype that all operands of a product share; whole numbers and truth values give int32.
 * @throws when an operand is no tensor, or their dtypes differ
 */
export function oneDtype(op: string, operands: { readonly [name: string]: Tensor }): DType {
  let result: DType | null = null;
  for (const name in operands) { // entries would take longer than a small product
    const operand = operands[name];
    checkTensor(op, name, operand);
    const dtype = isFloat(operand.dtype) ? operand.dtype : "int32";
    result ??= dtype;
    if (dtype !== result) {
      fail(op, `expected scalar type ${typeNames[result]} but found ${typeNames[dtype]} in ` +
        `${name}: all dtypes must be the same, convert one with to("${result}")`,
      { expected: result, found: operand.dtype });
    }
  }
  return result!;
}
