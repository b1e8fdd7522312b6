// The public names of @chainrule/nn.
export { Module, type NamedOptions } from "./module.ts";
export { Parameter, type ParameterOptions } from "./parameter.ts";
export { Buffer, type BufferOptions } from "./buffer.ts";
export {
  registerModuleForwardPreHook, registerModuleForwardHook, registerModuleFullBackwardPreHook,
  registerModuleFullBackwardHook, type ForwardPreHook, type ForwardHook, type FullBackwardPreHook,
  type Arguments, type FullBackwardHook, type HookOptions, type ForwardHookOptions, type Nothing,
  type Output,
} from "./hooks.ts";
export type { LoadOptions, LoadResult, StateDict, StateSource } from "./state-dict.ts";

// containers
export { NamedModules } from "./containers/named.ts";
export { Sequential, type ModulesByName } from "./containers/sequential.ts";
export { ModuleList } from "./containers/module-list.ts";
export { ModuleDict } from "./containers/module-dict.ts";

// layers
export { Linear, Identity, type LinearOptions } from "./layers/linear.ts";
export { Flatten, Unflatten, type FlattenOptions } from "./layers/flatten.ts";
export {
  ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, LogSoftmax, GELU, Softplus,
} from "./layers/activation.ts";
export { Dropout } from "./layers/dropout.ts";
export { Embedding, type EmbeddingLayerOptions } from "./layers/embedding.ts";

// losses
export {
  Loss, MSELoss, L1Loss, CrossEntropyLoss, NLLLoss, BCELoss, BCEWithLogitsLoss, GaussianNLLLoss,
} from "./layers/loss.ts";

export * as functional from "./functional.ts";
export * as init from "./init.ts";
