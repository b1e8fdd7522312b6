// Methods that draw random numbers: in-place fills, `bernoulli` and `multinomial`.
import type { TypedArray } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { fillBernoulli, fillNormal, fillUniform } from "../kernels/random/fill.ts";
import { bernoulliFrom } from "../random/bernoulli.ts";
import { fillExponential } from "../random/exponential.ts";
import type { Generator } from "../random/generator.ts";
import { fillRandint, fillRandom } from "../random/integer.ts";
import type { FloatArray } from "../random/uniform.ts";
import { broadcastStrides, broadcastsTo } from "../shape/broadcast.ts";
import { showShape } from "../shape/dims.ts";
import { memoryOrder } from "../shape/memory-order.ts";
import { Tensor } from "../tensor/tensor.ts";
import { checkFloat, drawInPlace, generatorOf, type Fill } from "./draw.ts";
import { arranged } from "./memory.ts";
import { checkOptions } from "./op.ts";
import {
  bernoulli, multinomial, type BernoulliOptions, type MultinomialOptions,
} from "./random.ts";

/** Options of random fills. */
export interface FillOptions {
  /** Where the numbers come from. Default: the generator that `manualSeed` seeds. */
  readonly generator?: Generator;
}

declare module "../tensor/tensor.ts" {
  interface Tensor {
    /**
     * Fills with uniform numbers in `[from, to)`, by default `[0, 1)`.
     * @throws unless `from ≤ to` and this holds floats
     */
    uniform_(from?: number, to?: number, options?: FillOptions): this;
    uniform_(options: FillOptions): this;
    /**
     * Fills with normal numbers of mean `mean` (default 0) and standard deviation `std` (1).
     * @throws when `std` is negative or this does not hold floats
     */
    normal_(mean?: number, std?: number, options?: FillOptions): this;
    normal_(options: FillOptions): this;
    /**
     * Fills with exponential numbers of rate `lambda` (default 1), that is of mean `1 / lambda`.
     * @throws unless `lambda > 0` and this holds floats
     */
    exponential_(lambda?: number, options?: FillOptions): this;
    exponential_(options: FillOptions): this;
    /**
     * Fills with zeros and ones: ones of probability `p` (default 0.5), a number or a tensor.
     * @throws when a probability lies outside `[0, 1]`
     */
    bernoulli_(p?: number | Tensor, options?: FillOptions): this;
    bernoulli_(options: FillOptions): this;
    /**
     * Fills with whole numbers from `from` (default 0) to `to - 1`; without bounds up to the
     * largest number to which the dtype holds all of them.
     * @throws unless `from < to` and the dtype holds all of them exactly
     */
    random_(from: number, to: number, options?: FillOptions): this;
    random_(to: number, options?: FillOptions): this;
    random_(options?: FillOptions): this;
    /**
     * Zeros and ones in this shape and dtype: ones with the probability that the element says, or
     * with probability `p` everywhere.
     * @throws when a probability lies outside `[0, 1]`
     */
    bernoulli(options?: BernoulliOptions): Tensor;
    /**
     * Indices drawn with probability in proportion to the elements, of dtype int32.
     * @throws when these are negative, not finite or all zero in a row
     */
    multinomial(numSamples: number, options?: MultinomialOptions): Tensor;
  }
}

/** Positional arguments with defaults, then an options object. */
function fillArguments<T>(
  op: string, args: readonly unknown[], defaults: readonly T[],
): { values: readonly T[]; given: number; generator: Generator } {
  const last = args[args.length - 1];
  const hasOptions = typeof last === "object" && last !== null && !(last instanceof Tensor);
  const given = hasOptions ? args.slice(0, -1) : args;
  if (given.length > defaults.length) {
    fail(op, `takes at most ${defaults.length} numbers and options, got ${show(args)}`);
  }
  const values = defaults.map((value, i) => given[i] === undefined ? value : given[i] as T);
  if (hasOptions) checkOptions(op, last, ["generator"]);
  for (const value of values) {
    if (typeof value !== "number" && !(value instanceof Tensor && op === "bernoulli_")) {
      fail(op, `expected numbers and options, got ${show(value)}`);
    }
  }
  const options = hasOptions ? last as FillOptions : {};
  return { values, given: given.length, generator: generatorOf(op, options.generator) };
}

/** A method that fills a float tensor, with `defaults` for its numbers. */
function floatFill(
  op: string, kernel: string, defaults: readonly number[],
  fill: (generator: Generator, values: FloatArray, a: number, b: number, contiguous: boolean)
    => void,
) {
  return { [op](this: Tensor, ...args: unknown[]): Tensor {
    const { values: [a, b], generator } = fillArguments(op, args, defaults);
    checkFloat(op, kernel, this);
    drawInPlace(op, this, generator, (source, values, contiguous) =>
      fill(source, values as FloatArray, a, b, contiguous));
    return this;
  } };
}

/** Probabilities for every element of `target`, in the order in which it is filled. */
function probabilitiesFor(target: Tensor, p: Tensor): FloatArray {
  checkFloat("bernoulli_", "bernoulli_tensor_cpu_p_", p);
  if (!broadcastsTo(p.shape, target.shape)) {
    fail("bernoulli_", `p of shape ${showShape(p.shape)} does not broadcast to ` +
      showShape(target.shape));
  }
  const strides = broadcastStrides(p.shape, p.strides, target.shape);
  const order = target.isContiguous()
    ? target.shape.map((_, dim) => dim) : memoryOrder(target.strides);
  return arranged(p, {
    shape: order.map((dim) => target.shape[dim]), strides: order.map((dim) => strides[dim]),
    offset: p.offset,
  }).toTypedArray() as FloatArray;
}

function fillBernoulli_(this: Tensor, ...args: unknown[]): Tensor {
  const { values: [p], generator } = fillArguments<number | Tensor>("bernoulli_", args, [0.5]);
  const probabilities = typeof p === "number" ? null : probabilitiesFor(this, p);
  drawInPlace("bernoulli_", this, generator, (source, values) => {
    if (probabilities === null) fillBernoulli(source, values, p as number);
    else bernoulliFrom(source, values, probabilities);
  });
  return this;
}

function fillRandom_(this: Tensor, ...args: unknown[]): Tensor {
  const { values: [first, second], given, generator } = fillArguments("random_", args, [0, 0]);
  const [from, to] = given === 1 ? [0, first] : [first, second];
  const fill: Fill = given === 0 ? fillRandom : (source: Generator, values: TypedArray) =>
    fillRandint(source, values, from, to, "random_");
  drawInPlace("random_", this, generator, fill);
  return this;
}

Object.assign(Tensor.prototype,
  floatFill("uniform_", "check_uniform_bounds", [0, 1], fillUniform),
  floatFill("normal_", "normal_kernel_cpu", [0, 1], (generator, values, mean, std, contiguous) =>
    fillNormal(generator, values, mean, std, { contiguous })),
  floatFill("exponential_", "exponential_cpu", [1], fillExponential),
  {
    bernoulli_: fillBernoulli_,
    random_: fillRandom_,
    bernoulli(this: Tensor, options?: BernoulliOptions) { return bernoulli(this, options); },
    multinomial(this: Tensor, numSamples: number, options?: MultinomialOptions) {
      return multinomial(this, numSamples, options);
    },
  });
