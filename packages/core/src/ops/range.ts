// Tensors of evenly spaced numbers, and the identity matrix.
import { allocate } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { adopt, checkTensorOptions, converted, type TensorOptions } from "./creation.ts";

/** Options of `logspace`. */
export interface LogspaceOptions extends TensorOptions {
  /** The base of the powers. Default 10. */
  readonly base?: number;
}

/**
 * Numbers from `start` (0 if it is left out) up to `end`, which is excluded, in steps of `step`
 * (default 1): `ceil((end - start) / step)` of them, computed in float64.
 * @throws when `step` is 0 or leads away from `end`
 * @see https://pytorch.org/docs/stable/generated/torch.arange.html
 */
export function arange(end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, step: number, options?: TensorOptions): Tensor;
export function arange(...args: (number | TensorOptions | undefined)[]): Tensor {
  const { numbers, options } = numbersThenOptions("arange", args, 3);
  const { dtype, requiresGrad } = checkTensorOptions("arange", options);
  const [start, end] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  const step = numbers[2] ?? 1;
  const first = dtype === "int32" ? Math.trunc(start) : start;
  const stride = dtype === "int32" ? Math.trunc(step) : step;
  if (stride === 0) fail("arange", `step must be nonzero, got ${step} for ${dtype}`);
  if (!Number.isFinite(start) || !Number.isFinite(end) || Number.isNaN(step)) {
    fail("arange", `unsupported range: ${start} -> ${end} in steps of ${step}`);
  }
  if ((end - start) / step < 0) {
    fail("arange", "upper bound and larger bound inconsistent with step sign: " +
      `${start} -> ${end} in steps of ${step}`);
  }
  const count = Math.ceil((end - start) / step);
  const data = allocate(dtype, count, "arange");
  for (let i = 0; i < count; i++) data[i] = converted("arange", first + i * stride, dtype);
  return adopt(data, [count], dtype, requiresGrad);
}

/** The numbers at the head of an argument list, and what follows them. */
function numbersThenOptions(
  op: string, args: readonly unknown[], most: number,
): { numbers: number[]; options: TensorOptions | undefined } {
  const end = args.findIndex((arg) => typeof arg !== "number");
  const numbers = (end < 0 ? args : args.slice(0, end)) as number[];
  const rest = end < 0 ? [] : args.slice(end);
  if (numbers.length === 0 || numbers.length > most || rest.length > 1) {
    fail(op, `takes 1 to ${most} numbers and options, got ${show(args)}`);
  }
  return { numbers, options: rest[0] as TensorOptions | undefined };
}

/**
 * `steps` numbers from `start` to `end`, both included.
 * @throws when `steps` is no whole number ≥ 0
 * @see https://pytorch.org/docs/stable/generated/torch.linspace.html
 */
export function linspace(
  start: number, end: number, steps: number, options?: TensorOptions,
): Tensor {
  return spaced("linspace", start, end, steps, (x) => x, options);
}

/**
 * `steps` powers of `base` with exponents from `start` to `end`, both included.
 * @throws when `steps` is no whole number ≥ 0
 * @see https://pytorch.org/docs/stable/generated/torch.logspace.html
 */
export function logspace(
  start: number, end: number, steps: number, { base = 10, ...options }: LogspaceOptions = {},
): Tensor {
  if (typeof base !== "number") fail("logspace", `base must be a number, got ${show(base)}`);
  return spaced("logspace", start, end, steps, (x) => base ** x, options);
}

function spaced(
  op: string, start: number, end: number, steps: number, map: (x: number) => number,
  options: TensorOptions | undefined,
): Tensor {
  const { dtype, requiresGrad } = checkTensorOptions(op, options);
  if (typeof start !== "number" || typeof end !== "number") {
    fail(op, `start and end must be numbers, got ${show(start)} and ${show(end)}`);
  }
  if (!Number.isSafeInteger(steps) || steps < 0) {
    fail(op, `number of steps must be non-negative and whole, got ${show(steps)}`);
  }
  const data = allocate(dtype, steps, op);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // From both ends, as PyTorch does, so that the last one is `end` exactly.
  for (let i = 0; i < steps; i++) {
    const x = i < steps / 2 ? start + step * i : end - step * (steps - 1 - i);
    data[i] = converted(op, map(x), dtype);
  }
  return adopt(data, [steps], dtype, requiresGrad);
}

/**
 * Matrix `[n, m]` with ones on its diagonal; square without `m`.
 * @throws when a size is no whole number ≥ 0
 */
export function eye(n: number, options?: TensorOptions): Tensor;
export function eye(n: number, m: number, options?: TensorOptions): Tensor;
export function eye(...args: (number | TensorOptions | undefined)[]): Tensor {
  const { numbers, options } = numbersThenOptions("eye", args, 2);
  const { dtype, requiresGrad } = checkTensorOptions("eye", options);
  const [n, m = n] = numbers;
  for (const [name, size] of [["n", n], ["m", m]] as const) {
    if (!Number.isSafeInteger(size) || size < 0) {
      fail("eye", `${name} must be greater or equal to 0 and whole, got ${size}`);
    }
  }
  const data = allocate(dtype, n * m, "eye");
  for (let i = 0; i < Math.min(n, m); i++) data[i * m + i] = 1;
  return adopt(data, [n, m], dtype, requiresGrad);
}
