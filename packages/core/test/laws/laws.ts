// The laws that every entry of the op table obeys, each with the sentence it states.
import type { AnyOp } from "./call.ts";
import type { Call } from "./draw.ts";
import { gradientsArePerSample, vmapIsALoop } from "./batch.ts";
import {
  float32IsFloat64Rounded, inPlaceIsFunction, layoutDoesNotMatter, methodIsFunction,
  runsAreIdentical,
} from "./equivalence.ts";
import { forwardIsReverse, forwardOverReverse } from "./forward.ts";
import { gradientIsTheDerivative, secondOrderIsTheDerivative, vjpIsLinear } from "./gradients.ts";
import {
  argumentsStay, onlyViewsShare, onlyWhatIsReadIsSaved, passesAreIndependent,
  requiresGradPropagates,
} from "./memory.ts";

/** A statement about every call of every op; throws where it does not hold. */
export interface Law {
  readonly says: string;
  readonly holds: (op: AnyOp, call: Call) => void;
}

/** Gradients are derivatives, to first and second order. */
export const derivativeLaws: readonly Law[] = [
  { says: "gradients agree with central differences", holds: gradientIsTheDerivative },
  { says: "second order agrees with central differences", holds: secondOrderIsTheDerivative },
];

/** All laws. */
export const laws: readonly Law[] = [
  ...derivativeLaws,
  { says: "gradients are linear in the cotangent", holds: vjpIsLinear },
  { says: "forward mode agrees with reverse mode", holds: forwardIsReverse },
  { says: "forward over reverse agrees with reverse over reverse", holds: forwardOverReverse },
  { says: "vmap is a loop", holds: vmapIsALoop },
  { says: "gradients inside vmap are those of each sample", holds: gradientsArePerSample },
  { says: "float32 gives float64 rounded", holds: float32IsFloat64Rounded },
  { says: "method and function are the same", holds: methodIsFunction },
  { says: "the in-place variant writes what the function returns", holds: inPlaceIsFunction },
  { says: "memory layout makes no difference", holds: layoutDoesNotMatter },
  { says: "arguments and cotangents stay as they are", holds: argumentsStay },
  { says: "views share memory and version, other ops do not", holds: onlyViewsShare },
  { says: "requiresGrad follows the inputs and the mode", holds: requiresGradPropagates },
  { says: "only values that rules read are saved", holds: onlyWhatIsReadIsSaved },
  { says: "two passes through one graph are independent", holds: passesAreIndependent },
  { says: "two runs give the same bits", holds: runsAreIdentical },
];
