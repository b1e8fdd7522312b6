// `backward` and `grad`: what a user asks of the engine, checked before it runs.
import { fail, show } from "../errors.ts";
import { numel, sameShape, showShape } from "../shape/dims.ts";
import { checkOptions } from "../tensor/options.ts";
import { Tensor } from "../tensor/tensor.ts";
import { arithmetic } from "./arithmetic.ts";
import { run } from "./engine.ts";
import { isInsideVmap } from "./levels.ts";
import { withoutHistory } from "./tangents.ts";
import { edgeTo, retain, type Edge } from "./node.ts";

/** Options of `backward`. */
export interface BackwardOptions {
  /** Keep what the graph saved, to go through it again. Default: the value of `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the gradients, so that they can be differentiated in turn. Default `false`. */
  readonly createGraph?: boolean;
  /** Accumulate into the `.grad` of these only. Default: all leaves. Others retain it from then. */
  readonly inputs?: Tensor | readonly Tensor[];
}

/** Options of `grad`. */
export interface GradOptions {
  /** Gradient of something with respect to each output. Default: ones, for scalar outputs. */
  readonly gradOutputs?: Tensor | null | readonly (Tensor | null)[];
  /** Keep what the graph saved, to go through it again. Default: the value of `createGraph`. */
  readonly retainGraph?: boolean;
  /** Record the gradients, so that they can be differentiated in turn. Default `false`. */
  readonly createGraph?: boolean;
  /** Give `null` for inputs that the outputs do not depend on, instead of an error. */
  readonly allowUnused?: boolean;
  /** Give zeros for inputs that the outputs do not depend on. */
  readonly materializeGrads?: boolean;
}

const gradOptions = [
  "gradOutputs", "retainGraph", "createGraph", "allowUnused", "materializeGrads",
];

type OneOrMore<T> = T | readonly T[];

/**
 * Adds the gradient of `tensors` to the `.grad` of the leaves they were computed from.
 * @throws when a tensor requires no gradient, or is no scalar and comes without a gradient
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.backward.html
 */
export function backward(
  tensors: OneOrMore<Tensor>, gradTensors?: OneOrMore<Tensor | null> | null,
  options: BackwardOptions = {},
): void {
  checkOptions("backward", options, ["retainGraph", "createGraph", "inputs"]);
  if (isInsideVmap()) {
    fail("backward", "backward() called inside a functorch transform. This is not supported " +
      "inside vmap, where .grad would belong to one sample. Please use func.grad, func.vjp or " +
      "autograd.grad instead, or call backward() outside");
  }
  const { createGraph = false, retainGraph = createGraph, inputs } = options;
  const { roots, gradients } = rootsOf("backward", tensors, gradTensors, createGraph);
  if (createGraph) warnOfCycle();
  if (inputs === undefined) {
    run({ roots, gradients, retainGraph, createGraph, targets: null, capture: null });
    return;
  }
  const wanted = [...new Set(listOf("backward", "inputs", inputs))];
  if (wanted.length === 0) fail("backward", "'inputs' argument to backward() cannot be empty.");
  const targets = wanted.map((input) => differentiated("backward", input));
  wanted.forEach(retain);
  run({ roots, gradients, retainGraph, createGraph, targets, capture: null });
}

/**
 * The gradients of `outputs` with respect to `inputs`, summed over the outputs; `.grad` is left
 * alone.
 * @throws when an input was not used to compute the outputs, unless `allowUnused`
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.grad.html
 */
export function grad(
  outputs: OneOrMore<Tensor>, inputs: OneOrMore<Tensor>,
  options?: GradOptions & { readonly allowUnused?: false },
): Tensor[];
export function grad(
  outputs: OneOrMore<Tensor>, inputs: OneOrMore<Tensor>, options: GradOptions,
): (Tensor | null)[];
export function grad(
  outputs: OneOrMore<Tensor>, inputs: OneOrMore<Tensor>,
  options: GradOptions = {},
): (Tensor | null)[] {
  checkOptions("grad", options, gradOptions);
  const { gradOutputs, createGraph = false, retainGraph = createGraph, materializeGrads = false,
    allowUnused } = options;
  if (materializeGrads && allowUnused === false) {
    fail("grad", "Expected allowUnused to be true or not passed when materializeGrads=true, but " +
      "got: allowUnused=false");
  }
  const wanted = listOf("grad", "inputs", inputs);
  if (wanted.length === 0) fail("grad", "grad requires non-empty inputs.");
  const { roots, gradients } = rootsOf("grad", outputs, gradOutputs, createGraph);
  const targets = wanted.map((input) => differentiated("grad", input));
  const results: (Tensor | null)[] = wanted.map(() => null);
  run({ roots, gradients, retainGraph, createGraph, targets,
    capture: (i, gradient) => { results[i] = gradient; } });
  return results.map((result, i) => {
    if (result !== null || allowUnused === true) {
      if (result !== null || !materializeGrads) return result;
    }
    if (materializeGrads) return arithmetic.full(wanted[i].shape, 0, wanted[i].dtype);
    return fail("grad", "One of the differentiated Tensors appears to not have been used in the " +
      `graph: input ${i} of shape ${showShape(wanted[i].shape)}. Set allowUnused: true if this ` +
      "is the desired behavior.", { input: i });
  });
}

let isWarned = false;

/** Says once what `backward` with `createGraph` keeps in memory. */
function warnOfCycle(): void {
  if (isWarned) return;
  isWarned = true;
  console.warn("Using backward() with createGraph: true will create a reference cycle between " +
    "the parameter and its gradient, which keeps the graph in memory until .grad is reset. We " +
    "recommend using autograd.grad when creating the graph to avoid this. If you have to use " +
    "this function, make sure to reset the .grad fields of your parameters to null after use.");
}

function listOf(op: string, name: string, value: OneOrMore<Tensor>): readonly Tensor[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  for (const item of list) {
    if (!(item instanceof Tensor)) fail(op, `${name} must be tensors, got ${show(item)}`);
  }
  return list as readonly Tensor[];
}

function differentiated(op: string, input: Tensor): Edge {
  const edge = edgeTo(input);
  if (edge === null) {
    fail(op, "One of the differentiated Tensors does not require grad: shape " +
      showShape(input.shape));
  }
  return edge;
}

function rootsOf(
  op: string, tensors: OneOrMore<Tensor>,
  given: OneOrMore<Tensor | null> | null | undefined, createGraph: boolean,
): { roots: Edge[]; gradients: Tensor[] } {
  const outputs = listOf(op, op === "grad" ? "outputs" : "tensors", tensors);
  const list = (Array.isArray(given) ? given : given === undefined ? [] : [given]) as
    readonly (Tensor | null)[];
  if (list.length > 0 && list.length !== outputs.length) {
    fail(op, `got ${outputs.length} tensors and ${list.length} gradients`);
  }
  const roots: Edge[] = [];
  const gradients = outputs.map((output, i) => {
    const edge = edgeTo(output);
    if (edge === null) {
      fail(op, `element ${i} of tensors does not require grad and does not have a gradFn`);
    }
    roots.push(edge);
    return rootGradient(op, output, list[i] ?? null, i, createGraph);
  });
  return { roots, gradients };
}

function rootGradient(
  op: string, output: Tensor, given: Tensor | null, i: number, createGraph: boolean,
): Tensor {
  if (given === null) {
    if (numel(output.shape) !== 1) {
      fail(op, "grad can be implicitly created only for scalar outputs: output " +
        `${i} has shape ${showShape(output.shape)}`, { shape: output.shape });
    }
    return arithmetic.full(output.shape, 1, output.dtype);
  }
  if (!(given instanceof Tensor)) fail(op, `gradients must be tensors, got ${show(given)}`);
  if (!sameShape(given.shape, output.shape)) {
    fail(op, `Mismatch in shape: grad_output[${i}] has a shape of ${showShape(given.shape)} and ` +
      `output[${i}] has a shape of ${showShape(output.shape)}.`);
  }
  if (given.dtype !== output.dtype) {
    fail(op, `gradient ${i} has dtype ${given.dtype}, its output has ${output.dtype}`);
  }
  if (createGraph || given.history === null) return given;
  return withoutHistory(given);
}
