// Between tensors and kernels: operands, fresh results and plain copies. Nothing is recorded here.
import { exposed, freshAt, levelsOf } from "../autograd/batch.ts";
import type { DType } from "../dtype.ts";
import { fail } from "../errors.ts";
import { variable } from "../expression/expression.ts";
import { pointwiseProgram, runPointwise } from "../kernels/pointwise.ts";
import { broadcastStrides } from "../shape/broadcast.ts";
import { numel, showShape, type Shape } from "../shape/dims.ts";
import { overlaps, type Layout } from "../shape/layout.ts";
import { isBatching, type Level } from "../storage/batched.ts";
import { forHost, Placed } from "../storage/place.ts";
import { runCopy, runProgram } from "../storage/run.ts";
import { Storage } from "../storage/storage.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A tensor's memory, read as if it had the shape `shape`. */
export function operand(tensor: Tensor, shape: Shape): Placed {
  return new Placed(tensor.storage, broadcastStrides(tensor.shape, tensor.strides, shape),
    tensor.offset);
}

/** New contiguous tensor of zeros, without history. */
export function fresh(shape: Shape, dtype: DType): Tensor {
  return new Tensor(Storage.zeros(dtype, numel(shape)), shape);
}

/** New tensor of zeros, batched at every level that one of the inputs is batched at. */
export function freshFor(
  inputs: Iterable<Tensor | number>, shape: Shape, dtype: DType,
): Tensor {
  const levels = isBatching ? levelsOf(inputs) : [];
  return levels.length === 0 ? fresh(shape, dtype) : freshAt(levels, shape, dtype);
}

/**
 * The levels of a tensor that is written to.
 * @throws when it is the same in all samples of a level, and what is written is not
 */
export function checkShared(
  target: Tensor, inputs: readonly (Tensor | number)[],
): readonly Level[] {
  const known = levelsOf([target]);
  if (levelsOf(inputs).every((level) => known.includes(level))) return known;
  return fail("vmap", "inplace arithmetic is not possible because what is written differs " +
    `between samples, and the tensor written to, of shape ${showShape(target.shape)}, is the ` +
    "same in all of them: the other tensor is being vmapped over but self is not. Please use " +
    "the op without underscore");
}

/**
 * A target and what is written to it, element by element, for all samples at once.
 * @throws when the target is the same in all samples of a level, and an input is not
 */
export function forAllSamples<T extends Tensor | number>(
  target: Tensor, inputs: readonly T[],
): [target: Tensor, ...inputs: T[]] {
  const known = checkShared(target, inputs);
  if (known.length === 0) return [target, ...inputs];
  return [exposed(target, known), ...inputs.map((input) =>
    typeof input === "number" ? input : exposed(input, known, target.ndim) as T)];
}

/** Elements of a tensor at another layout, sharing its memory, without history. */
export function arranged(tensor: Tensor, { shape, strides, offset }: Layout): Tensor {
  return new Tensor(tensor.storage, shape, strides, offset);
}

const copyProgram = pointwiseProgram([variable("input")], ["input"], []);

/** Copies values, converting and broadcasting them; `target` may be a view. */
export function copyInto(target: Tensor, source: Tensor): void {
  if (isBatching) [target, source] = forAllSamples(target, [source]);
  const { shape } = target;
  const [place, values] = [operand(target, shape), operand(source, shape)];
  if (target.dtype === source.dtype) runCopy(copyProgram, shape, place, values);
  else runProgram(copyProgram, shape, [place], [values], []);
}

const additionProgram =
  pointwiseProgram([variable("input").add(variable("other"))], ["input", "other"], []);

/** Adds values in place, in order, so that `target` may show one element several times. */
export function addInto(target: Tensor, source: Tensor): void {
  if (isBatching) [target, source] = forAllSamples(target, [source]);
  const { shape } = target;
  const [place, values] = [operand(target, shape), operand(source, shape)];
  if (overlaps(shape, target.strides)) {
    forHost([place]);
    runPointwise(additionProgram, shape, [place], [place, values], []);
  } else runProgram(additionProgram, shape, [place], [place, values], []);
}

/** A contiguous copy, without history. */
export function copyOf(tensor: Tensor, dtype: DType = tensor.dtype): Tensor {
  const copy = freshFor([tensor], tensor.shape, dtype);
  copyInto(copy, tensor);
  return copy;
}

/** The same values in row-major order: the tensor itself where it already is. */
export function rowMajor(tensor: Tensor): Tensor {
  return tensor.isContiguous() ? tensor : copyOf(tensor);
}
