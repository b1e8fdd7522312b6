// nn.init: initial values, drawn as PyTorch draws them. All write in place and are not recorded.
export {
  calculateFanInAndFanOut, calculateGain, type Nonlinearity,
} from "./init/fans.ts";
export {
  constant_, dirac_, eye_, normal_, ones_, truncNormal_, uniform_, zeros_, type DiracOptions,
  type NormalOptions, type TruncNormalOptions, type UniformOptions,
} from "./init/fill.ts";
export type { RandomOptions } from "./init/random-options.ts";
export {
  kaimingNormal_, kaimingUniform_, xavierNormal_, xavierUniform_, type KaimingOptions,
  type XavierOptions,
} from "./init/scaled.ts";
export {
  orthogonal_, sparse_, type OrthogonalOptions, type SparseOptions,
} from "./init/structured.ts";
