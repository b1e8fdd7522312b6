// Transforms by backward passes: func.grad, gradAndValue, vjp and jacrev.
import { grad as gradientsOf } from "../../autograd/backward.ts";
import { enableGrad, isGradEnabled } from "../../autograd/modes.ts";
import { fail, show } from "../../errors.ts";
import { zeros, zerosLike } from "../../ops/creation.ts";
import { stack } from "../../ops/join.ts";
import { checkOptions } from "../../ops/op.ts";
import { reshape } from "../../ops/view.ts";
import { numel, showShape } from "../../shape/dims.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { unitLike } from "./basis.ts";
import { chosen, dependsOnMore, released, traced, withChosen, type Argnums, type Chosen,
  type Traced } from "./inputs.ts";
import { fillTree, leavesLike, mapTree, outputsOf, type Mapped } from "./tree.ts";

/** Options of transforms of a function. */
export interface TransformOptions<N extends Argnums, HasAux extends boolean = false> {
  /** Position of the argument to differentiate, or an array of positions. Default 0. */
  readonly argnums?: N;
  /** Whether the function returns `[output, aux]`, of which `aux` is passed on. Default `false`. */
  readonly hasAux?: HasAux;
}

/** A function as a transform is given it; its name, and what it is told. */
interface Transformed {
  readonly op: string;
  readonly f: (...args: never[]) => unknown;
  readonly hasAux: boolean;
}

/** @throws when what is to be transformed is no function */
export function checkFunction(op: string, f: unknown): void {
  if (typeof f !== "function") fail(op, `takes a function of tensors, got ${show(f)}`);
}

/**
 * What a function returned: its output, and `aux` next to it.
 * @throws when `aux` was announced and is not there
 */
export function split(
  op: string, result: unknown, hasAux: boolean,
): [output: unknown, aux: unknown] {
  if (!hasAux) return [result, undefined];
  if (!Array.isArray(result) || result.length !== 2) {
    fail(op, "output of function f should be an array: [output, aux] if hasAux is true, got " +
      show(result));
  }
  return result as [unknown, unknown];
}

/** A function run on inputs of its own. */
interface Run {
  readonly trace: Traced<unknown>;
  readonly output: unknown;
  readonly outputs: readonly Tensor[];
  readonly aux: unknown;
  /** Whether gradients depend on what others may differentiate. */
  readonly createGraph: boolean;
}

function runTraced(
  { op, f, hasAux }: Transformed, args: readonly unknown[], argnums: Argnums,
): Run {
  const trace = traced(op, "the arguments to differentiate", chosen(op, args, argnums));
  const given = withChosen(op, args, argnums, trace.inputs) as never[];
  const [output, aux] = split(op, enableGrad(() => f(...given)), hasAux);
  const outputs = outputsOf(op, output);
  return { trace, output, outputs, aux,
    createGraph: isGradEnabled() && dependsOnMore(outputs, trace) };
}

/** Gradients of all variables; zeros where the outputs do not depend on one. */
function pull(
  { trace: { variables }, outputs, createGraph }: Run, cotangents: readonly Tensor[],
  retainGraph: boolean,
): Tensor[] {
  const flowing = outputs.map((_, i) => i).filter((i) => outputs[i].requiresGrad);
  if (flowing.length === 0) return variables.map((variable) => zerosLike(variable));
  const gradOutputs = flowing.map((i) => cotangents[i]);
  const recorded = createGraph ||
    (isGradEnabled() && gradOutputs.some((cotangent) => cotangent.requiresGrad));
  return gradientsOf(flowing.map((i) => outputs[i]), variables, {
    gradOutputs, createGraph: recorded, retainGraph: retainGraph || recorded,
    materializeGrads: true,
  }) as Tensor[];
}

/**
 * The function that gives the gradient of `f`, a function with a scalar result, and its value:
 * `[gradient, value]`, or `[gradient, [value, aux]]`.
 * @throws when called, if `f` returns no scalar
 * @see https://pytorch.org/docs/stable/generated/torch.func.grad_and_value.html
 */
export function gradAndValue<A extends readonly unknown[]>(
  f: (...args: A) => Tensor,
): (...args: A) => [gradient: Chosen<A, 0, Tensor>, value: Tensor];
export function gradAndValue<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor, options: TransformOptions<N>,
): (...args: A) => [gradient: Chosen<A, N, Tensor>, value: Tensor];
export function gradAndValue<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, X], options: TransformOptions<N, true>,
): (...args: A) => [gradient: Chosen<A, N, Tensor>, value: [Tensor, X]];
export function gradAndValue(
  f: (...args: never[]) => unknown, options: TransformOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  return gradients("gradAndValue", f, options, (gradient, value, aux) =>
    [gradient, options.hasAux ? [value, aux] : value]);
}

/**
 * The function that gives the gradient of `f`, a function with a scalar result, with respect to
 * one argument or several. Arguments may be structures of tensors; the gradient looks like them.
 * Tensors that `f` uses otherwise count as constants, and results can be differentiated in turn.
 * @throws when called, if `f` returns no scalar
 * @example
 * ```ts
 * const second = func.grad(func.grad((x: Tensor) => x.pow(3)));
 * console.log(second(tensor(2)).item()); // 12
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.func.grad.html
 */
export function grad<A extends readonly unknown[]>(
  f: (...args: A) => Tensor,
): (...args: A) => Chosen<A, 0, Tensor>;
export function grad<A extends readonly unknown[], const N extends Argnums = 0>(
  f: (...args: A) => Tensor, options: TransformOptions<N>,
): (...args: A) => Chosen<A, N, Tensor>;
export function grad<A extends readonly unknown[], X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [Tensor, X], options: TransformOptions<N, true>,
): (...args: A) => [gradient: Chosen<A, N, Tensor>, aux: X];
export function grad(
  f: (...args: never[]) => unknown, options: TransformOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  return gradients("grad", f, options, (gradient, _, aux) =>
    options.hasAux ? [gradient, aux] : gradient);
}

function gradients(
  op: string, f: (...args: never[]) => unknown, options: TransformOptions<Argnums, boolean>,
  finish: (gradient: unknown, value: Tensor, aux: unknown) => unknown,
): (...args: unknown[]) => unknown {
  checkFunction(op, f);
  checkOptions(op, options, ["argnums", "hasAux"]);
  const { argnums = 0, hasAux = false } = options;
  return (...args) => {
    const run = runTraced({ op, f, hasAux }, args, argnums);
    const { output, trace } = run;
    if (!(output instanceof Tensor)) {
      fail(op, `Expected f(...args) to return a tensor, got ${show(output)}`);
    }
    if (output.ndim !== 0) {
      fail(op, `Expected f(...args) to return a scalar tensor, got tensor with ${output.ndim} ` +
        `dims, of shape ${showShape(output.shape)}. Maybe you wanted to use the vjp or jacrev ` +
        "APIs instead?");
    }
    const gradient = fillTree(trace.inputs, pull(run, [unitLike(output, 0)], false));
    return finish(gradient, released(output, trace), released(run.aux, trace));
  };
}

/** Gives the gradients of the primals for gradients of the output, as often as it is called. */
export type VjpFunction<P, R> = (cotangents: Mapped<R, Tensor>) => Mapped<P, Tensor>;

/**
 * The output of `f(...primals)`, and the function that multiplies vectors with its Jacobian from
 * the left: `[output, vjpFn]`, and `aux` third if there is one. `vjpFn` takes something like the
 * output and gives something like `primals`.
 * @throws when a primal holds no floats, or `f` returns anything but tensors
 * @see https://pytorch.org/docs/stable/generated/torch.func.vjp.html
 */
export function vjp<const P extends readonly unknown[], R>(
  f: (...primals: P) => R, primals: P, options?: { readonly hasAux?: false },
): [output: R, vjpFn: VjpFunction<P, R>];
export function vjp<const P extends readonly unknown[], R, X>(
  f: (...primals: P) => readonly [R, X], primals: P, options: { readonly hasAux: true },
): [output: R, vjpFn: VjpFunction<P, R>, aux: X];
export function vjp(
  f: (...primals: never[]) => unknown, primals: readonly unknown[],
  options: { readonly hasAux?: boolean } = {},
): unknown {
  checkFunction("vjp", f);
  checkOptions("vjp", options, ["hasAux"]);
  checkPrimals("vjp", primals);
  const { hasAux = false } = options;
  const run = runTraced({ op: "vjp", f, hasAux }, primals, primals.map((_, i) => i));
  const { output, trace, aux } = run;
  const shown = released(output, trace);
  const vjpFn = (cotangents: unknown) =>
    fillTree(primals, pull(run, leavesLike("vjp", cotangents, output,
      ["cotangents", "the output of f"]), true));
  return hasAux ? [shown, vjpFn, released(aux, trace)] : [shown, vjpFn];
}

/** @throws when the arguments of a function are not an array of at least one */
export function checkPrimals(op: string, primals: unknown): void {
  if (Array.isArray(primals) && primals.length > 0) return;
  fail(op, `Expected primals to be an array: it should be valid to call f(...primals). Got ${
    show(primals)}`);
}

/** A Jacobian: for each tensor of the output `R`, one of shape `[…output, …input]` per input. */
export type Jacobian<R, A extends readonly unknown[], N extends Argnums> =
  Mapped<R, Chosen<A, N, Tensor>>;

/**
 * The function that gives the Jacobian of `f` by one backward pass per element of the output.
 * @throws when called, if `f` returns anything but tensors
 * @see https://pytorch.org/docs/stable/generated/torch.func.jacrev.html
 */
export function jacrev<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: A) => Jacobian<R, A, 0>;
export function jacrev<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R, options: TransformOptions<N>,
): (...args: A) => Jacobian<R, A, N>;
export function jacrev<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X], options: TransformOptions<N, true>,
): (...args: A) => [jacobian: Jacobian<R, A, N>, aux: X];
export function jacrev(
  f: (...args: never[]) => unknown, options: TransformOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  checkFunction("jacrev", f);
  checkOptions("jacrev", options, ["argnums", "hasAux"]);
  const { argnums = 0, hasAux = false } = options;
  return (...args) => {
    const run = runTraced({ op: "jacrev", f, hasAux }, args, argnums);
    const jacobian = mapTree(run.output, (output) =>
      fillTree(run.trace.inputs, rowsOf({ ...run, outputs: [output] }, output)));
    return hasAux ? [jacobian, released(run.aux, run.trace)] : jacobian;
  };
}

/** The Jacobian of one output with respect to each variable. */
function rowsOf(run: Run, output: Tensor): Tensor[] {
  const rows = Array.from({ length: numel(output.shape) }, (_, i) =>
    pull(run, [unitLike(output, i)], true));
  return run.trace.variables.map(({ shape, dtype }, i) => {
    const whole = [...output.shape, ...shape];
    return rows.length === 0 ? zeros(whole, { dtype })
      : reshape(stack(rows.map((row) => row[i])), whole);
  });
}
