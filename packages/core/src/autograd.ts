// autograd.*: PyTorch's names for what the engine does.
export { backward, grad } from "./autograd/backward.ts";
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from "./autograd/modes.ts";
export { detectAnomaly, type AnomalyOptions } from "./autograd/anomaly.ts";
export {
  Function, type FunctionArguments, type FunctionClass, type Gradients,
} from "./autograd/function.ts";
export type {
  FunctionContext, FunctionContextBase, SavedTensors,
} from "./autograd/function-context.ts";
export { customGradient, type CallValues, type GradientsOf } from "./autograd/custom-gradient.ts";
export { onceDifferentiable } from "./autograd/once-differentiable.ts";
export { savedTensorsHooks } from "./autograd/saved-hooks.ts";
export { gradcheck, gradgradcheck } from "./transforms/gradcheck.ts";
export * as functional from "./transforms/functional.ts";
