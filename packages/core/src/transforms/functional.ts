// autograd.functional.*: PyTorch's names for whole derivatives and products with them.
export {
  hessian, jacobian, type HessianOptions, type JacobianOptions, type Nested,
  type Strategy,
} from "./functional/jacobian.ts";
export { hvp, jvp, vhp, vjp, type Vector } from "./functional/products.ts";
export type { Alike, Arguments, ProductOptions, Tensors } from "./functional/arguments.ts";
