// Sums, products, counts and their like over some dimensions, accumulated in float64.
import { isFloat } from "../dtype.ts";
import { variable } from "../expression/expression.ts";
import { accumulator, count, passes, reduction } from "../kernels/reduce.ts";
import type { Dims } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./binary.ts";
import { primitive } from "./define.ts";
import { checkOptions, composite, type Op } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import { exclusiveProduct } from "./recurrence.ts";
import {
  accumulated, checkFloat, keepDims, prepareReduction, prepareWithDType, reduceOver, restore,
  type DTypeOptions, type Over, type ReduceOptions,
} from "./reduce-over.ts";
import { booleans, integers, real } from "./sample.ts";
import { shareOfTotal } from "./softmax-gradient.ts";

/** A reduction over one dimension, several or all. */
export type Reduce = (input: Tensor, dim?: Dims, options?: ReduceOptions) => Tensor;

/** A reduction that can convert its input first. */
export type Accumulate =
  (input: Tensor, dim?: Dims, options?: ReduceOptions & DTypeOptions) => Tensor;

const x = variable("input");
const first = accumulator(0);

const total = reduction({
  inputs: ["input"], initial: [0], steps: [first.add(x)], results: [first],
});
const average = reduction({
  inputs: ["input"], initial: [0], steps: [first.add(x)], results: [first.div(count)],
});
const product = reduction({
  inputs: ["input"], initial: [1], steps: [first.mul(x)], results: [first],
});
const totalOfNumbers = reduction({
  inputs: ["input"], initial: [0], steps: [x.isNaN().select(first, first.add(x))],
  results: [first],
});
const numbers = reduction({
  inputs: ["input"], initial: [0], steps: [x.isNaN().select(first, first.add(1))],
  results: [first],
});
const nonzeros = reduction({
  inputs: ["input"], initial: [0], steps: [x.eq(0).select(first, first.add(1))],
  results: [first],
});
const some = reduction({
  inputs: ["input"], initial: [0], steps: [x.eq(0).select(first, 1)], results: [first],
});
const every = reduction({
  inputs: ["input"], initial: [1], steps: [x.eq(0).select(0, first)], results: [first],
});
const shift = accumulator(1);
const logOfTotal = passes({
  inputs: ["input"],
  passes: [
    { initial: [-Infinity], steps: [first.max(x)] },
    { // An infinite shift would make ∞ - ∞.
      initial: [first.abs().eq(Infinity).select(0, first), 0],
      steps: [shift, accumulator(2).add(x.sub(shift).exp())],
    },
  ],
  results: [accumulator(2).log().add(shift)],
});

const samples = [
  [real([2, 3])], [real([2, 3, 4]), 1], [real([2, 3, 2]), [0, -1], { keepdim: true }], [real([])],
  [real([3, 0]), 1], [real([0])],
];
const rejects = [
  { args: [real([2, 3]), 2], message: "Dimension out of range" },
  { args: [real([2, 3]), [0, 0]], message: "dim 0 appears multiple times in the list of dims" },
  { args: [real([2, 3]), 0, { keepDim: true }], message: "unknown option keepDim" },
];
const logical = [
  [booleans([2, 3])], [real([2, 3]), 0, { keepdim: true }], [integers([2, 3], 2), 1],
];

/** Sum over some dimensions, not recorded. */
export function sumOver(input: Tensor, over: Over): Tensor {
  return reduceOver(total, input, over, [accumulated(input.dtype)])[0];
}

/** Sum over some dimensions, or all; whole numbers and truth values give int32. */
export const sum: Op<Accumulate> = primitive({
  name: "sum", inputs: ["input"], batches: true, formula: "Σ x", multilinear: true,
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions & DTypeOptions) =>
    prepareWithDType("sum", input, dim, options),
  forward: ([input], over) => sumOver(input, over),
  gradients: (reads) => ({
    input: reads([], ({ grad, shapes: [shape], attributes }) => restore(grad, shape, attributes)),
  }),
  samples: [...samples, [integers([2, 3], 9), 0], [real([2, 3]), 1, { dtype: "float64" }]],
  rejects,
});

/** Mean over some dimensions, or all; NaN of no elements. */
export const mean: Op<Accumulate> = primitive({
  name: "mean", inputs: ["input"], batches: true, formula: "Σ x / n", multilinear: true,
  prepare(input: Tensor, dim?: Dims, options?: ReduceOptions & DTypeOptions) {
    const prepared = prepareWithDType("mean", input, dim, options);
    checkFloat("mean", prepared.inputs[0], "could not infer output dtype. Input dtype must be " +
      "either a floating point or complex dtype (or give {dtype})");
    return prepared;
  },
  forward: ([input], over) => reduceOver(average, input, over, [input.dtype]),
  gradients: (reads) => ({
    input: reads([], ({ grad, shapes: [shape], attributes }) => {
      const size = attributes.dims.reduce((n, dim) => n * shape[dim], 1);
      return restore(quotient(grad, size), shape, attributes);
    }),
  }),
  samples, rejects: [...rejects,
    { args: [integers([2, 3], 5)], message: "could not infer output dtype" }],
});

const quotient: Op<(input: Tensor, divisor: Tensor | number) => Tensor> = pointwise({
  name: "quotient", inputs: ["input", "divisor"],
  expression: ({ input, divisor }) => input.div(divisor), samples: [],
});

/** Product over some dimensions, or all; its gradient is exact at zeros. */
export const prod: Op<Accumulate> = primitive({
  name: "prod", inputs: ["input"], batches: true, formula: "Π x",
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions & DTypeOptions) =>
    prepareWithDType("prod", input, dim, options),
  forward: ([input], over) => reduceOver(product, input, over, [accumulated(input.dtype)]),
  gradients: (reads) => ({
    input: reads(["input"], ({ grad, input, attributes }) => {
      const { dims } = attributes;
      const others = mul(exclusiveProduct(input, { dims }),
        exclusiveProduct(input, { dims, reverse: true }));
      return mul(others, keepDims(grad, input.shape, attributes));
    }),
  }),
  samples: [...samples, [integers([2, 3], 9), 0]], rejects,
});

/** `log Σ exp(x)` without overflow; -∞ of no elements. */
export const logsumexp: Op<Reduce> = primitive({
  name: "logsumexp", inputs: ["input"], batches: true, formula: "ln Σ eˣ",
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions) =>
    prepareReduction("logsumexp", input, dim, options),
  forward: ([input], over) =>
    reduceOver(logOfTotal, input, over, [isFloat(input.dtype) ? input.dtype : "float32"]),
  gradients: (reads) => ({
    input: reads(["input"], ({ grad, input, attributes }) =>
      mul(shareOfTotal(input, attributes), keepDims(grad, input.shape, attributes))),
  }),
  samples: samples.slice(0, 4), rejects,
});

/** Sum of the elements that are not NaN. */
export const nansum: Op<Accumulate> = primitive({
  name: "nansum", inputs: ["input"], batches: true, formula: "Σ x where x = x",
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions & DTypeOptions) =>
    prepareWithDType("nansum", input, dim, options),
  forward: ([input], over) => reduceOver(totalOfNumbers, input, over, [accumulated(input.dtype)]),
  gradients: (reads) => ({
    input: reads(["input"], ({ grad, input, attributes }) =>
      whereNumber(keepDims(grad, input.shape, attributes), input)),
  }),
  samples, rejects,
});

const whereNumber: Op<(cotangent: Tensor, input: Tensor) => Tensor> = pointwise({
  name: "nansumBackward", inputs: ["cotangent", "input"],
  expression: ({ cotangent, input }) => input.isNaN().select(0, cotangent), samples: [],
});

/** Mean of the elements that are not NaN; NaN where there is none. */
export const nanmean: Op<Reduce> = composite({
  name: "nanmean", formula: "Σ x / n where x = x",
  call(input: Tensor, dim?: Dims, options?: ReduceOptions) {
    const { attributes } = prepareReduction("nanmean", input, dim, options);
    checkFloat("nanmean", input, "expected input to have floating point dtype");
    const [present] = reduceOver(numbers, input, attributes, [input.dtype]);
    return quotient(nansum(input, dim, options), present);
  },
  samples, rejects,
});

/** Number of elements that are not 0, as int32. NaN counts. */
export const countNonzero: Op<(input: Tensor, dim?: Dims) => Tensor> = primitive({
  name: "countNonzero", inputs: ["input"], batches: true, formula: "Σ [x ≠ 0]",
  prepare(input: Tensor, dim?: Dims, ...options: unknown[]) {
    checkOptions("countNonzero", options[0], []);
    return prepareReduction("countNonzero", input, dim, undefined);
  },
  forward: ([input], over) => reduceOver(nonzeros, input, over, ["int32"]),
  gradients: () => ({ input: null }),
  samples: [[integers([2, 3], 3)], [real([2, 3]), 0], [booleans([2, 3]), [0, 1]]],
  rejects: rejects.slice(0, 2),
});

/** Whether any element is not 0; false of no elements. */
export const any: Op<Reduce> = primitive({
  name: "any", inputs: ["input"], batches: true, formula: "∃ x ≠ 0",
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions) =>
    prepareReduction("any", input, dim, options),
  forward: ([input], over) => reduceOver(some, input, over, ["bool"]),
  gradients: () => ({ input: null }),
  samples: logical, rejects,
});

/** Whether no element is 0; true of no elements. */
export const all: Op<Reduce> = primitive({
  name: "all", inputs: ["input"], batches: true, formula: "∀ x ≠ 0",
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions) =>
    prepareReduction("all", input, dim, options),
  forward: ([input], over) => reduceOver(every, input, over, ["bool"]),
  gradients: () => ({ input: null }),
  samples: logical, rejects,
});

