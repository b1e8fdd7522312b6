// What arithmetic demands of its inputs because of their dtype.
import type { Input } from "../autograd/record.ts";
import { isFloat, typeNames } from "../dtype.ts";
import { fail } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Whether the inputs combine to whole numbers. */
export function isIntegral(inputs: readonly Input[]): boolean {
  for (const input of inputs) {
    if (typeof input === "number" ? !Number.isInteger(input) : isFloat(input.dtype)) return false;
  }
  return true;
}

/**
 * Checks that a factor of whole numbers is a whole number.
 * @throws when it is not
 */
export function checkFactor(
  op: string, name: string, inputs: readonly Input[], factor: number,
): void {
  if (!Number.isInteger(factor) && isIntegral(inputs)) {
    fail(op, `For integral input tensors, argument ${name} must not be a floating point number, ` +
      `got ${factor}`);
  }
}

/**
 * Checks that whole numbers are not divided by zero: no whole number could be the result.
 * @throws when they are
 */
export function checkDivisor(op: string, inputs: readonly Input[]): void {
  if (!isIntegral(inputs)) return;
  const [, divisor] = inputs;
  const hasZero = divisor instanceof Tensor ? divisor.toTypedArray().includes(0) : divisor === 0;
  if (hasZero) fail(op, "ZeroDivisionError: whole numbers can't be divided by 0");
}

/**
 * Checks the operands of a subtraction.
 * @throws when one holds truth values
 */
export function checkSubtraction(op: string, inputs: readonly Input[]): void {
  const bools = inputs.filter((input) => input instanceof Tensor && input.dtype === "bool");
  if (bools.length === 0) return;
  fail(op, bools.length === 2
    ? "Subtraction, the `-` operator, with two bool tensors is not supported. " +
      "Use logicalXor() instead"
    : "Subtraction, the `-` operator, with a bool tensor is not supported. " +
      "If you are trying to invert a mask, use logicalNot() instead");
}

/**
 * Checks that a condition or mask holds truth values; `expectation` is PyTorch's phrase.
 * @throws when it does not
 */
export function checkBool(op: string, expectation: string, value: Tensor): void {
  if (value.dtype !== "bool") {
    fail(op, `${expectation}, but got a tensor with dtype ${typeNames[value.dtype]}`);
  }
}
