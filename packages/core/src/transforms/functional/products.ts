// autograd.functional.{vjp, jvp, vhp, hvp}: products of vectors with Jacobians and Hessians.
import { enableGrad, isGradEnabled, setGradEnabled } from "../../autograd/modes.ts";
import { fail } from "../../errors.ts";
import { zerosLike } from "../../ops/creation.ts";
import { checkOptions } from "../../ops/op.ts";
import { Tensor } from "../../tensor/tensor.ts";
import {
  alike, checkJacobian, checkOutputs, filled, finished, gradientsOf, listOf, outputsOf, prepared,
  vectorsFor, type Alike, type Arguments, type ProductOptions, type Tensors,
} from "./arguments.ts";

/** The vector of a product; may be left out, or `null`, where it has a single element. */
export type Vector = Tensors | null;

/** A function run on inputs of its own. */
interface Run {
  readonly inputs: readonly Tensor[];
  readonly output: unknown;
  readonly outputs: readonly Tensor[];
}

function runOn(
  op: string, f: (...inputs: never[]) => unknown, given: Tensors, options: ProductOptions,
): Run {
  checkOptions(op, options, ["createGraph", "strict"]);
  const inputs = prepared(listOf(op, "inputs", given), options);
  const output = f(...inputs as never[]);
  const outputs = outputsOf(op, output);
  checkOutputs(op, outputs, options);
  return { inputs, output, outputs };
}

/** Recording for the pass that computes a result: on where its history is wanted. */
function finalPass<T>({ createGraph = false }: ProductOptions, body: () => T): T {
  return setGradEnabled(createGraph || isGradEnabled(), body);
}

function results<O>(
  { output, outputs }: Run, products: readonly Tensor[], like: unknown, options: ProductOptions,
): [O, never] {
  return [alike(finished(outputs, options), output), alike(finished(products, options), like)] as
    [O, never];
}

/** The vector and the options, of which either may be left out. */
function vectorAndOptions(
  v: Vector | ProductOptions | undefined, options: ProductOptions | undefined,
): [v: Vector | undefined, options: ProductOptions] {
  const isVector = v === undefined || v === null || v instanceof Tensor || Array.isArray(v);
  return isVector ? [v as Vector | undefined, options ?? {}] : [undefined, v as ProductOptions];
}

/**
 * `[output, vᵀ J]` for the Jacobian `J` of `f` at the inputs.
 * @throws when `v` does not look like the output, or is missing though that is no single element
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html
 */
export function vjp<const I extends Tensors, O extends Tensors>(
  f: (...inputs: Arguments<I>) => O, inputs: I, v?: Vector | ProductOptions,
  options?: ProductOptions,
): [output: Alike<O>, vjp: Alike<I>] {
  const [vector, settings] = vectorAndOptions(v, options);
  const { run, vectors } = enableGrad(() => {
    const run = runOn("vjp", f, inputs, settings);
    return { run, vectors: vectorsFor("vjp", vector, run.outputs, Array.isArray(run.output),
      settings, "The vector v can only be None if the user-provided function returns a single " +
      "Tensor with a single element.") };
  });
  const products = finalPass(settings, () => filled("vjp",
    gradientsOf(run.outputs, run.inputs, vectors, settings.createGraph ?? false),
    run.inputs, settings, { constant: "jacobian", missing: independentOf("output") }));
  return results(run, products, inputs, settings);
}

function independentOf(what: string): (i: number) => string {
  return (i) => `The ${what} of the user-provided function is independent of input ${i}. This is ` +
    "not allowed in strict mode.";
}

const singleInput = "The vector v can only be None if the input to the user-provided function is " +
  "a single Tensor with a single element.";

/**
 * `[output, J v]` for the Jacobian `J` of `f` at the inputs, by a backward pass through the
 * backward pass; `func.jvp` does it in one run of `f`.
 * @throws when `v` does not look like the inputs, or is missing though they are no single element
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html
 */
export function jvp<const I extends Tensors, O extends Tensors>(
  f: (...inputs: Arguments<I>) => O, inputs: I, v?: Vector | ProductOptions,
  options?: ProductOptions,
): [output: Alike<O>, jvp: Alike<O>] {
  const [vector, settings] = vectorAndOptions(v, options);
  const { createGraph = false, strict = false } = settings;
  const { run, vectors, cotangents, gradients } = enableGrad(() => {
    const given = listOf("jvp", "inputs", inputs);
    const vectors =
      vectorsFor("jvp", vector, given, Array.isArray(inputs), settings, singleInput);
    const run = runOn("jvp", f, inputs, settings);
    // the first pass is linear in these: their values do not matter
    const cotangents = run.outputs.map((output) => output.isFloatingPoint()
      ? zerosLike(output, { requiresGrad: true }) : output);
    const gradients = gradientsOf(run.outputs, run.inputs, cotangents, true);
    if (strict) checkDependence(gradients);
    return { run, vectors, cotangents, gradients };
  });
  const products = finalPass(settings, () => filled("jvp",
    alongCotangents(gradients, cotangents, vectors, createGraph), run.outputs, settings, {
      constant: "jacobian",
      missing: (i) => "The gradient with respect to the input is independent of entry " +
        `${i} in the gradOutputs when using the double backward trick to compute forward mode ` +
        "gradients. This is not allowed in strict mode.",
    }));
  return results(run, products, run.output, settings);
}

function alongCotangents(
  gradients: readonly (Tensor | null)[], cotangents: readonly Tensor[],
  vectors: readonly Tensor[] | null, createGraph: boolean,
): (Tensor | null)[] {
  const wanted = cotangents.filter((cotangent) => cotangent.requiresGrad);
  const found = gradientsOf(gradients, wanted, vectors, createGraph);
  return cotangents.map((cotangent) => found[wanted.indexOf(cotangent)] ?? null);
}

function checkDependence(gradients: readonly (Tensor | null)[]): void {
  gradients.forEach((gradient, i) => {
    if (gradient === null) fail("jvp", independentOf("output")(i));
    if (gradient.requiresGrad) return;
    fail("jvp", `The gradient with respect to input ${i} is independent of the inputs of the ` +
      "user-provided function. This is not allowed in strict mode.");
  });
}

/** The gradients of a scalar function, recorded. */
function recordedGradients(
  op: string, f: (...inputs: never[]) => unknown, inputs: Tensors, v: Vector | undefined,
  options: ProductOptions,
): { run: Run; vectors: readonly Tensor[] | null; gradients: readonly (Tensor | null)[] } {
  const given = listOf(op, "inputs", inputs);
  const vectors = vectorsFor(op, v, given, Array.isArray(inputs), options, singleInput);
  const run = runOn(op, f, inputs, options);
  if (Array.isArray(run.output)) {
    fail(op, `The function given to ${op} should return a single Tensor`);
  }
  if (run.outputs[0].numel() !== 1) {
    fail(op, `The Tensor returned by the function given to ${op} should contain a single element`);
  }
  const gradients = gradientsOf(run.outputs, run.inputs, null, true);
  checkJacobian(op, gradients, options);
  return { run, vectors, gradients };
}

/**
 * `[output, vᵀ H]` for the Hessian `H` of a function with a single element.
 * @throws when `f` returns anything else, or `v` does not look like the inputs
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html
 */
export function vhp<const I extends Tensors>(
  f: (...inputs: Arguments<I>) => Tensor, inputs: I, v?: Vector | ProductOptions,
  options?: ProductOptions,
): [output: Tensor, vhp: Alike<I>] {
  const [vector, settings] = vectorAndOptions(v, options);
  const { run, vectors, gradients } =
    enableGrad(() => recordedGradients("vhp", f, inputs, vector, settings));
  const products = finalPass(settings, () => filled("vhp",
    gradientsOf(gradients, run.inputs, vectors, settings.createGraph ?? false), run.inputs,
    settings, { constant: "hessian", missing: independentOf("jacobian") }));
  return results(run, products, inputs, settings);
}

/**
 * `[output, H v]` for the Hessian `H` of a function with a single element. As `H` is symmetric this
 * is what `vhp` computes, which needs one pass less.
 * @throws when `f` returns anything else, or `v` does not look like the inputs
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html
 */
export function hvp<const I extends Tensors>(
  f: (...inputs: Arguments<I>) => Tensor, inputs: I, v?: Vector | ProductOptions,
  options?: ProductOptions,
): [output: Tensor, hvp: Alike<I>] {
  const [vector, settings] = vectorAndOptions(v, options);
  const { createGraph = false } = settings;
  const { run, vectors, cotangents, second } = enableGrad(() => {
    const { run, vectors, gradients } = recordedGradients("hvp", f, inputs, vector, settings);
    const cotangents = run.inputs.map((input) => zerosLike(input, { requiresGrad: true }));
    return { run, vectors, cotangents,
      second: gradientsOf(gradients, run.inputs, cotangents, true) };
  });
  const products = finalPass(settings, () => filled("hvp",
    alongCotangents(second, cotangents, vectors, createGraph), run.inputs, settings, {
      constant: "hessian",
      missing: (i) => "The hessian of the user-provided function is independent of entry " +
        `${i} in the gradJacobian. This is not allowed in strict mode as it prevents from using ` +
        "the double backward trick to replace forward mode AD.",
    }));
  return results(run, products, inputs, settings);
}
