// func.*: PyTorch's names for transforms of functions.
export {
  grad, gradAndValue, jacrev, vjp, type Jacobian, type TransformOptions, type VjpFunction,
} from "./func/reverse.ts";
export { hessian, jacfwd, jvp, linearize, type Hessian, type JvpOptions } from "./func/jvp.ts";
export {
  functionalCall, stackModuleState, type FunctionalCallOptions, type Listed, type State,
  type Stateful,
} from "./func/stateful.ts";
export { vmap, type VmapOptions } from "./vmap/vmap.ts";
export type { Randomness } from "../autograd/levels.ts";
export type { DimTree } from "./vmap/dims.ts";
export type { Argnums, Chosen } from "./func/inputs.ts";
export type { Mapped, Tree } from "./func/tree.ts";
