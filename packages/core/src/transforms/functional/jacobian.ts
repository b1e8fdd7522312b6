// autograd.functional.{jacobian, hessian}: whole matrices of derivatives.
import { tangentAt, attach, withLevel } from "../../autograd/tangents.ts";
import { enableGrad } from "../../autograd/modes.ts";
import { fail, show } from "../../errors.ts";
import { zeros, zerosLike } from "../../ops/creation.ts";
import { stack } from "../../ops/join.ts";
import { checkOptions } from "../../ops/op.ts";
import { reshape, view } from "../../ops/view.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { unitLike } from "../func/basis.ts";
import {
  alike, checkJacobian, checkOutputs, finished, gradientsOf, listOf, outputsOf, prepared,
  type Alike, type Arguments, type ProductOptions, type Tensors,
} from "./arguments.ts";

/** Which mode computes a Jacobian. */
export type Strategy = "reverse-mode" | "forward-mode";

/** Options of `jacobian`. */
export interface JacobianOptions extends ProductOptions {
  /** Accepted as in PyTorch, where it asks for a faster way to the same numbers. */
  readonly vectorize?: boolean;
  /** One pass per element of the outputs (the default), or one run per element of the inputs. */
  readonly strategy?: Strategy;
}

/** Options of `hessian`. */
export interface HessianOptions extends ProductOptions {
  /** Accepted as in PyTorch, where it asks for a faster way to the same numbers. */
  readonly vectorize?: boolean;
  /** Mode of the outer Jacobian. Default `"reverse-mode"`. */
  readonly outerJacobianStrategy?: Strategy;
}

/** A tensor in place of each, nested as `Outer` and `Inner` are. */
export type Nested<Outer extends Tensors, Inner extends Tensors> = Outer extends Tensor
  ? Alike<Inner> : { -readonly [K in keyof Outer]: Alike<Inner> };

/**
 * The Jacobian of `f`: of shape `[…output, …input]`, or arrays of such, by output and then by input
 * where there are several.
 * @throws when `f` returns anything but tensors; with `strict` when an output is independent of an
 *   input
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html
 */
export function jacobian<const I extends Tensors, O extends Tensors>(
  f: (...inputs: Arguments<I>) => O, inputs: I, options: JacobianOptions = {},
): Nested<O, I> {
  checkOptions("jacobian", options, ["createGraph", "strict", "vectorize", "strategy"]);
  const { createGraph = false, strict = false, vectorize = false } = options;
  const strategy = checkStrategy("jacobian", options.strategy);
  if (strict && vectorize) refuse("strict=true", "vectorize=true");
  if (strategy === "forward-mode") {
    if (createGraph) refuse("createGraph=true", "strategy=\"forward-mode\"");
    if (strict) refuse("strict=true", "strategy=\"forward-mode\"");
    return byColumns(f, inputs) as Nested<O, I>;
  }
  return enableGrad(() => {
    const variables = prepared(listOf("jacobian", "inputs", inputs), options);
    const output = f(...variables as Arguments<I>);
    const outputs = outputsOf("jacobian", output);
    checkOutputs("jacobian", outputs, options);
    const rows = outputs.map((_, k) =>
      alike(finished(rowsOf(outputs, k, variables, options), options), inputs));
    return alike(rows, output);
  }) as Nested<O, I>;
}

function refuse(a: string, b: string): never {
  fail("jacobian", `${a} and ${b} are not supported together`);
}

function checkStrategy(op: string, strategy: unknown = "reverse-mode"): Strategy {
  if (strategy === "forward-mode" || strategy === "reverse-mode") return strategy;
  return fail(op, "Expected strategy to be either \"forward-mode\" or \"reverse-mode\". Hint: If " +
    "your function has more outputs than inputs, \"forward-mode\" tends to be more performant. " +
    `Otherwise, prefer to use "reverse-mode". Got ${show(strategy)}`);
}

/** The Jacobians of one output with respect to every input. */
function rowsOf(
  outputs: readonly Tensor[], k: number, inputs: readonly Tensor[],
  { createGraph = false, strict = false }: JacobianOptions,
): Tensor[] {
  const rows = Array.from({ length: outputs[k].numel() }, (_, element) => {
    const unit = unitLike(outputs[k], element);
    return gradientsOf([outputs[k]], inputs, [unit], createGraph, true).map((gradient, i) => {
      if (strict && gradient === null) {
        fail("jacobian", `Output ${k} of the user-provided function is independent of input ` +
          `${i}. This is not allowed in strict mode.`);
      }
      if (strict && createGraph && !gradient!.requiresGrad) {
        fail("jacobian", "The jacobian of the user-provided function is independent of input " +
          `${i}. This is not allowed in strict mode when createGraph=true.`);
      }
      return gradient ?? zerosLike(inputs[i]);
    });
  });
  return inputs.map((input, i) => matrix(outputs[k], input, rows.map((row) => row[i]), 0));
}

/** A Jacobian from its rows (`dim` 0) or its columns (`dim` −1). */
function matrix(output: Tensor, input: Tensor, parts: readonly Tensor[], dim: 0 | -1): Tensor {
  const shape = [...output.shape, ...input.shape];
  return parts.length === 0 ? zeros(shape, { dtype: dim === 0 ? input.dtype : output.dtype })
    : reshape(stack(parts, dim), shape);
}

/** The Jacobian by forward mode. */
function byColumns(f: (...inputs: never[]) => unknown, inputs: Tensors): unknown {
  const primals = listOf("jacobian", "inputs", inputs);
  const run = (i: number, element: number) => {
    const duals = primals.map((primal) => view(primal, primal.shape));
    return withLevel((level) => {
      if (element >= 0) attach(duals[i], level, unitLike(primals[i], element));
      const output = f(...duals as never[]);
      const outputs = outputsOf("jacobian", output);
      return { output, outputs, tangents: outputs.map((leaf) => tangentAt(leaf, level)) };
    });
  };
  const columns = primals.map((primal, i) =>
    Array.from({ length: primal.numel() }, (_, element) => run(i, element)));
  const { output, outputs } = columns.flat()[0] ?? run(0, -1);
  const whole = outputs.map((leaf, k) => primals.map((primal, i) => matrix(leaf, primal,
    columns[i].map(({ tangents }) => tangents[k] ?? zerosLike(leaf)), -1)));
  return alike(whole.map((row) => alike(finished(row, {}), inputs)), output);
}

/**
 * The Hessian of a function with a single element: of shape `[…input, …input]`, or arrays of arrays
 * of such where there are several inputs.
 * @throws when `f` returns anything else; with `strict` when it is not twice differentiable in each
 *   input
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html
 */
export function hessian<const I extends Tensors>(
  f: (...inputs: Arguments<I>) => Tensor, inputs: I, options: HessianOptions = {},
): Nested<I, I> {
  const { outerJacobianStrategy, ...rest } = options;
  checkOptions("hessian", rest, ["createGraph", "strict", "vectorize"]);
  const strategy = checkStrategy("hessian", outerJacobianStrategy);
  const given = listOf("hessian", "inputs", inputs);
  const scalar = (...args: Tensor[]) => {
    const output: unknown = f(...args as unknown as Arguments<I>);
    checkOutputs("hessian", outputsOf("hessian", output), options);
    if (Array.isArray(output)) {
      fail("hessian", "The function given to hessian should return a single Tensor");
    }
    if ((output as Tensor).numel() === 1) return reshape(output as Tensor, []);
    return fail("hessian",
      "The Tensor returned by the function given to hessian should contain a single element");
  };
  const gradients = (...args: Tensor[]): readonly Tensor[] => {
    const variables = strategy === "reverse-mode" ? args : args.map((arg) => arg.requiresGrad_());
    const found = jacobian(scalar, variables, { createGraph: true }) as readonly Tensor[];
    checkJacobian("hessian", found, options);
    return found;
  };
  const second = jacobian(gradients as (...args: Tensor[]) => Tensor[], given,
    { ...rest, strategy }) as unknown as readonly (readonly Tensor[])[];
  return alike(second.map((row) => alike(row, inputs)), inputs) as Nested<I, I>;
}
