// Changing the dtype of a module's tensors in place, so that optimizers keep the ones they hold.
import type { DType, Tensor } from "@chainrule/core";

/** Gives a tensor and its gradient memory of another dtype; the tensor stays the same object. */
export function convert(tensor: Tensor, dtype: DType): void {
  if (!tensor.isFloatingPoint() || tensor.dtype === dtype) return;
  const { requiresGrad, grad } = tensor;
  const { storage, strides, offset } = tensor.detach().to(dtype);
  tensor.grad = null;
  if (requiresGrad) tensor.requiresGrad = false;
  Object.assign(tensor, { storage, strides, offset });
  // The node that accumulates the gradient knows the dtype, so a new one is made.
  if (requiresGrad) tensor.requiresGrad = true;
  if (grad !== null) tensor.grad = grad.detach().to(dtype);
}
