// Variance and standard deviation over some dimensions, in two passes with float64 accumulators.
import { fail, show } from "../errors.ts";
import { variable } from "../expression/expression.ts";
import { accumulator, count, passes } from "../kernels/reduce.ts";
import type { Dims, Shape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { primitive } from "./define.ts";
import { composite, type Op } from "./op.ts";
import { pair, type Pair } from "./pair.ts";
import { pointwise } from "./pointwise.ts";
import {
  checkFloat, keepDims, prepareReduction, reduceOver, scanOver, type Over, type ReduceOptions,
  type Scan,
} from "./reduce-over.ts";
import { mean } from "./reduction.ts";
import { integers, real } from "./sample.ts";

/** Options of variances. */
export interface VarianceOptions extends ReduceOptions {
  /** What is subtracted from the number of elements before dividing. Default 1. */
  readonly correction?: number;
}

/** A variance or deviation over one dimension, several or all. */
export type Variance = (input: Tensor, dim?: Dims, options?: VarianceOptions) => Tensor;

interface Spread extends Over { readonly correction: number }

const x = variable("input");
const centre = accumulator(1);
const squares = accumulator(2);
const sumUp = { initial: [0], steps: [accumulator(0).add(x)] };
const average = accumulator(0).div(count);
const spread = {
  inputs: ["input"], scalars: ["correction"],
  passes: [sumUp, {
    initial: [average, 0], steps: [centre, squares.add(x.sub(centre).square())],
  }],
};
const meanSquare = squares.div(count.sub(variable("correction")).max(0));
const varianceProgram = passes({ ...spread, results: [meanSquare] });
const deviationProgram = passes({ ...spread, results: [meanSquare.sqrt()] });
const centering = passes({
  inputs: ["input"],
  passes: [sumUp, { initial: [average], steps: [centre], stores: [x.sub(centre)] }],
});

const samples = [
  [real([2, 3])], [real([2, 3, 4]), 1], [real([2, 3, 2]), [0, -1], { keepdim: true }],
  [real([2, 3]), 0, { correction: 0 }], [real([3, 4]), 1, { correction: 2.5 }],
];
const rejects = [
  { args: [real([2, 3]), 2], message: "Dimension out of range" },
  { args: [real([2, 3]), 0, { unbiased: false }], message: "unknown option unbiased" },
  { args: [real([2, 3]), 0, { correction: true }], message: "correction must be a number" },
  { args: [integers([2, 3], 5)], message: "only support floating point and complex dtypes" },
];

function prepareSpread(
  op: string, input: Tensor, dim: Dims, options: VarianceOptions | undefined,
): { inputs: Tensor[]; attributes: Spread } {
  const { inputs, attributes } =
    prepareReduction(op, input, dim, options, ["keepdim", "correction"]);
  checkFloat(op, input, "std and var only support floating point and complex dtypes");
  const correction = options?.correction ?? 1;
  if (typeof correction !== "number") {
    fail(op, `correction must be a number, got ${show(correction)}`);
  }
  return { inputs, attributes: { ...attributes, correction } };
}

/** What the sum of squares is divided by. */
function degreesOfFreedom(shape: Shape, { dims, correction }: Spread): number {
  return Math.max(0, dims.reduce((size, dim) => size * shape[dim], 1) - correction);
}

/** Mean squared distance from the mean; divided by `n - correction`. */
const variance: Op<Variance> = primitive({
  name: "var", inputs: ["input"], batches: true, formula: "Σ (x - x̄)² / (n - c)",
  prepare: (input: Tensor, dim?: Dims, options?: VarianceOptions) =>
    prepareSpread("var", input, dim, options),
  forward: ([input], over) =>
    reduceOver(varianceProgram, input, over, [input.dtype], [over.correction]),
  gradients: (reads) => ({
    input: reads(["input"], ({ grad, input, attributes }) =>
      varianceGradient(keepDims(grad, input.shape, attributes), center(input, attributes),
        2 / degreesOfFreedom(input.shape, attributes))),
  }),
  samples, rejects,
});
export { variance as var };

/** Root of `var`; where that is 0, so is the gradient. */
export const std: Op<Variance> = primitive({
  name: "std", inputs: ["input"], batches: true, formula: "√(Σ (x - x̄)² / (n - c))",
  prepare: (input: Tensor, dim?: Dims, options?: VarianceOptions) =>
    prepareSpread("std", input, dim, options),
  forward: ([input], over) =>
    reduceOver(deviationProgram, input, over, [input.dtype], [over.correction]),
  gradients: (reads) => ({
    input: reads(["input", "output"], ({ grad, input, output, attributes }) =>
      deviationGradient(keepDims(grad, input.shape, attributes), center(input, attributes),
        keepDims(output, input.shape, attributes),
        1 / degreesOfFreedom(input.shape, attributes))),
  }),
  samples, rejects,
});

/** Variance and mean: `const [variance, mean] = x.varMean(1)`. */
export const varMean: Op<
  (input: Tensor, dim?: Dims, options?: VarianceOptions) => Pair<"var", "mean">
> = composite({
  name: "varMean",
  call(input: Tensor, dim?: Dims, options?: VarianceOptions) {
    return pair(["var", "mean"], variance(input, dim, options), meanOf(input, dim, options));
  },
  samples, rejects,
});

/** Standard deviation and mean: `const { std, mean } = x.stdMean(1)`. */
export const stdMean: Op<
  (input: Tensor, dim?: Dims, options?: VarianceOptions) => Pair<"std", "mean">
> = composite({
  name: "stdMean",
  call(input: Tensor, dim?: Dims, options?: VarianceOptions) {
    return pair(["std", "mean"], std(input, dim, options), meanOf(input, dim, options));
  },
  samples, rejects,
});

const meanOf = (input: Tensor, dim: Dims, options: VarianceOptions | undefined) =>
  mean(input, dim, { keepdim: options?.keepdim });

/** `x - x̄`: its own adjoint. */
const center: Op<(input: Tensor, scan: Scan) => Tensor> = primitive({
  name: "center", inputs: ["input"], batches: true,
  prepare: (input: Tensor, { dims }: Scan) => ({ inputs: [input], attributes: { dims } }),
  forward: ([input], scan) => scanOver(centering, [input], scan),
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes }) => center(grad, attributes)),
  }),
  samples: [],
});

const varianceGradient: Op<
  (cotangent: Tensor, centered: Tensor, scale: number) => Tensor
> = pointwise({
  name: "varBackward", inputs: ["cotangent", "centered", "scale"],
  expression: ({ cotangent, centered, scale }) => cotangent.mul(centered).mul(scale),
  samples: [],
});

const deviationGradient: Op<
  (cotangent: Tensor, centered: Tensor, deviation: Tensor, scale: number) => Tensor
> = pointwise({
  name: "stdBackward", inputs: ["cotangent", "centered", "deviation", "scale"],
  expression: ({ cotangent, centered, deviation, scale }) =>
    deviation.eq(0).select(0, cotangent.mul(centered).mul(scale).div(deviation)),
  samples: [],
});
