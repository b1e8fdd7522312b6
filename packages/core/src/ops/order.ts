// Largest and smallest elements over some dimensions, and where they are.
import { fail } from "../errors.ts";
import { variable, type Expression } from "../expression/expression.ts";
import { accumulator, position, reduction } from "../kernels/reduce.ts";
import { showShape, type Dims } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { maximum, minimum, mul } from "./binary.ts";
import { primitive } from "./define.ts";
import { checkOptions, composite, type Op } from "./op.ts";
import { pair, type Pair } from "./pair.ts";
import { keepDims, prepareReduction, reduceOver, type Over, type ReduceOptions }
  from "./reduce-over.ts";
import type { Reduce } from "./reduction.ts";
import { distinct, real } from "./sample.ts";
import { pick, shares } from "./chosen.ts";

/** Position of an extreme element: along one dimension, or row-major among all elements. */
export type Argument = (input: Tensor, dim?: number | null, options?: ReduceOptions) => Tensor;

/** Extreme elements along a dimension, with their positions. */
export type Extremes = Pair<"values", "indices">;

/** An extreme of all elements, along a dimension, or of two tensors. */
export interface Extreme {
  (input: Tensor): Tensor;
  (input: Tensor, dim: number, options?: ReduceOptions): Extremes;
  (input: Tensor, other: Tensor): Tensor;
  (input: Tensor, dimOrOther?: number | Tensor, options?: ReduceOptions): Tensor | Extremes;
  /** The method form. */
  readonly method: {
    (): Tensor;
    (dim: number, options?: ReduceOptions): Extremes;
    (other: Tensor): Tensor;
  };
}

const x = variable("input");
const best = accumulator(0);
const isNumber = best.eq(best);

const extreme = (start: number, step: Expression) =>
  reduction({ inputs: ["input"], initial: [start], steps: [step], results: [best] });
/** The first NaN is better than any number, and nothing is better than that. */
const located = (start: number, worse: Expression) => {
  const better = worse.not().and(isNumber);
  return reduction({
    inputs: ["input"], initial: [start, 0], results: [accumulator(1)],
    steps: [better.select(x, best), better.select(position, accumulator(1))],
  });
};
const largest = extreme(-Infinity, best.max(x));
const smallest = extreme(Infinity, best.min(x));
const largestAt = located(-Infinity, x.le(best));
const smallestAt = located(Infinity, x.ge(best));

const samples = [
  [distinct([2, 3])], [distinct([2, 3, 2]), 1], [distinct([2, 3, 2]), -1, { keepdim: true }],
  [distinct([])], [distinct([0, 2]), 1],
];
const severalDims = [
  [distinct([2, 3, 2]), [0, -1]], [distinct([2, 3, 2]), [1, 2], { keepdim: true }],
];
const rejects = [
  { args: [real([2, 3]), 2], message: "Dimension out of range" },
  { args: [real([0, 3])], message: "Expected reduction dim to be specified" },
  { args: [real([0, 3]), 0], message: "Expected reduction dim 0 to have non-zero size" },
];

/** Checks the arguments of a reduction that has no result for no elements. */
function prepareExtreme(
  op: string, input: Tensor, dim: Dims, options: ReduceOptions | undefined,
): { inputs: Tensor[]; attributes: Over } {
  const prepared = prepareReduction(op, input, dim, options);
  if (dim === undefined || dim === null) {
    if (input.numel() === 0) {
      fail(op, "Expected reduction dim to be specified for input.numel() == 0. Specify the " +
        `reduction dim with the 'dim' argument: the shape is ${showShape(input.shape)}`);
    }
    return prepared;
  }
  const empty = prepared.attributes.dims.find((axis) => input.shape[axis] === 0);
  if (empty !== undefined) {
    fail(op, `Expected reduction dim ${empty} to have non-zero size: ` +
      `the shape is ${showShape(input.shape)}`);
  }
  return prepared;
}

/** Largest element over some dimensions, or all; ties share the gradient. */
export const amax: Op<Reduce> = primitive({
  name: "amax", inputs: ["input"], batches: true, formula: "max x",
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions) =>
    prepareExtreme("amax", input, dim, options),
  forward: ([input], over) => reduceOver(largest, input, over, [input.dtype]),
  gradients: (reads) => ({
    input: reads(["input", "output"], ({ grad, input, output, attributes }) =>
      mul(shares(input, output, attributes), keepDims(grad, input.shape, attributes))),
  }),
  samples: [...samples, ...severalDims], rejects,
});

/** Smallest element over some dimensions, or all; ties share the gradient. */
export const amin: Op<Reduce> = primitive({
  name: "amin", inputs: ["input"], batches: true, formula: "min x",
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions) =>
    prepareExtreme("amin", input, dim, options),
  forward: ([input], over) => reduceOver(smallest, input, over, [input.dtype]),
  gradients: (reads) => ({
    input: reads(["input", "output"], ({ grad, input, output, attributes }) =>
      mul(shares(input, output, attributes), keepDims(grad, input.shape, attributes))),
  }),
  samples: [...samples, ...severalDims], rejects,
});

/** Position of the largest element, as int32: the first of equal ones, or the first NaN. */
export const argmax: Op<Argument> = primitive({
  name: "argmax", inputs: ["input"], batches: true, formula: "argmax x",
  prepare: (input: Tensor, dim?: number | null, options?: ReduceOptions) =>
    prepareExtreme("argmax", input, dim, options),
  forward: ([input], over) => reduceOver(largestAt, input, over, ["int32"]),
  gradients: () => ({ input: null }),
  samples, rejects,
});

/** Position of the smallest element, as int32: the first of equal ones, or the first NaN. */
export const argmin: Op<Argument> = primitive({
  name: "argmin", inputs: ["input"], batches: true, formula: "argmin x",
  prepare: (input: Tensor, dim?: number | null, options?: ReduceOptions) =>
    prepareExtreme("argmin", input, dim, options),
  forward: ([input], over) => reduceOver(smallestAt, input, over, ["int32"]),
  gradients: () => ({ input: null }),
  samples, rejects,
});

/** The three forms of `max` and `min`. */
function threeForms(
  op: string, ofAll: Op<Reduce>, at: Op<Argument>, ofTwo: (a: Tensor, b: Tensor) => Tensor,
) {
  return (input: Tensor, dimOrOther?: number | Tensor, options?: ReduceOptions) => {
    if (dimOrOther instanceof Tensor) {
      checkOptions(op, options, []);
      return ofTwo(input, dimOrOther);
    }
    if (dimOrOther === undefined || dimOrOther === null) {
      checkOptions(op, options, []);
      return ofAll(input);
    }
    const indices = at(input, dimOrOther, options);
    const { attributes } = prepareExtreme(op, input, dimOrOther, options);
    return pair(["values", "indices"], pick(input, indices, attributes), indices);
  };
}

const forms = [
  [distinct([2, 3])], [distinct([2, 3, 2]), 1], [distinct([2, 3]), -1, { keepdim: true }],
  [distinct([2, 3]), distinct([3])], [distinct([])],
];

/** Largest element of all; with `dim` the first largest ones and their positions. */
export const max: Op<Extreme> = composite<Extreme>({
  name: "max", formula: "max x",
  call: threeForms("max", amax, argmax, maximum), samples: forms, rejects,
});

/** Smallest element of all; with `dim` the first smallest ones and their positions. */
export const min: Op<Extreme> = composite<Extreme>({
  name: "min", formula: "min x",
  call: threeForms("min", amin, argmin, minimum), samples: forms, rejects,
});
