// The public names of @chainrule/optim.
export {
  Optimizer, type Hyperparameters, type OptimizerStateDict, type ParamGroup,
  type ParamGroupOptions, type Params, type ParamState,
} from "./optimizer.ts";
export { SGD, type SGDOptions } from "./sgd.ts";
export { Adam, AdamW, type AdamOptions } from "./adam.ts";
