// gradcheck and gradgradcheck: gradients against central differences, with a report.
import { grad } from "../autograd/backward.ts";
import { enableGrad } from "../autograd/modes.ts";
import { fail, show } from "../errors.ts";
import { checkOptions } from "../ops/op.ts";
import { Generator } from "../random/generator.ts";
import { sameShape, showShape } from "../shape/dims.ts";
import { overlaps } from "../shape/layout.ts";
import { Tensor } from "../tensor/tensor.ts";
import { disagreement, randomCotangents, type Tolerances } from "./comparison.ts";

/** Options of `gradcheck`. */
export interface GradcheckOptions {
  /** Step of the differences. Default 1e-6; 2⁻⁵, extrapolated, if an input is float32. */
  readonly eps?: number;
  /** Absolute tolerance. Default 1e-5; must be given if an input is float32. */
  readonly atol?: number;
  /** Relative tolerance. Default 1e-3; must be given if an input is float32. */
  readonly rtol?: number;
  /** Compare along random directions only: a few evaluations per input. Default `false`. */
  readonly fastMode?: boolean;
  /** Throw when gradients are wrong; otherwise return `false`, or `null`. Default `true`. */
  readonly raiseException?: boolean;
  /** By how much two runs may differ. Default 0. */
  readonly nondetTol?: number;
}

/** Options of `gradgradcheck`. */
export interface GradgradcheckOptions extends GradcheckOptions {
  /** Gradients of the outputs at which to check; drawn where they are not given. */
  readonly gradOutputs?: readonly Tensor[];
}

/** What a checked function returns: a tensor or several; anything else among them is ignored. */
export type Outputs = Tensor | Iterable<unknown>;

const optionNames = ["eps", "atol", "rtol", "fastMode", "raiseException", "nondetTol"];

/**
 * Checks the gradients of `f` at `inputs` against central differences: `true`, or an error that
 * says where they disagree. Inputs that require grad are checked; they must be float64, or the
 * differences are noise (give `atol` and `rtol` to check float32 nevertheless, by extrapolated
 * differences of which the error is estimated: the result may be that it cannot be told).
 *
 * Cotangents are random, from a generator of its own. Besides the values it is checked that a
 * second backward gives the same, that gradients are linear in the cotangent, that outputs without
 * gradient do not depend on the inputs, and that shapes and dtypes fit. At kinks, as of `relu` at
 * 0, the check fails, and rightly so.
 * @returns `true`; or, unless that is to throw, `false` for wrong gradients and `null` where
 *   differences in float32 are too coarse to tell
 * @throws when gradients are wrong or cannot be told right, unless `raiseException` is `false`;
 *   when inputs are unusable
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradcheck.html
 */
export function gradcheck<I extends readonly unknown[]>(
  f: (...inputs: NoInfer<I>) => Outputs, inputs: readonly [...I], options: GradcheckOptions = {},
): boolean | null {
  checkOptions("gradcheck", options, optionNames);
  return check("gradcheck", () => f(...inputs as unknown as NoInfer<I>), inputs, options);
}

/**
 * Checks the second derivatives of `f`: that the gradients of its gradients, with respect to the
 * inputs and to the gradients of the outputs, agree with central differences.
 * @throws when they do not, unless `raiseException` is `false`; when inputs are unusable
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.gradgradcheck.html
 */
export function gradgradcheck<I extends readonly unknown[]>(
  f: (...inputs: NoInfer<I>) => Outputs, inputs: readonly [...I],
  { gradOutputs, ...options }: GradgradcheckOptions = {},
): boolean | null {
  checkOptions("gradgradcheck", options, optionNames);
  const given = inputs as unknown as NoInfer<I>;
  const run = () => differentiable(outputsOf("gradgradcheck", f(...given)));
  const wanted = differentiable(tensorsOf("gradgradcheck", inputs));
  const outputs = enableGrad(run);
  if (outputs.length === 0) fail("gradgradcheck", "no output of the function requires grad");
  const cotangents = (gradOutputs ?? randomCotangents(new Generator(1), outputs)).map((cotangent) =>
    cotangent.requiresGrad ? cotangent : cotangent.clone().requiresGrad_());
  const gradients = () => grad(run(), wanted, {
    gradOutputs: cotangents, createGraph: true, allowUnused: true,
  }).filter((gradient) => gradient !== null);
  return check("gradgradcheck", gradients, [...inputs, ...cotangents], options);
}

function check(
  op: string, f: () => Outputs, inputs: readonly unknown[], options: GradcheckOptions,
): boolean | null {
  const wanted = differentiable(tensorsOf(op, inputs));
  const tolerances = checkInputs(op, inputs, wanted, options);
  const outputs = () => outputsOf(op, f());
  const finding = enableGrad(() => {
    const first = outputs();
    if (!first.some((output) => output.isFloatingPoint())) {
      fail(op, "the function returns no tensor of floats");
    }
    const evaluate = () => {
      const again = outputs();
      checkStable(op, first, again);
      return again.map((output) => output.toTypedArray());
    };
    const positions = wanted.map((input) => inputs.indexOf(input));
    return disagreement({ inputs: wanted, positions, outputs, evaluate }, tolerances);
  });
  if (finding === null) return true;
  const { problem, isInconclusive } = finding;
  if (options.raiseException === false) return isInconclusive ? null : false;
  return fail(op, problem, { isInconclusive });
}

/** Checks the inputs; fills in the options. */
function checkInputs(
  op: string, inputs: readonly unknown[], wanted: readonly Tensor[], options: GradcheckOptions,
): Tolerances {
  if (wanted.length === 0) {
    fail(op, `${op} expects at least one input tensor to require gradient, but none of them ` +
      "have requiresGrad=true");
  }
  const single = wanted.find((input) => input.dtype === "float32");
  if (single !== undefined && options.atol === undefined && options.rtol === undefined) {
    fail(op, `Input #${inputs.indexOf(single)} requires gradient and is not a double precision ` +
      "floating point. Differences in float32 are too coarse for the usual tolerances: use " +
      "float64, or give atol and rtol");
  }
  for (const input of wanted) {
    if (overlaps(input.shape, input.strides)) {
      fail(op, `The ${inputs.indexOf(input)}th input has a dimension with stride 0. gradcheck ` +
        "only supports inputs that are non-overlapping to be able to compute the numerical " +
        "gradients correctly. You should call .contiguous on the input before passing it to " +
        "gradcheck.");
    }
  }
  const isExtrapolated = single !== undefined;
  const { eps = isExtrapolated ? 2 ** -5 : 1e-6, atol = 1e-5, rtol = 1e-3, nondetTol = 0,
    fastMode = false } = options;
  if (!(eps > 0)) fail(op, `eps must be positive, got ${show(eps)}`);
  return { eps, isExtrapolated, atol, rtol, nondetTol, fastMode };
}

function tensorsOf(op: string, inputs: readonly unknown[]): Tensor[] {
  if (!Array.isArray(inputs)) fail(op, `inputs must be an array, got ${show(inputs)}`);
  return inputs.filter((input) => input instanceof Tensor);
}

function differentiable(tensors: readonly Tensor[]): Tensor[] {
  return tensors.filter((tensor) => tensor.requiresGrad);
}

/** The tensors a function returned. */
function outputsOf(op: string, result: unknown): Tensor[] {
  if (result instanceof Tensor) return [result];
  if (typeof result !== "object" || result === null || !(Symbol.iterator in result)) {
    fail(op, `the function must return a tensor or several, got ${show(result)}`);
  }
  return [...result as Iterable<unknown>].filter((output) => output instanceof Tensor);
}

function checkStable(op: string, before: readonly Tensor[], after: readonly Tensor[]): void {
  const look = (outputs: readonly Tensor[]) =>
    outputs.map(({ shape, dtype }) => `${dtype} ${showShape(shape)}`).join(", ");
  const same = before.length === after.length && before.every((output, i) =>
    output.dtype === after[i].dtype && sameShape(output.shape, after[i].shape));
  if (!same) {
    fail(op, "the function returns outputs of other shapes or dtypes when inputs are perturbed: " +
      `${look(before)}, then ${look(after)}`);
  }
}
