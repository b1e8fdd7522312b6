// Between tensors and kernels: operands, fresh results and plain copies. Nothing is recorded here.
import type { DType } from "../dtype.ts";
import { variable } from "../expression/expression.ts";
import { pointwiseProgram, runPointwise } from "../kernels/pointwise.ts";
import { broadcastStrides } from "../shape/broadcast.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { overlaps, type Layout } from "../shape/layout.ts";
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

/** Elements of a tensor at another layout, sharing its memory, without history. */
export function arranged(tensor: Tensor, { shape, strides, offset }: Layout): Tensor {
  return new Tensor(tensor.storage, shape, strides, offset);
}

const copyProgram = pointwiseProgram([variable("input")], ["input"], []);

/** Copies values, converting and broadcasting them; `target` may be a view. */
export function copyInto(target: Tensor, source: Tensor): void {
  const { shape } = target;
  const [place, values] = [operand(target, shape), operand(source, shape)];
  if (target.dtype === source.dtype) runCopy(copyProgram, shape, place, values);
  else runProgram(copyProgram, shape, [place], [values], []);
}

const additionProgram =
  pointwiseProgram([variable("input").add(variable("other"))], ["input", "other"], []);

/** Adds values in place, in order, so that `target` may show one element several times. */
export function addInto(target: Tensor, source: Tensor): void {
  const { shape } = target;
  const [place, values] = [operand(target, shape), operand(source, shape)];
  if (overlaps(shape, target.strides)) {
    forHost([place]);
    runPointwise(additionProgram, shape, [place], [place, values], []);
  } else runProgram(additionProgram, shape, [place], [place, values], []);
}

/** A contiguous copy, without history. */
export function copyOf(tensor: Tensor, dtype: DType = tensor.dtype): Tensor {
  const copy = fresh(tensor.shape, dtype);
  copyInto(copy, tensor);
  return copy;
}

/** The same values in row-major order: the tensor itself where it already is. */
export function rowMajor(tensor: Tensor): Tensor {
  return tensor.isContiguous() ? tensor : copyOf(tensor);
}
