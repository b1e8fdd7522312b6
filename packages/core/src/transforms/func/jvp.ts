// Transforms by forward mode: func.jvp, jacfwd and hessian; and linearize.
import { attach, strip, tangentAt, withLevel } from "../../autograd/tangents.ts";
import { grad as gradientsOf } from "../../autograd/backward.ts";
import { enableGrad, isGradEnabled } from "../../autograd/modes.ts";
import { fail } from "../../errors.ts";
import { zeros, zerosLike } from "../../ops/creation.ts";
import { stack } from "../../ops/join.ts";
import { checkOptions } from "../../ops/op.ts";
import { reshape, view } from "../../ops/view.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { unitLike } from "./basis.ts";
import { chosen, dependsOnMore, released, traced, variablesOf, withChosen, type Argnums,
  type Chosen } from "./inputs.ts";
import { checkFunction, checkPrimals, jacrev, split, type Jacobian, type TransformOptions }
  from "./reverse.ts";
import { fillTree, leavesLike, leavesOf, outputsOf, type Mapped } from "./tree.ts";

/** Options of `jvp`. */
export interface JvpOptions<HasAux extends boolean = false> {
  /** Whether an output that does not depend on the primals is an error. Default `false`: zeros. */
  readonly strict?: boolean;
  /** Whether `f` returns `[output, aux]`, of which `aux` is passed on. Default `false`. */
  readonly hasAux?: HasAux;
}

/** What a function gives for inputs that carry tangents. */
interface Pushed {
  readonly output: unknown;
  readonly outputs: readonly Tensor[];
  /** `null` where an output does not depend on the inputs. */
  readonly tangents: readonly (Tensor | null)[];
  readonly aux: unknown;
}

/**
 * Runs `f` on tensors that carry tangents.
 * @param call runs the function, given the tensors that stand for `primals`
 */
function push(
  op: string, call: (duals: readonly Tensor[]) => [output: unknown, aux: unknown],
  primals: readonly Tensor[], tangents: readonly (Tensor | null)[],
): Pushed {
  const duals = primals.map((primal) => view(primal, primal.shape)); // tangents of outer levels too
  return withLevel((level) => {
    duals.forEach((dual, i) => {
      const tangent = tangents[i];
      if (tangent !== null) attach(dual, level, tangent);
    });
    const [output, aux] = call(duals);
    const outputs = outputsOf(op, output);
    const results = outputs.map((leaf) => tangentAt(leaf, level));
    for (const leaf of [...outputs, ...leavesOf(aux)]) strip(leaf, level);
    return { output, outputs, tangents: results, aux };
  });
}

function zerosFor(tangent: Tensor | null, output: Tensor): Tensor {
  return tangent ?? zerosLike(output);
}

/**
 * The output of `f(...primals)` and its derivative along `tangents`, in one run by forward mode:
 * `[output, tangent]`, and `aux` third if there is one. Primals may be structures of tensors.
 * @throws when tangents differ from primals in structure, shape or dtype
 * @example
 * ```ts
 * const [y, dy] = func.jvp((x: Tensor) => x.square(), [tensor(3)], [tensor(1)]);
 * console.log(y.item(), dy.item()); // 9 6
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.func.jvp.html
 */
export function jvp<const P extends readonly unknown[], R>(
  f: (...primals: P) => R, primals: P, tangents: Mapped<P, Tensor>, options?: JvpOptions,
): [output: R, tangent: Mapped<R, Tensor>];
export function jvp<const P extends readonly unknown[], R, X>(
  f: (...primals: P) => readonly [R, X], primals: P, tangents: Mapped<P, Tensor>,
  options: JvpOptions<true>,
): [output: R, tangent: Mapped<R, Tensor>, aux: X];
export function jvp(
  f: (...primals: never[]) => unknown, primals: readonly unknown[], tangents: unknown,
  options: JvpOptions<boolean> = {},
): unknown {
  checkFunction("jvp", f);
  checkPrimals("jvp", primals);
  checkOptions("jvp", options, ["strict", "hasAux"]);
  const { strict = false, hasAux = false } = options;
  const variables = variablesOf("jvp", "primals", primals);
  const directions = leavesLike("jvp", tangents, primals, ["tangents", "the primals"]);
  const call = (duals: readonly Tensor[]) =>
    split("jvp", f(...fillTree(primals, duals) as never[]), hasAux);
  const { output, outputs, tangents: results, aux } = push("jvp", call, variables, directions);
  if (strict && results.includes(null)) {
    fail("jvp", `The output of f is independent of the primals: output ${results.indexOf(null)} ` +
      "has no tangent. This is not allowed with strict=true");
  }
  const tangent = fillTree(output, results.map((result, i) => zerosFor(result, outputs[i])));
  return hasAux ? [output, tangent, aux] : [output, tangent];
}

/**
 * The function that gives the Jacobian of `f` by forward mode: one run per element of the inputs,
 * which is less than `jacrev` needs where the outputs have more elements.
 * @throws when called, if `f` returns anything but tensors
 * @see https://pytorch.org/docs/stable/generated/torch.func.jacfwd.html
 */
export function jacfwd<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: A) => Jacobian<R, A, 0>;
export function jacfwd<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R, options: TransformOptions<N>,
): (...args: A) => Jacobian<R, A, N>;
export function jacfwd<A extends readonly unknown[], R, X, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, X], options: TransformOptions<N, true>,
): (...args: A) => [jacobian: Jacobian<R, A, N>, aux: X];
export function jacfwd(
  f: (...args: never[]) => unknown, options: TransformOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  checkFunction("jacfwd", f);
  checkOptions("jacfwd", options, ["argnums", "hasAux"]);
  const { argnums = 0, hasAux = false } = options;
  return (...args) => {
    const inputs = chosen("jacfwd", args, argnums);
    const variables = variablesOf("jacfwd", "the arguments to differentiate", inputs);
    const call = (duals: readonly Tensor[]) =>
      split("jacfwd", f(...withChosen("jacfwd", args, argnums, fillTree(inputs, duals)) as never[]),
        hasAux);
    const along = (i: number, element: number) => push("jacfwd", call, variables,
      variables.map((variable, k) => k === i ? unitLike(variable, element) : null));
    const columns = variables.map((variable, i) =>
      Array.from({ length: variable.numel() }, (_, element) => along(i, element)));
    const { output, outputs, aux } = columns.flat()[0] ??
      push("jacfwd", call, variables, variables.map(() => null));
    const jacobian = fillTree(output, outputs.map((leaf, k) =>
      fillTree(inputs, variables.map((variable, i) => fromColumns(
        columns[i].map(({ tangents }) => zerosFor(tangents[k], leaf)), leaf, variable)))));
    return hasAux ? [jacobian, aux] : jacobian;
  };
}

function fromColumns(columns: readonly Tensor[], output: Tensor, input: Tensor): Tensor {
  const shape = [...output.shape, ...input.shape];
  return columns.length === 0 ? zeros(shape, { dtype: output.dtype })
    : reshape(stack(columns, -1), shape);
}

/** The Hessian of a scalar function: a Jacobian in each of whose places there is a Jacobian. */
export type Hessian<R, A extends readonly unknown[], N extends Argnums> =
  Mapped<R, Chosen<A, N, Chosen<A, N, Tensor>>>;

/**
 * The function that gives the second derivatives of `f`, forward over reverse:
 * `jacfwd(jacrev(f))`.
 * @see https://pytorch.org/docs/stable/generated/torch.func.hessian.html
 */
export function hessian<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: A) => Hessian<R, A, 0>;
export function hessian<A extends readonly unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R, options: { readonly argnums?: N },
): (...args: A) => Hessian<R, A, N>;
export function hessian(
  f: (...args: never[]) => unknown, options: { readonly argnums?: Argnums } = {},
): (...args: never[]) => unknown {
  checkOptions("hessian", options, ["argnums"]);
  return jacfwd(jacrev(f, options), options);
}

/**
 * The output of `f(...primals)`, and its derivative as a function of tangents:
 * `[output, jvpFn]`. `f` runs once; each call of `jvpFn` is one pass over the graph of its
 * gradient.
 * @throws when a primal holds no floats, or `f` returns anything but tensors
 * @see https://pytorch.org/docs/stable/generated/torch.func.linearize.html
 */
export function linearize<const P extends readonly unknown[], R>(
  f: (...primals: P) => R, primals: P,
): [output: R, jvpFn: (tangents: Mapped<P, Tensor>) => Mapped<R, Tensor>] {
  checkFunction("linearize", f);
  checkPrimals("linearize", primals);
  const trace = traced("linearize", "primals", primals);
  const output = enableGrad(() => f(...trace.inputs));
  const outputs = outputsOf("linearize", output);
  const cotangents = outputs.map((leaf) => leaf.isFloatingPoint()
    ? zerosLike(leaf, { requiresGrad: true }) : null);
  const flowing = outputs.map((_, i) => i).filter((i) => outputs[i].requiresGrad);
  // linear in the cotangents: its gradient with respect to them is the derivative
  const gradients = flowing.length === 0 ? trace.variables.map(() => null)
    : gradientsOf(flowing.map((i) => outputs[i]), trace.variables, {
      gradOutputs: flowing.map((i) => cotangents[i]), createGraph: true, allowUnused: true,
    });
  const depends = isGradEnabled() && dependsOnMore(outputs, trace);
  const jvpFn = (tangents: Mapped<P, Tensor>) => {
    const directions = leavesLike("linearize", tangents, primals, ["tangents", "the primals"]);
    const rows = gradients.flatMap((gradient, i) =>
      gradient?.requiresGrad ? [{ gradient, direction: directions[i] }] : []);
    const used = cotangents.filter((cotangent) => cotangent !== null);
    const results = rows.length === 0 ? used.map(() => null)
      : gradientsOf(rows.map(({ gradient }) => gradient), used, {
        gradOutputs: rows.map(({ direction }) => direction), allowUnused: true, retainGraph: true,
        createGraph: isGradEnabled() &&
          (depends || rows.some(({ direction }) => direction.requiresGrad)),
      });
    let next = 0;
    return fillTree(output, outputs.map((leaf, i) =>
      zerosFor(cotangents[i] === null ? null : results[next++], leaf)));
  };
  return [released(output, trace), jvpFn];
}
