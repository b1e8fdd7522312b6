// The public names of @chainrule/core.
import "./autograd/tensor-methods.ts";
import "./ops/tensor-methods.ts";
import "./ops/creation-methods.ts";
import "./ops/random-methods.ts";

export { Tensor, type Nested } from "./tensor/tensor.ts";
export {
  setPrintOptions, getPrintOptions, type PrintOptions, type PrintSettings,
} from "./tensor/format.ts";
export { ChainruleError, type ErrorDetails } from "./errors.ts";
export { float32, float64, int32, bool, type DType, type TypedArray } from "./dtype.ts";
export type { Shape, Dims } from "./shape/dims.ts";
export type { Layout } from "./shape/layout.ts";
export type { Op, Definition, Description, Method, Signature } from "./ops/op.ts";
export type { Rule, RuleContext } from "./autograd/node.ts";
export type { Rejected, Sample } from "./ops/sample.ts";

// autograd
export {
  noGrad, enableGrad, setGradEnabled, isGradEnabled, type GradModeGuard,
} from "./autograd/modes.ts";
export { backward, grad, type BackwardOptions, type GradOptions } from "./autograd/backward.ts";
export type { Hook } from "./autograd/hooks.ts";
export type {
  HookHandle, NodeGradients, NodeHook, NodeHooks, NodePrehook, PostAccumulateGradHook,
  Replacement,
} from "./autograd/node-hooks.ts";
export type { Differentiable, Edge, ForwardRule, Node, OutputType } from "./autograd/node.ts";
export type { Level } from "./storage/batched.ts";
export * as autograd from "./autograd.ts";
export * as func from "./transforms/func.ts";

export {
  checkpoint, checkpointSequential, type CheckpointOptions,
} from "./transforms/checkpoint.ts";

export { detectAnomaly, type AnomalyOptions } from "./autograd/anomaly.ts";
export { inspect, type InspectOptions, type Named } from "./inspect/inspect.ts";
export {
  Graph, type GraphBlock, type GraphData, type GraphEdge, type GraphNode, type Summary,
  type ValueType,
} from "./inspect/graph.ts";

// random
export {
  Generator, defaultGenerator, manualSeed, seed, initialSeed, type GeneratorState,
} from "./random/generator.ts";
export { forkRng, getRngState, setRngState } from "./random/fork.ts";

// arithmetic
export {
  useDeterministicAlgorithms, areDeterministicAlgorithmsEnabled,
} from "./wasm/features.ts";

// what computes, and in what memory
export { useBlas, type BlasDiagnostics } from "./kernels/blas/blas.ts";
export {
  getNumThreads, setNumThreads, type ThreadsInUse,
} from "./kernels/threads/threads.ts";
export { diagnostics, init, type Diagnostics } from "./storage/diagnostics.ts";
export { memory, setHeapBudget, type MemoryReport } from "./storage/memory.ts";

// ops, one statement per family
export {
  tensor, zeros, ones, full, empty, zerosLike, onesLike, fullLike, emptyLike, type TensorOptions,
  type Values,
} from "./ops/creation.ts";
export { arange, linspace, logspace, eye, type LogspaceOptions } from "./ops/range.ts";
export {
  neg, positive, abs, sign, square, sqrt, rsqrt, reciprocal, exp, exp2, expm1, log, log1p, log2,
  log10, sigmoid, relu, erf, erfc, logit, nanToNum, type LogitOptions, type NanToNumOptions,
  type Unary,
} from "./ops/unary.ts";
export {
  sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, sinc, deg2rad, rad2deg,
} from "./ops/trigonometry.ts";
export { floor, ceil, trunc, frac, round, type RoundOptions } from "./ops/rounding.ts";
export {
  add, sub, rsub, mul, div, trueDivide, floorDivide, pow, maximum, minimum, fmax, fmin, remainder,
  fmod, atan2, hypot, logaddexp, xlogy, copysign, type AlphaOptions, type Binary, type DivOptions,
} from "./ops/binary.ts";
export {
  clamp, clampMin, clampMax, lerp, addcmul, addcdiv, maskedFill, type Bound, type Clamp,
  type ClampOptions, type Fused, type ValueOptions,
} from "./ops/ternary.ts";
export {
  eq, ne, lt, le, gt, ge, logicalAnd, logicalOr, logicalXor, logicalNot, isnan, isinf, isfinite,
  isposinf, isneginf, signbit, isclose, allclose, equal, where, type CloseOptions, type Where,
} from "./ops/comparison.ts";
export { clone, to, contiguous, detach, detach_, typeAs } from "./ops/convert.ts";
export { view, reshape, transpose, permute, expand, narrow, type Sizes } from "./ops/view.ts";
export {
  flatten, ravel, unflatten, squeeze, unsqueeze, t, movedim, swapaxes, expandAs, viewAs, reshapeAs,
  broadcastTo,
} from "./ops/rearrange.ts";
export {
  select, slice, unfold, split, chunk, tensorSplit, unbind, type SliceOptions,
} from "./ops/slicing.ts";
export {
  repeat, tile, repeatInterleave, flip, fliplr, flipud, roll, rot90,
} from "./ops/copies.ts";
export {
  diagonal, diagEmbed, diag, diagflat, trace, tril, triu, type DiagonalOptions, type Triangle,
} from "./ops/diagonal.ts";
export {
  cat, stack, hstack, vstack, dstack, broadcastTensors, meshgrid, type Join, type MeshgridOptions,
} from "./ops/join.ts";
export {
  index, indexPut, indexPut_, maskedSelect, nonzero, type IndexPutOptions,
} from "./ops/indexing.ts";
export type { IndexItem, IndexRange, NestedIndex, Selection } from "./ops/index-items.ts";
export {
  indexSelect, indexAdd, indexCopy, indexFill, take, type IndexAddOptions,
} from "./ops/positions.ts";
export { gather, takeAlongDim, scatter, scatterAdd } from "./ops/gather.ts";
export {
  sum, mean, prod, logsumexp, nansum, nanmean, countNonzero, any, all, type Accumulate, type Reduce,
} from "./ops/reduction.ts";
export { var, std, varMean, stdMean, type Variance, type VarianceOptions } from "./ops/variance.ts";
export {
  amax, amin, max, min, argmax, argmin, type Argument, type Extreme, type Extremes,
} from "./ops/order.ts";
export { norm, type Norm } from "./ops/norm.ts";
export type { Pair } from "./ops/pair.ts";
export type { DTypeOptions, ReduceOptions } from "./ops/reduce-over.ts";
export { cumsum, cumprod, type Cumulative } from "./ops/scan.ts";
export { softmax, logSoftmax, softmin, type Normalise } from "./ops/softmax.ts";
export { matmul, type Product } from "./ops/matmul.ts";
export {
  mm, bmm, mv, dot, outer, addmm, addmv, baddbmm, inner, tensordot, type AddProduct,
  type AddProductOptions, type ContractedDims,
} from "./ops/linalg.ts";
export { einsum } from "./ops/einsum.ts";
export {
  rand, randn, randint, randperm, randLike, randnLike, randintLike, bernoulli, normal, multinomial,
  type RandomOptions, type BernoulliOptions, type MultinomialOptions,
} from "./ops/random.ts";
export type { FillOptions } from "./ops/random-methods.ts";

// transforms
export {
  gradcheck, gradgradcheck, type GradcheckOptions, type GradgradcheckOptions, type Outputs,
} from "./transforms/gradcheck.ts";
