// The public names of @chainrule/core.
import "./autograd/tensor-methods.ts";
import "./ops/tensor-methods.ts";

export { Tensor, type Nested } from "./tensor/tensor.ts";
export {
  setPrintOptions, getPrintOptions, type PrintOptions, type PrintSettings,
} from "./tensor/format.ts";
export { ChainruleError, type ErrorDetails } from "./errors.ts";
export { float32, float64, int32, bool, type DType, type TypedArray } from "./dtype.ts";
export type { Shape, Dims } from "./shape/dims.ts";

// autograd
export { noGrad, enableGrad, setGradEnabled, isGradEnabled } from "./autograd/modes.ts";
export { backward, grad, type BackwardOptions, type GradOptions } from "./autograd/backward.ts";
export type { Hook, HookHandle } from "./autograd/hooks.ts";
export type { Node } from "./autograd/node.ts";

// random
export {
  Generator, defaultGenerator, manualSeed, seed, initialSeed, type GeneratorState,
} from "./random/generator.ts";

// ops, one statement per family
export { tensor, zeros, ones, full, empty, type TensorOptions, type Values } from "./ops/creation.ts";
export {
  neg, abs, sign, square, sqrt, rsqrt, reciprocal, exp, expm1, log, log1p, log2, log10, sin, cos,
  tanh, sigmoid, relu, erf, floor, asin,
} from "./ops/unary.ts";
export { add, mul, pow, maximum } from "./ops/binary.ts";
export {} from "./ops/ternary.ts";
export {} from "./ops/comparison.ts";
export { clone, to, contiguous, detach } from "./ops/convert.ts";
export { view, reshape, transpose, permute, expand, narrow } from "./ops/view.ts";
export {} from "./ops/join.ts";
export {} from "./ops/indexing.ts";
export { sum, type Reduce } from "./ops/reduction.ts";
export {} from "./ops/scan.ts";
export {} from "./ops/softmax.ts";
export { matmul, type Product } from "./ops/matmul.ts";
export {} from "./ops/linalg.ts";
export {} from "./ops/einsum.ts";
export {} from "./ops/random.ts";

// transforms
