// Running reduction kernels over some dimensions of tensors, and spreading their results again.
import { isDType, isFloat, typeNames, type DType } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import type { Reduction } from "../kernels/reduce.ts";
import {
  normalizeDim, normalizeDims, reducedShape, sameShape, type Dims, type Shape,
} from "../shape/dims.ts";
import { isBatching } from "../storage/batched.ts";
import { Placed } from "../storage/place.ts";
import { reduceStorages } from "../storage/reduce.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isBatched, onWholes } from "./batching.ts";
import { to } from "./convert.ts";
import { fresh, operand } from "./memory.ts";
import { checkOptions, checkTensor } from "./op.ts";
import { expand, reshape } from "./view.ts";

/** Options of reductions. */
export interface ReduceOptions {
  /** Keep reduced dimensions, with size 1. Default `false`. */
  readonly keepdim?: boolean;
}

/** Options of scans, and of reductions whose result can have another dtype. */
export interface DTypeOptions {
  /** Dtype that the elements are converted to first. Default: that of the input. */
  readonly dtype?: DType;
}

/** What a reduction runs over. */
export interface Over { readonly dims: readonly number[]; readonly keepdim: boolean }

/**
 * Runs a reduction; gives one tensor per result. Further inputs are broadcast to the shape of the
 * first.
 */
export function reduceOver(
  program: Reduction, input: Tensor | readonly Tensor[], { dims, keepdim }: Over,
  dtypes: readonly DType[], scalars?: readonly number[],
): Tensor[] {
  const inputs = input instanceof Tensor ? [input] : input;
  const { shape } = inputs[0];
  if (isBatching && inputs.some(isBatched)) {
    return onWholes(inputs, shape.length, (wholes, depth) =>
      reduceOver(program, wholes, { dims: behind(depth, dims), keepdim }, dtypes, scalars));
  }
  const resultShape = reducedShape(shape, dims, keepdim);
  const strides = resultStrides(shape, dims);
  const results = new Array<Tensor>(dtypes.length); // closures take twice as long on small tensors
  const outputs = new Array<Placed>(dtypes.length);
  for (let i = 0; i < dtypes.length; i++) {
    results[i] = fresh(resultShape, dtypes[i]);
    outputs[i] = new Placed(results[i].storage, strides, 0);
  }
  const sources = new Array<Placed>(inputs.length);
  for (let i = 0; i < inputs.length; i++) sources[i] = operand(inputs[i], shape);
  reduceStorages(program, shape, dims, outputs, sources, scalars);
  return results;
}

/** Dimensions when there are more in front. */
function behind(depth: number, dims: readonly number[]): readonly number[] {
  return dims.map((dim) => dim + depth);
}

/** Row-major strides of the kept dimensions, 0 along `dims`. */
function resultStrides(shape: Shape, dims: readonly number[]): readonly number[] {
  if (dims.length === shape.length && dims.length <= 2) return dims.length === 2 ? [0, 0] : [0];
  if (dims.length === 1 && shape.length === 2) return dims[0] === 0 ? [0, 1] : [1, 0];
  const strides = shape.slice();
  let step = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    const reduced = dims.includes(dim);
    strides[dim] = reduced ? 0 : step;
    if (!reduced) step *= shape[dim];
  }
  return strides;
}

/** How a scan runs. */
export interface Scan {
  readonly dims: readonly number[];
  /** Run from the last element to the first. */
  readonly reverse?: boolean;
}

/**
 * Runs a program that stores one value at every element of the first input, to whose shape further
 * inputs are broadcast.
 */
export function scanOver(
  program: Reduction, inputs: readonly Tensor[], { dims, reverse = false }: Scan,
  dtype: DType = inputs[0].dtype, scalars?: readonly number[],
): Tensor {
  const { shape } = inputs[0];
  if (isBatching && inputs.some(isBatched)) {
    return onWholes(inputs, shape.length, (wholes, depth) =>
      [scanOver(program, wholes, { dims: behind(depth, dims), reverse }, dtype, scalars)])[0];
  }
  const result = fresh(shape, dtype);
  const place = (tensor: Tensor): Placed => {
    const where = operand(tensor, shape);
    return reverse ? backwards(where, shape, dims) : where;
  };
  reduceStorages(program, shape, dims, [place(result)], inputs.map(place), scalars);
  return result;
}

/** The same memory, read from the end of `dims`. */
function backwards(
  { storage, offset, strides }: Placed, shape: Shape, dims: readonly number[],
): Placed {
  return new Placed(storage, strides.map((step, dim) => dims.includes(dim) ? -step : step),
    dims.reduce((start, dim) => start + (shape[dim] - 1) * strides[dim], offset));
}

/** A reduced tensor with the reduced dimensions as size 1, so that it broadcasts to `shape`. */
export function keepDims(reduced: Tensor, shape: Shape, { dims }: Over): Tensor {
  const kept = reducedShape(shape, dims, true);
  return sameShape(kept, reduced.shape) ? reduced : reshape(reduced, kept);
}

/** A reduced tensor spread over the shape that was reduced. */
export function restore(reduced: Tensor, shape: Shape, over: Over): Tensor {
  return expand(keepDims(reduced, shape, over), shape);
}

/** Checks the usual arguments of a reduction. */
export function prepareReduction(
  op: string, input: Tensor, dim: Dims, options: ReduceOptions | undefined,
  known: readonly string[] = ["keepdim"],
): { inputs: Tensor[]; attributes: Over } {
  checkTensor(op, "input", input);
  checkOptions(op, options, known);
  const dims = normalizeDims(op, dim, input.ndim);
  const keepdim = options?.keepdim ?? false;
  if (typeof keepdim !== "boolean") fail(op, `keepdim must be true or false, got ${show(keepdim)}`);
  return { inputs: [input], attributes: { dims, keepdim } };
}

/** Checks the arguments of a reduction that can convert its input first. */
export function prepareWithDType(
  op: string, input: Tensor, dim: Dims, options: ReduceOptions & DTypeOptions | undefined,
): { inputs: Tensor[]; attributes: Over } {
  const { attributes } = prepareReduction(op, input, dim, options, ["keepdim", "dtype"]);
  return { inputs: [converted(op, input, options?.dtype)], attributes };
}

/**
 * Checks the arguments of an op along one dimension.
 * @throws when `dim` is missing or out of range
 */
export function prepareScan(
  op: string, input: Tensor, dim: number, options?: DTypeOptions, known: readonly string[] = [],
): { inputs: Tensor[]; attributes: Scan } {
  checkTensor(op, "input", input);
  checkOptions(op, options, known);
  if (dim === undefined || dim === null) {
    fail(op, `dim is required: ${op}(x, 1) runs along dimension 1`);
  }
  const axis = normalizeDim(op, dim, input.ndim);
  const dims = input.ndim === 0 ? [] : [axis];
  return { inputs: [converted(op, input, options?.dtype)], attributes: { dims } };
}

function converted(op: string, input: Tensor, dtype: DType | undefined): Tensor {
  if (dtype === undefined) return input;
  if (!isDType(dtype)) {
    fail(op, `dtype must be float32, float64, int32 or bool, got ${show(dtype)}`);
  }
  return to(input, dtype);
}

/**
 * Checks that elements are real numbers.
 * @throws with `problem` and the dtype otherwise
 */
export function checkFloat(op: string, { dtype }: Tensor, problem: string): void {
  if (!isFloat(dtype)) fail(op, `${problem}. Got: ${typeNames[dtype]}`, { dtype });
}

/** The dtype that elements are added or multiplied up in: truth values count as int32. */
export function accumulated(dtype: DType): DType {
  return dtype === "bool" ? "int32" : dtype;
}
