// What functions of autograd.functional take and return: one tensor or several, made traceable.
import { grad } from "../../autograd/backward.ts";
import { withoutHistory } from "../../autograd/tangents.ts";
import { fail, show } from "../../errors.ts";
import { zerosLike } from "../../ops/creation.ts";
import { view } from "../../ops/view.ts";
import { sameShape, showShape } from "../../shape/dims.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** One tensor, or an array of them. */
export type Tensors = Tensor | readonly Tensor[];

/** As many tensors as `T` has: one, or an array. */
export type Alike<T extends Tensors> = T extends Tensor ? Tensor
  : { -readonly [K in keyof T]: Tensor };

/** The arguments that a function of `I` takes: those of `f(...inputs)`. */
export type Arguments<I extends Tensors> = I extends Tensor ? [input: Tensor]
  : I extends readonly Tensor[] ? { -readonly [K in keyof I]: Tensor } : never;

/** Options of `vjp`, `jvp`, `vhp` and `hvp`. */
export interface ProductOptions {
  /** Whether the results can be differentiated in turn. Default `false`. */
  readonly createGraph?: boolean;
  /** Whether an output that does not depend on an input is an error. Default `false`: zeros. */
  readonly strict?: boolean;
}

/**
 * A list of tensors.
 * @throws when something else is among them
 */
export function listOf(op: string, name: string, given: unknown): readonly Tensor[] {
  const isList = Array.isArray(given);
  const list: readonly unknown[] = isList ? given : [given];
  list.forEach((item, i) => {
    if (item instanceof Tensor) return;
    fail(op, `The ${name} given to ${op} must be either a tensor or an array of tensors but the ${
      isList ? `value at index ${i}` : `given ${name}`} is ${show(item)}.`);
  });
  return list as readonly Tensor[];
}

/** The outputs of the user's function. */
export function outputsOf(op: string, output: unknown): readonly Tensor[] {
  return listOf(op, "outputs of the user-provided function", output);
}

/** As many results as there were arguments: one where a tensor was given, else an array. */
export function alike<T>(results: readonly T[], given: unknown): T | readonly T[] {
  return Array.isArray(given) ? results : results[0];
}

/** Inputs of their own for a function, still connected to the given ones under `createGraph`. */
export function prepared(
  inputs: readonly Tensor[], { createGraph = false }: ProductOptions, requiresGrad = true,
): Tensor[] {
  return inputs.map((input) => {
    if (createGraph && input.history !== null) return view(input, input.shape);
    const own = withoutHistory(input);
    return requiresGrad ? own.requiresGrad_() : own;
  });
}

/** Results without history, unless it is wanted. */
export function finished(
  results: readonly Tensor[], { createGraph = false }: ProductOptions,
): readonly Tensor[] {
  return createGraph ? results : results.map((result) =>
    result.history === null ? result : withoutHistory(result));
}

/**
 * The vectors of a product, which must be like `others`.
 * @param alone what messages say where `v` is missing though there is more than one element
 * @throws when number or shapes differ
 */
export function vectorsFor(
  op: string, v: Tensors | null | undefined, others: readonly Tensor[], isList: boolean,
  options: ProductOptions, alone: string,
): Tensor[] | null {
  if (v === null || v === undefined) {
    if (others.length !== 1 || others[0].numel() !== 1) fail(op, alone);
    return null;
  }
  const vectors = listOf(op, "v", v);
  if (vectors.length !== others.length) {
    fail(op, isList ? `v is an array of invalid length: should be ${others.length} but got ${
      vectors.length}.` : "The given v should contain a single Tensor.");
  }
  vectors.forEach(({ shape }, i) => {
    if (sameShape(shape, others[i].shape)) return;
    fail(op, `${isList ? `Entry ${i} in ` : ""}v has invalid size: should be ${
      showShape(others[i].shape)} but got ${showShape(shape)}.`);
  });
  return prepared(vectors, options, false);
}

/** Gradients of the outputs that have any; `null` where there is none. */
export function gradientsOf(
  outputs: readonly (Tensor | null)[], inputs: readonly Tensor[],
  vectors: readonly (Tensor | null)[] | null, createGraph: boolean, retainGraph = createGraph,
): (Tensor | null)[] {
  const flowing = outputs.map((_, i) => i).filter((i) => outputs[i]?.requiresGrad);
  if (flowing.length === 0) return inputs.map(() => null);
  return grad(flowing.map((i) => outputs[i]!), inputs, {
    gradOutputs: flowing.map((i) => vectors?.[i] ?? null), createGraph, retainGraph,
    allowUnused: true,
  });
}

/** What strict mode says where something does not depend on something, by what was computed. */
export interface Strictness {
  /** A gradient that is missing, number `i`. */
  readonly missing: (i: number) => string;
  /** What is constant though `createGraph` asks for its derivative. */
  readonly constant: "jacobian" | "hessian";
}

/**
 * Zeros in place of gradients that are missing.
 * @throws in strict mode, when one is missing, or constant though `createGraph` is wanted
 */
export function filled(
  op: string, gradients: readonly (Tensor | null)[], like: readonly Tensor[],
  { createGraph = false, strict = false }: ProductOptions, { missing, constant }: Strictness,
): Tensor[] {
  return gradients.map((gradient, i) => {
    if (strict && gradient === null) fail(op, missing(i));
    if (strict && createGraph && !gradient!.requiresGrad) {
      fail(op, `The ${constant} of the user-provided function is independent of input ${i}. This ` +
        "is not allowed in strict mode when createGraph=true.");
    }
    return gradient ?? zerosLike(like[i]);
  });
}

/** @throws in strict mode, unless all outputs were computed from what requires a gradient */
export function checkOutputs(
  op: string, outputs: readonly Tensor[], { strict = false }: ProductOptions,
): void {
  const constant = strict ? outputs.findIndex((output) => !output.requiresGrad) : -1;
  if (constant < 0) return;
  fail(op, `Output ${constant} of the user-provided function does not require gradients. The ` +
    "outputs must be computed in a differentiable manner from the input when running in strict " +
    "mode.");
}

/** @throws in strict mode, when a first derivative is missing or constant */
export function checkJacobian(
  op: string, gradients: readonly (Tensor | null)[], { strict = false }: ProductOptions,
): void {
  if (!strict) return;
  gradients.forEach((gradient, i) => {
    if (gradient === null) {
      fail(op, `The output of the user-provided function is independent of input ${i}. This is ` +
        "not allowed in strict mode.");
    }
    if (gradient.requiresGrad) return;
    fail(op, "While computing the hessian, found that the jacobian of the user-provided function " +
      `with respect to input ${i} is independent of the input. This is not allowed in strict ` +
      "mode. You should ensure that your function is twice differentiable and that the jacobian " +
      "depends on the inputs (this would be violated by a linear function for example).");
  });
}
