// Random tensors; the streams are PyTorch's, seed for seed (src/random has the arithmetic).
import { isFloat, typeNames, type DType, type TypedArray } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { exposed } from "../autograd/batch.ts";
import { noGrad } from "../autograd/modes.ts";
import { fillBernoulli, fillNormal, fillRand } from "../kernels/random/fill.ts";
import { bernoulliFrom } from "../random/bernoulli.ts";
import type { Generator } from "../random/generator.ts";
import { fillRandint, randperm as permutation } from "../random/integer.ts";
import { multinomial as drawIndices } from "../random/multinomial.ts";
import type { FloatArray } from "../random/uniform.ts";
import { broadcastShapes } from "../shape/broadcast.ts";
import { checkShape, type Shape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isBatched } from "./batching.ts";
import { add, mul } from "./binary.ts";
import { adopt, checkTensorOptions, emptyLike, type TensorOptions } from "./creation.ts";
import { checkFloat, draw, drawForSamples, generatorOf, type Fill } from "./draw.ts";
import { fresh } from "./memory.ts";
import { checkOptions, checkTensor } from "./op.ts";

/** Options of functions that make random tensors. */
export interface RandomOptions extends TensorOptions {
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** Options of `bernoulli`. */
export interface BernoulliOptions {
  /** Probability of a one; without it the elements of the input are the probabilities. */
  readonly p?: number;
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** Options of `multinomial`. */
export interface MultinomialOptions {
  /** Whether an index may come more than once. Default `false`. */
  readonly replacement?: boolean;
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  readonly generator?: Generator;
}

const optionNames = ["dtype", "requiresGrad", "generator"];

const uniform: Fill = (generator, values) => fillRand(generator, values as FloatArray);

const standardNormal: Fill = (generator, values, contiguous) =>
  fillNormal(generator, values as FloatArray, 0, 1, { contiguous });

/** Makes a tensor and fills it. `kernel` names what PyTorch says is missing for integers. */
function drawn(
  op: string, shape: Shape, options: RandomOptions | undefined, fill: Fill,
  { kernel, dtype: usual = "float32" }: { readonly kernel?: string; readonly dtype?: DType } = {},
): Tensor {
  const { dtype, requiresGrad } =
    checkTensorOptions(op, options, optionNames, usual);
  const sizes = checkShape(op, shape);
  return finished(op, () => fresh(sizes, dtype), requiresGrad, options, fill, kernel);
}

/** The same, like another tensor. */
function drawnLike(
  op: string, input: Tensor, options: RandomOptions | undefined, fill: Fill, kernel?: string,
): Tensor {
  checkTensor(op, "input", input);
  const { dtype, requiresGrad } =
    checkTensorOptions(op, options, optionNames, input.dtype);
  const make = () => isBatched(input) ? fresh(input.shape, dtype) : emptyLike(input, { dtype });
  return finished(op, make, requiresGrad, options, fill, kernel);
}

function finished(
  op: string, make: () => Tensor, requiresGrad: boolean, options: RandomOptions | undefined,
  fill: Fill, kernel: string | undefined,
): Tensor {
  const result = drawForSamples(op, [], () => {
    const made = make();
    if (kernel !== undefined) checkFloat(op, kernel, made);
    return draw(made, generatorOf(op, options?.generator), fill);
  });
  return requiresGrad ? result.requiresGrad_() : result;
}

/** Uniform numbers in `[0, 1)`. */
export function rand(shape: Shape, options?: RandomOptions): Tensor {
  return drawn("rand", shape, options, uniform, { kernel: "check_uniform_bounds" });
}

/** Normal numbers with mean 0 and variance 1. */
export function randn(shape: Shape, options?: RandomOptions): Tensor {
  return drawn("randn", shape, options, standardNormal, { kernel: "normal_kernel_cpu" });
}

/** Uniform numbers in `[0, 1)`, with the shape, dtype and order in memory of another tensor. */
export function randLike(input: Tensor, options?: RandomOptions): Tensor {
  return drawnLike("randLike", input, options, uniform, "check_uniform_bounds");
}

/** Normal numbers, with the shape, dtype and order in memory of another tensor. */
export function randnLike(input: Tensor, options?: RandomOptions): Tensor {
  return drawnLike("randnLike", input, options, standardNormal, "normal_kernel_cpu");
}

/**
 * Whole numbers from `low` (0 if it is left out) to `high - 1`, by default of dtype int32.
 * @throws unless `low < high` and the dtype holds all of them exactly
 */
export function randint(high: number, shape: Shape, options?: RandomOptions): Tensor;
export function randint(low: number, high: number, shape: Shape, options?: RandomOptions): Tensor;
export function randint(first: number, second: number | Shape, ...rest: unknown[]): Tensor {
  const [low, high, shape, options] =
    typeof second === "number" ? [first, second, ...rest] : [0, first, second, ...rest];
  return drawn("randint", shape as Shape, options as RandomOptions | undefined,
    (generator, values) => fillRandint(generator, values, low as number, high as number),
    { dtype: "int32" });
}

/**
 * Whole numbers from `low` (0 if it is left out) to `high - 1`, with the shape, dtype and order in
 * memory of another tensor.
 * @throws unless `low < high` and the dtype holds all of them exactly
 */
export function randintLike(input: Tensor, high: number, options?: RandomOptions): Tensor;
export function randintLike(
  input: Tensor, low: number, high: number, options?: RandomOptions,
): Tensor;
export function randintLike(
  input: Tensor, first: number, second?: number | RandomOptions, last?: RandomOptions,
): Tensor {
  const [low, high, options] =
    typeof second === "number" ? [first, second, last] as const : [0, first, second] as const;
  return drawnLike("randintLike", input, options, (generator, values) =>
    fillRandint(generator, values, low, high, "randintLike"));
}

/**
 * A random order of the whole numbers from 0 to `n - 1`, by default of dtype int32.
 * @throws when `n` is no whole number ≥ 0
 */
export function randperm(n: number, options?: RandomOptions): Tensor {
  const { dtype, requiresGrad } =
    checkTensorOptions("randperm", options, optionNames, "int32");
  if (dtype === "bool") fail("randperm", `"randperm" not implemented for 'Bool'`);
  const generator = generatorOf("randperm", options?.generator);
  const result = drawForSamples("randperm", [], () => {
    const order = permutation(generator, n);
    if (dtype === "int32") return adopt(order, [n], dtype, false);
    const made = fresh([n], dtype);
    made.storage.data.set(order);
    return made;
  });
  return requiresGrad ? result.requiresGrad_() : result;
}

/**
 * Zeros and ones, in the input's shape and dtype: ones with the probability that the element of
 * the input says, or with probability `p` everywhere. No gradient flows.
 * @throws when a probability lies outside `[0, 1]`
 */
export function bernoulli(input: Tensor, options?: BernoulliOptions): Tensor {
  checkTensor("bernoulli", "input", input);
  checkOptions("bernoulli", options, ["p", "generator"]);
  const generator = generatorOf("bernoulli", options?.generator);
  const { shape, dtype } = input;
  const p = options?.p;
  if (p !== undefined) {
    return drawForSamples("bernoulli", [], () => draw(fresh(shape, dtype), generator,
      (source, values) => fillBernoulli(source, values, p, "bernoulli")));
  }
  checkFloat("bernoulli", "bernoulli_tensor_cpu_p_", input);
  return drawForSamples("bernoulli", [input], ([given]) => {
    const probabilities = given.toTypedArray() as FloatArray;
    return draw(fresh(shape, dtype), generator, (source, values) =>
      bernoulliFrom(source, values, probabilities));
  });
}

/**
 * Normal numbers with the given means and standard deviations, each a number or a tensor of them;
 * two numbers need a shape. Tensors broadcast. No gradient flows.
 * @throws when a standard deviation is negative
 */
export function normal(mean: Tensor, std?: Tensor | number, options?: RandomOptions): Tensor;
export function normal(mean: number, std: Tensor, options?: RandomOptions): Tensor;
export function normal(
  mean: number, std: number, shape: Shape, options?: RandomOptions,
): Tensor;
export function normal(
  mean: Tensor | number, std: Tensor | number = 1, third?: Shape | RandomOptions,
  last?: RandomOptions,
): Tensor {
  for (const [name, value] of [["mean", mean], ["std", std]] as const) {
    if (value instanceof Tensor) checkFloat("normal", "normal_kernel_cpu", value);
    else if (typeof value !== "number") {
      fail("normal", `${name} must be a tensor or a number, got ${show(value)}`);
    }
  }
  if (typeof std === "number" && !(std >= 0)) {
    fail("normal", `normal expects std >= 0.0, but found std ${std}`);
  }
  if (typeof mean === "number" && typeof std === "number") {
    return drawn("normal", third as Shape, last, (generator, values, contiguous) =>
      fillNormal(generator, values as FloatArray, mean, std, { contiguous }),
    { kernel: "normal_kernel_cpu" });
  }
  return normalLike(mean, std, third as RandomOptions | undefined);
}

/** Normal numbers where the mean, the standard deviation or both are tensors. */
function normalLike(
  mean: Tensor | number, std: Tensor | number, options: RandomOptions | undefined,
): Tensor {
  const [first, second] = [mean, std].filter((value) => value instanceof Tensor);
  if (std instanceof Tensor && exposed(std).toTypedArray().some((value) => !(value >= 0))) {
    fail("normal", "normal expects all elements of std >= 0.0");
  }
  const shape = second === undefined
    ? first.shape : broadcastShapes("normal", first.shape, second.shape);
  const scale = typeof std === "number" ? std : 1;
  const { dtype, requiresGrad } =
    checkTensorOptions("normal", options, optionNames, first.dtype);
  const standard = drawn("normal", shape, { dtype, generator: options?.generator },
    (generator, values, contiguous) =>
      fillNormal(generator, values as FloatArray, 0, scale, { contiguous }),
    { kernel: "normal_kernel_cpu" });
  const result = noGrad(() =>
    add(std instanceof Tensor ? mul(standard, std) : standard, mean));
  return requiresGrad ? result.requiresGrad_() : result;
}

/**
 * Indices drawn with probability in proportion to weights, of dtype int32:
 * `[categories] → [numSamples]`, `[rows, categories] → [rows, numSamples]`.
 * @throws when weights are negative, not finite or all zero in a row, or there are too few of them
 * @see https://pytorch.org/docs/stable/generated/torch.multinomial.html
 */
export function multinomial(
  input: Tensor, numSamples: number, options?: MultinomialOptions,
): Tensor {
  checkTensor("multinomial", "input", input);
  checkOptions("multinomial", options, ["replacement", "generator"]);
  if (input.ndim !== 1 && input.ndim !== 2) {
    fail("multinomial", `prob_dist must be 1 or 2 dim, got ${input.ndim}`);
  }
  if (!isFloat(input.dtype)) {
    fail("multinomial", "multinomial only supports floating-point dtypes for input, got: " +
      typeNames[input.dtype]);
  }
  const categories = input.shape[input.ndim - 1];
  const generator = generatorOf("multinomial", options?.generator);
  return drawForSamples("multinomial", [input], ([given]) => {
    const indices: TypedArray = drawIndices(generator, given.toTypedArray() as FloatArray,
      categories, numSamples, { replacement: options?.replacement ?? false });
    return adopt(indices, [...input.shape.slice(0, -1), numSamples], "int32", false);
  });
}
