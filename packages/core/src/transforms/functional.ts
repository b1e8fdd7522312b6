// autograd.functional.*: PyTorch's names for whole derivatives and products with them.
export {
  hessian, jacobian, type HessianOptions, type JacobianOptions, type Strategy,
} from "./functional/jacobian.ts";
export { hvp, jvp, vhp, vjp, type Vector } from "./functional/products.ts";
export type { ProductOptions, Tensors } from "./functional/arguments.ts";
