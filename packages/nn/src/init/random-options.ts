// What the random initialisers share: where numbers come from, and the fills they are made of.
import { Generator, noGrad, type Tensor } from "@chainrule/core";
import { checkNumber, checkOptions, checkTensor, fail, show } from "@chainrule/core/internal";

/** Options of random initialisers. */
export interface RandomOptions {
  /** Where random numbers come from. Default: the default generator. */
  readonly generator?: Generator;
}

/**
 * Checks the tensor and the options of a random initialiser.
 * @throws when the tensor holds no floats or an option is unknown
 */
export function checkFill(
  op: string, tensor: Tensor, options: RandomOptions | undefined, known: readonly string[],
): void {
  checkTensor(op, "tensor", tensor);
  checkOptions(op, options, [...known, "generator"]);
  if (!tensor.isFloatingPoint()) fail(op, `fills tensors of floats, this one is ${tensor.dtype}`);
  const generator = options?.generator;
  if (generator !== undefined && !(generator instanceof Generator)) {
    fail(op, `generator must be a Generator, got ${show(generator)}`);
  }
}

/** Fills with uniform numbers of `[low, high)`, without recording. */
export function fillUniform(
  tensor: Tensor, low: number, high: number, options: RandomOptions | undefined,
): Tensor {
  noGrad(() => tensor.uniform_(low, high, { generator: options?.generator }));
  return tensor;
}

/** Fills with normal numbers, without recording. */
export function fillNormal(
  tensor: Tensor, mean: number, std: number, options: RandomOptions | undefined,
): Tensor {
  noGrad(() => tensor.normal_(mean, std, { generator: options?.generator }));
  return tensor;
}

/**
 * Checks a number among the options; infinities are refused.
 * @throws when it is not a finite number
 */
export function checkFinite(op: string, name: string, value: unknown): number {
  const number = checkNumber(op, name, value);
  if (!Number.isFinite(number)) fail(op, `${name} must be finite, got ${number}`);
  return number;
}
