// What gradcheck compares: gradients of the engine with numerical ones, entry by entry.
import { grad } from "../autograd/backward.ts";
import { tensor, zerosLike } from "../ops/creation.ts";
import { randn } from "../ops/random.ts";
import { Generator } from "../random/generator.ts";
import { sameShape, showShape, type Shape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { directionalDerivative, jacobianColumns, type Evaluate, type Step }
  from "./differences.ts";

/** A function under test. */
export interface Checked {
  /** Inputs with respect to which the gradients are checked. */
  readonly inputs: readonly Tensor[];
  /** Their positions among all arguments. */
  readonly positions: readonly number[];
  /** Runs the function; gives its outputs with their history. */
  readonly outputs: () => readonly Tensor[];
  /** Runs the function; gives the values of its outputs. */
  readonly evaluate: Evaluate;
}

/** How derivatives are computed and compared. */
export interface Tolerances extends Step {
  readonly atol: number;
  readonly rtol: number;
  readonly nondetTol: number;
  readonly fastMode: boolean;
}

/** What is wrong with the gradients of a function, or why that cannot be told. */
export interface Finding {
  readonly problem: string;
  readonly isInconclusive: boolean;
}

/** Directions per input in fast mode: averages the noise of a single one. */
const directions = 8;

/** Normal numbers like `outputs`, to be their gradients; zeros for outputs that are no floats. */
export function randomCotangents(generator: Generator, outputs: readonly Tensor[]): Tensor[] {
  return outputs.map((output) => output.isFloatingPoint()
    ? randn(output.shape, { dtype: output.dtype, generator }) : zerosLike(output));
}

/** What is wrong with the gradients of a function; `null` when nothing is. */
export function disagreement(checked: Checked, tolerances: Tolerances): Finding | null {
  const generator = new Generator(0);
  const problem = nondeterminism(checked, tolerances) ??
    mistreatedCotangent(checked, generator, tolerances);
  if (problem !== null) return { problem, isInconclusive: false };
  return tolerances.fastMode ? fastDisagreement(checked, generator, tolerances)
    : slowDisagreement(checked, tolerances);
}

/** Whether two runs of the function give different values. */
function nondeterminism({ evaluate }: Checked, { nondetTol }: Tolerances): string | null {
  const second = evaluate();
  const worst = Math.max(0, ...evaluate().map((values, k) => distance(values, second[k])));
  return worst <= nondetTol ? null
    : "the function is not deterministic: two calls with the same inputs give values that " +
      `differ by ${worst}, more than nondetTol=${nondetTol}`;
}

/** The largest difference; NaN counts as equal to NaN. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i]) && a[i] !== b[i]) {
      const difference = Math.abs(a[i] - b[i]);
      worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
    }
  }
  return worst;
}

/** Gradients as plain numbers, zeros where an input is not used. */
function vectorJacobian(
  outputs: readonly Tensor[], inputs: readonly Tensor[], cotangents: readonly Tensor[],
): readonly Float64Array[] {
  const used = outputs.map((_, k) => k).filter((k) => outputs[k].requiresGrad);
  if (used.length === 0) return inputs.map((input) => new Float64Array(input.numel()));
  return grad(used.map((k) => outputs[k]), inputs, {
    gradOutputs: used.map((k) => cotangents[k]), allowUnused: true, retainGraph: true,
  }).map((gradient, i) => gradient === null
    ? new Float64Array(inputs[i].numel()) : Float64Array.from(gradient.toTypedArray()));
}

/** Checks of backward itself: same result twice, and linear in the gradient of the output. */
function mistreatedCotangent(
  checked: Checked, generator: Generator, { nondetTol, atol, rtol, isExtrapolated }: Tolerances,
): string | null {
  const { inputs } = checked;
  const outputs = checked.outputs();
  const problem = wrongType(outputs, inputs);
  if (problem !== null) return problem;
  const cotangents = randomCotangents(generator, outputs);
  const first = vectorJacobian(outputs, inputs, cotangents);
  const second = vectorJacobian(outputs, inputs, cotangents);
  const worst = Math.max(0, ...first.map((values, i) => distance(values, second[i])));
  if (worst > nondetTol) {
    return "Backward is not reentrant, i.e., running backward with same input and grad_output " +
      `multiple times gives different values: they differ by ${worst}. The tolerance for ` +
      `nondeterminism was ${nondetTol}.`;
  }
  for (const factor of [0, -3]) {
    const scaled = cotangents.map((cotangent) => cotangent.mul(factor));
    const leaking = vectorJacobian(outputs, inputs, scaled).findIndex((values, i) => {
      // some roundings to float32, of terms as large as the largest value
      const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const rounding = isExtrapolated ? 2 ** -20 * largest : 0;
      return values.some((value, e) => Math.abs(value - factor * first[i][e]) >
        (factor === 0 ? 0 : atol + rtol * Math.abs(value) + rounding));
    });
    if (leaking >= 0) {
      return `backward not multiplied by gradOutput: with ${factor} times the gradOutput the ` +
        `gradient of input ${checked.positions[leaking]} is not ${factor} times what it was`;
    }
  }
  return null;
}

/** Whether a gradient has another shape or dtype than its input. */
function wrongType(outputs: readonly Tensor[], inputs: readonly Tensor[]): string | null {
  const used = outputs.filter((output) => output.requiresGrad);
  if (used.length === 0) return null;
  const gradients = grad(used, inputs, {
    gradOutputs: used.map((output) => zerosLike(output)), allowUnused: true, retainGraph: true,
  });
  for (const [i, gradient] of gradients.entries()) {
    const { shape, dtype } = inputs[i];
    if (gradient !== null && (!sameShape(gradient.shape, shape) || gradient.dtype !== dtype)) {
      return `grad is incorrect size or type: ${gradient.dtype} ${showShape(gradient.shape)} for ` +
        `an input of ${dtype} ${showShape(shape)}`;
    }
  }
  return null;
}

/** One entry of a Jacobian. */
interface Entry {
  readonly output: number;
  readonly input: number;
  readonly numerical: number;
  readonly analytical: number;
  /** By how much the numerical value may be off. */
  readonly error: number;
}

/** Compares the whole Jacobians, one backward per element of the outputs. */
function slowDisagreement(checked: Checked, tolerances: Tolerances): Finding | null {
  const { inputs, evaluate } = checked;
  const columns = inputs.map((input) => jacobianColumns(evaluate, input, tolerances));
  const outputs = checked.outputs();
  let doubtful: Finding | null = null;
  for (const [k, output] of outputs.entries()) {
    if (!output.isFloatingPoint()) continue;
    const rows = jacobianRows(outputs, k, inputs);
    for (const [i, input] of inputs.entries()) {
      const entries = rows.flatMap((row, o) => Array.from(row[i], (analytical, e): Entry => {
        const { values, finer, noise } = columns[i][e];
        const numerical = values[k][o];
        return { output: o, input: e, numerical, analytical,
          error: Math.abs(numerical - finer[k][o]) + noise[k][o] };
      }));
      const where = { k, output, position: checked.positions[i], input, tolerances };
      const wrong = entries.filter((entry) => differs(entry, tolerances));
      if (wrong.length > 0) return report(wrong, entries.length, where);
      const unclear = entries.filter((entry) => !agrees(entry, tolerances));
      if (unclear.length > 0) doubtful ??= doubt(unclear[0], where);
    }
  }
  return doubtful;
}

/** Gradients of all inputs for each element of output `k`. */
function jacobianRows(
  outputs: readonly Tensor[], k: number, inputs: readonly Tensor[],
): readonly (readonly Float64Array[])[] {
  const { shape, dtype } = outputs[k];
  return Array.from({ length: outputs[k].numel() }, (_, o) => {
    const oneHot = new Float64Array(outputs[k].numel());
    oneHot[o] = 1;
    const cotangent = tensor(oneHot, { dtype }).reshape(shape);
    return vectorJacobian([outputs[k]], inputs, [cotangent]);
  });
}

/** Whether two values are the same as far as one may ask, and that is known well enough. */
function agrees({ numerical, analytical, error }: Entry, { atol, rtol }: Tolerances): boolean {
  const bound = atol + rtol * Math.abs(numerical);
  return Math.abs(analytical - numerical) <= bound && error <= bound;
}

/** Whether two values differ, even if the numerical one is off by twice its estimated error. */
function differs({ numerical, analytical, error }: Entry, { atol, rtol }: Tolerances): boolean {
  return !(Math.abs(analytical - numerical) <= atol + rtol * Math.abs(numerical) + 2 * error);
}

function relativeError({ numerical, analytical }: Entry): number {
  return Math.abs(analytical - numerical) / Math.max(Math.abs(numerical), Math.abs(analytical));
}

/** Which Jacobian is compared, and how. */
interface Where {
  readonly k: number;
  readonly output: Tensor;
  readonly position: number;
  readonly input: Tensor;
  readonly tolerances: Tolerances;
}

function doubt(entry: Entry, { k, position, tolerances: { eps, atol, rtol } }: Where): Finding {
  return { isInconclusive: true, problem: "inconclusive: differences are too coarse to tell " +
    `whether output ${k} has the right gradient with respect to input ${position}:\nnumerical: ${
      entry.numerical} ± ${entry.error.toExponential(1)}\nanalytical: ${entry.analytical}\nwith ` +
    `eps=${eps}, atol=${atol}, rtol=${rtol}. Check in float64, or allow for more` };
}

function report(
  wrong: readonly Entry[], count: number,
  { k, output, position, input, tolerances: { eps, atol, rtol } }: Where,
): Finding {
  const badness = (entry: Entry) => {
    const error = relativeError(entry);
    return Number.isNaN(error) ? Infinity : error;
  };
  const worst = wrong.reduce((a, b) => badness(b) > badness(a) ? b : a);
  const where = `numerical: ${worst.numerical}\nanalytical: ${worst.analytical}\nat element ` +
    `${showIndex(worst.output, output.shape)} of the output and ` +
    `${showIndex(worst.input, input.shape)} of the input; ${wrong.length} of ${count} entries ` +
    `differ, worst relative error ${badness(worst).toExponential(2)} ` +
    `(eps=${eps}, atol=${atol}, rtol=${rtol})`;
  if (!output.requiresGrad) {
    return { isInconclusive: false, problem: "Numerical gradient for function expected to be " +
      `zero: output ${k} does not require grad, but depends on input ${position},\n${where}` };
  }
  return { isInconclusive: false,
    problem: `Jacobian mismatch for output ${k} with respect to input ${position},\n${where}` };
}

/** The index of an element from its position in row-major order. */
function showIndex(position: number, shape: Shape): string {
  let rest = position;
  return showShape(shape.toReversed().map((size) => {
    const index = rest % size;
    rest = Math.floor(rest / size);
    return index;
  }).toReversed());
}

/** Compares `vᵀJu` for random `u` and `v`; where that differs, the slow way says more. */
function fastDisagreement(
  checked: Checked, generator: Generator, tolerances: Tolerances,
): Finding | null {
  const { inputs, evaluate } = checked;
  const outputs = checked.outputs();
  let doubtful: Finding | null = null;
  for (let round = 0; round < directions; round++) {
    const us = inputs.map((input) => unitVector(generator, input.numel()));
    const derivatives = inputs.map((input, i) =>
      directionalDerivative(evaluate, input, us[i], tolerances));
    for (const [k, output] of outputs.entries()) {
      if (!output.isFloatingPoint()) continue;
      const cotangent = randn(output.shape, { dtype: output.dtype, generator });
      const v = cotangent.toTypedArray();
      const gradients = vectorJacobian([output], inputs, [cotangent]);
      for (const [i, u] of us.entries()) {
        const { values, finer, noise } = derivatives[i];
        const numerical = inner(v, values[k]);
        const rough = noise[k].map((size, o) => size * v[o]);
        const entry: Entry = { output: 0, input: 0, numerical, analytical: inner(gradients[i], u),
          error: Math.abs(numerical - inner(v, finer[k])) +
            Math.sqrt(inner(rough, rough)) };
        const scaled = { ...tolerances, atol: tolerances.atol * magnitude(u) * magnitude(v) };
        const position = checked.positions[i];
        if (agrees(entry, scaled)) continue;
        if (!differs(entry, scaled)) {
          doubtful ??= doubt(entry, { k, output, position, input: inputs[i], tolerances: scaled });
          continue;
        }
        const finding = slowDisagreement(checked, tolerances);
        if (finding !== null && !finding.isInconclusive) return finding;
        return { isInconclusive: false, problem: `Jacobian mismatch for output ${k} with respect ` +
          `to input ${position}, along random directions only:\nnumerical: ${entry.numerical}\n` +
          `analytical: ${entry.analytical}` };
      }
    }
  }
  return doubtful;
}

/** A direction of about unit length, of multiples of 2⁻¹³: steps along it are exact in float32. */
function unitVector(generator: Generator, length: number): Float64Array {
  const values = Float64Array.from({ length }, () => generator.normal());
  const norm = Math.sqrt(inner(values, values));
  return values.map((value) => Math.round(value / norm * 2 ** 13) / 2 ** 13);
}

function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function magnitude(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]);
  return sum;
}
