// For the sibling packages only: how ops are defined and kernels run. Promises users nothing.
export { allocate, isFloat, isDType, type TypedArray } from "./dtype.ts";
export { ChainruleError, fail, show } from "./errors.ts";
export { constant, variable, type Expression } from "./expression/expression.ts";
export { pointwiseProgram, type PointwiseProgram } from "./kernels/pointwise.ts";
export { lookUpRows } from "./storage/rows.ts";
export { runProgram } from "./storage/run.ts";
export { canGenerateCode, withGeneratedCode } from "./expression/javascript.ts";
export { withSimd } from "./wasm/features.ts";
export { accumulator, count, position, reduction, type Reduction } from "./kernels/reduce.ts";
export { crossEntropyPrograms } from "./kernels/reduce-simd/cross-entropy.ts";
export { reduceOver, scanOver } from "./ops/reduce-over.ts";
export { logSoftmaxGradient } from "./ops/softmax-gradient.ts";
export { primitive, view } from "./ops/define.ts";
export { copyInto, copyOf, fresh, operand, rowMajor } from "./ops/memory.ts";
export {
  checkOptions, checkTensor, composite, type Method, type Op, type Signature,
} from "./ops/op.ts";
export { checkNumber, pointwise } from "./ops/pointwise.ts";
export {
  distinct, integers, isSampleTensor, real, type Sample, type SampleTensor,
} from "./ops/sample.ts";
export { enter, leave, levelsOf } from "./autograd/batch.ts";
export { drawForSamples } from "./ops/draw.ts";
export { table } from "./ops/table.ts";
export { withState, type FunctionalCallOptions } from "./transforms/func/stateful.ts";
export { isDifferentiating } from "./autograd/tangents.ts";
export { bumpVersion, checkInPlace } from "./autograd/in-place.ts";
export type { Input } from "./autograd/record.ts";
export { handleOf } from "./autograd/node-hooks.ts";
export { passThrough } from "./autograd/pass-through.ts";
export { isThenable } from "./autograd/synchronous.ts";
export { numel, sameShape, showShape, type Shape } from "./shape/dims.ts";
export { broadcastShapes } from "./shape/broadcast.ts";
export { multiplyBatches, transposed } from "./ops/matmul.ts";
export { pairLoss, type PairLoss } from "./ops/pair-loss.ts";
export { fillMask } from "./kernels/random/fill.ts";
export { defaultGenerator, Generator } from "./random/generator.ts";
