// Tensors from numbers: nested arrays, typed arrays, and fills of a shape or like another tensor.
import { allocate, isDType, isFloat, type DType, type TypedArray } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { checkShape, numel, type Shape } from "../shape/dims.ts";
import { denseStrides } from "../shape/memory-order.ts";
import { Storage } from "../storage/storage.ts";
import { Tensor, type Nested } from "../tensor/tensor.ts";
import { isBatched } from "./batching.ts";
import { copyOf, freshFor } from "./memory.ts";
import { checkOptions, checkTensor } from "./op.ts";

/** Options of functions that make tensors. */
export interface TensorOptions {
  /** Element type. Default `float32`. */
  readonly dtype?: DType;
  /** Whether operations on the tensor are recorded. Default `false`. */
  readonly requiresGrad?: boolean;
}

/** What `tensor` takes: numbers, truth values, arrays of them to any depth, or a typed array. */
export type Values = Nested | readonly Values[] | ArrayBufferView | Tensor;

const optionNames = ["dtype", "requiresGrad"];

/** As many as PyTorch takes; an array that contains itself has more. */
const mostDims = 128;

/**
 * Checks the options of a function that makes tensors, by default of dtype `usual`.
 * @throws when an option is unknown or unusable
 */
export function checkTensorOptions(
  op: string, options: TensorOptions | undefined, known: readonly string[] = optionNames,
  usual: DType = "float32",
): { dtype: DType; requiresGrad: boolean } {
  checkOptions(op, options, known);
  const { dtype = usual, requiresGrad = false } = options ?? {};
  if (!isDType(dtype)) {
    fail(op, `dtype must be float32, float64, int32 or bool, got ${show(dtype)}`);
  }
  if (typeof requiresGrad !== "boolean") {
    fail(op, `requiresGrad must be true or false, got ${show(requiresGrad)}`);
  }
  if (requiresGrad && !isFloat(dtype)) {
    fail(op, "Only Tensors of floating point and complex dtype can require gradients, " +
      `this one would be ${dtype}`);
  }
  return { dtype, requiresGrad };
}

/** Wraps an array that nothing else holds. */
export function adopt(data: TypedArray, shape: Shape, dtype: DType, requiresGrad: boolean): Tensor {
  const result = new Tensor(new Storage(dtype, data), shape);
  if (requiresGrad) result.requiresGrad = true;
  return result;
}

/**
 * A tensor with the given values, copied. Nested arrays give the shape; a typed array gives one
 * dimension and its dtype; numbers give float32 and truth values bool unless `dtype` says
 * otherwise.
 * @throws when nested arrays are ragged or hold something that is not a number
 * @see https://pytorch.org/docs/stable/generated/torch.tensor.html
 */
export function tensor(values: Values, options?: TensorOptions): Tensor {
  checkOptions("tensor", options, optionNames);
  if (values instanceof Tensor) {
    console.warn("tensor: to copy a tensor, x.detach().clone() says so more clearly");
    const { dtype, requiresGrad } =
      checkTensorOptions("tensor", options, optionNames, values.dtype);
    const copy = copyOf(values, dtype);
    return requiresGrad ? copy.requiresGrad_() : copy;
  }
  if (ArrayBuffer.isView(values)) return fromTypedArray(values, options);
  const shape: number[] = [];
  for (let level: unknown = values; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > mostDims) {
      fail("tensor", `too many dimensions: arrays are nested deeper than ${mostDims}`);
    }
  }
  const flat: (number | boolean)[] = [];
  flatten(values, 0, shape, flat);
  const inferred = flat.length > 0 && flat.every((value) => typeof value === "boolean")
    ? "bool" : "float32";
  const { dtype, requiresGrad } = checkTensorOptions("tensor", options, optionNames, inferred);
  const data = allocate(dtype, flat.length);
  for (let i = 0; i < flat.length; i++) data[i] = converted("tensor", Number(flat[i]), dtype);
  return adopt(data, shape, dtype, requiresGrad);
}

/**
 * A number as it is stored in a tensor of `dtype`: fractions are cut off integers.
 * @throws when an integer tensor can't hold it
 */
export function converted(op: string, value: number, dtype: DType): number {
  if (dtype === "bool") return value !== 0 ? 1 : 0;
  if (dtype === "int32" && Math.trunc(value) !== (value | 0)) {
    fail(op, `value cannot be converted to type int32 without overflow: ${value}`, { value });
  }
  return value;
}

function flatten(value: unknown, dim: number, shape: Shape, flat: (number | boolean)[]): void {
  if (Array.isArray(value)) {
    if (dim >= shape.length) {
      fail("tensor", `a number was expected at dim ${dim}, got ${show(value)}`);
    }
    if (value.length !== shape[dim]) {
      fail("tensor", `expected sequence of length ${shape[dim]} at dim ${dim} ` +
        `(got ${value.length})`);
    }
    for (const item of value) flatten(item, dim + 1, shape, flat);
  } else if (dim < shape.length) {
    fail("tensor", `expected sequence of length ${shape[dim]} at dim ${dim} (got ${show(value)})`);
  } else if (typeof value === "number" || typeof value === "boolean") flat.push(value);
  else fail("tensor", `values must be numbers or truth values, got ${show(value)}`);
}

function fromTypedArray(view: ArrayBufferView, options: TensorOptions | undefined): Tensor {
  if (view instanceof DataView || view instanceof BigInt64Array || view instanceof BigUint64Array) {
    fail("tensor", `can't convert ${show(view)}: give an array of numbers`);
  }
  const source = view as TypedArray;
  const natural: DType = view instanceof Float64Array ? "float64"
    : view instanceof Float32Array ? "float32" : "int32";
  const { dtype, requiresGrad } = checkTensorOptions("tensor", options, optionNames, natural);
  const data = allocate(dtype, source.length);
  const narrows = dtype === "bool" ||
    (dtype === "int32" && (isFloat(natural) || view instanceof Uint32Array));
  if (!narrows) data.set(source);
  else for (let i = 0; i < data.length; i++) data[i] = converted("tensor", source[i], dtype);
  return adopt(data, [source.length], dtype, requiresGrad);
}

/** Tensor of zeros. */
export function zeros(shape: Shape, options?: TensorOptions): Tensor {
  return filled("zeros", shape, 0, options);
}

/** Tensor of ones. */
export function ones(shape: Shape, options?: TensorOptions): Tensor {
  return filled("ones", shape, 1, options);
}

/** Tensor with `value` everywhere. */
export function full(shape: Shape, value: number | boolean, options?: TensorOptions): Tensor {
  checkValue("full", value);
  return filled("full", shape, Number(value), options);
}

function checkValue(op: string, value: unknown): void {
  if (typeof value !== "number" && typeof value !== "boolean") {
    fail(op, `value must be a number, got ${show(value)}`);
  }
}

/** Tensor whose values are yet to be written; they are zeros here. */
export function empty(shape: Shape, options?: TensorOptions): Tensor {
  return filled("empty", shape, 0, options);
}

function filled(
  op: string, shape: Shape, value: number, options: TensorOptions | undefined,
): Tensor {
  const sizes = checkShape(op, shape);
  const { dtype, requiresGrad } = checkTensorOptions(op, options);
  const data = allocate(dtype, numel(sizes), op);
  if (value !== 0) data.fill(converted(op, value, dtype));
  return adopt(data, sizes, dtype, requiresGrad);
}

/** Tensor of zeros with the shape, dtype and order in memory of another. */
export function zerosLike(input: Tensor, options?: TensorOptions): Tensor {
  return filledLike("zerosLike", input, 0, options);
}

/** Tensor of ones with the shape, dtype and order in memory of another. */
export function onesLike(input: Tensor, options?: TensorOptions): Tensor {
  return filledLike("onesLike", input, 1, options);
}

/** Tensor with `value` everywhere, with the shape, dtype and order in memory of another. */
export function fullLike(
  input: Tensor, value: number | boolean, options?: TensorOptions,
): Tensor {
  checkValue("fullLike", value);
  return filledLike("fullLike", input, Number(value), options);
}

/** Tensor like another whose values are yet to be written; they are zeros here. */
export function emptyLike(input: Tensor, options?: TensorOptions): Tensor {
  return filledLike("emptyLike", input, 0, options);
}

function filledLike(
  op: string, input: Tensor, value: number, options: TensorOptions | undefined,
): Tensor {
  checkTensor(op, "input", input);
  const { dtype, requiresGrad } = checkTensorOptions(op, options, optionNames, input.dtype);
  const result = isBatched(input) ? freshFor([input], input.shape, dtype)
    : new Tensor(new Storage(dtype, allocate(dtype, input.numel(), op)), input.shape,
      denseStrides(input));
  if (value !== 0) result.storage.memory.data.fill(converted(op, value, dtype));
  return requiresGrad ? result.requiresGrad_() : result;
}
