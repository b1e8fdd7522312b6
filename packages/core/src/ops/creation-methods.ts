// Methods that make new tensors of the dtype of an old one.
import type { Shape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { checkTensorOptions, empty, full, ones, zeros, type TensorOptions } from "./creation.ts";

declare module "../tensor/tensor.ts" {
  interface Tensor {
    /** Tensor of zeros with this dtype. */
    newZeros(shape: Shape, options?: TensorOptions): Tensor;
    /** Tensor of ones with this dtype. */
    newOnes(shape: Shape, options?: TensorOptions): Tensor;
    /** Tensor with `value` everywhere, with this dtype. */
    newFull(shape: Shape, value: number | boolean, options?: TensorOptions): Tensor;
    /** Tensor with this dtype whose values are yet to be written; they are zeros here. */
    newEmpty(shape: Shape, options?: TensorOptions): Tensor;
  }
}

/** Checked options, with the dtype of `like` where none is given. */
function inherited(
  op: string, like: Tensor, options: TensorOptions | undefined,
): Required<TensorOptions> {
  return checkTensorOptions(op, options, undefined, like.dtype);
}

Object.assign(Tensor.prototype, {
  newZeros(this: Tensor, shape: Shape, options?: TensorOptions) {
    return zeros(shape, inherited("newZeros", this, options));
  },
  newOnes(this: Tensor, shape: Shape, options?: TensorOptions) {
    return ones(shape, inherited("newOnes", this, options));
  },
  newFull(this: Tensor, shape: Shape, value: number | boolean, options?: TensorOptions) {
    return full(shape, value, inherited("newFull", this, options));
  },
  newEmpty(this: Tensor, shape: Shape, options?: TensorOptions) {
    return empty(shape, inherited("newEmpty", this, options));
  },
});
