// Reductions over some dimensions, accumulated in float64.
import { variable } from "../expression/expression.ts";
import { accumulator, count, reduction } from "../kernels/reduce.ts";
import type { Dims } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { primitive } from "./define.ts";
import type { Op } from "./op.ts";
import { prepareReduction, reduceOver, restore, type ReduceOptions } from "./reduce-over.ts";
import { real } from "./sample.ts";

/** A reduction over one dimension, several or all. */
export type Reduce = (input: Tensor, dim?: Dims, options?: ReduceOptions) => Tensor;

const x = variable("input");
const total = reduction({
  inputs: ["input"], initial: [0], steps: [accumulator(0).add(x)], results: [accumulator(0)],
});
const average = reduction({
  inputs: ["input"], initial: [0], steps: [accumulator(0).add(x)],
  results: [accumulator(0).div(count)],
});

const samples = [
  [real([2, 3])], [real([2, 3, 4]), 1], [real([2, 3, 4]), [0, -1], { keepdim: true }], [real([])],
];
const rejects = [
  { args: [real([2, 3]), 2], message: "Dimension out of range" },
  { args: [real([2, 3]), [0, 0]], message: "dim 0 appears multiple times in the list of dims" },
  { args: [real([2, 3]), 0, { keepDim: true }], message: "unknown option keepDim" },
];

/** Sum over some dimensions, or all; whole numbers and truth values give int32. */
export const sum: Op<Reduce> = primitive({
  name: "sum", inputs: ["input"],
  prepare: (input: Tensor, dim?: Dims, options?: ReduceOptions) =>
    prepareReduction("sum", input, dim, options),
  forward: ([input], over) =>
    reduceOver(total, input, over, [input.dtype === "bool" ? "int32" : input.dtype]),
  gradients: (reads) => ({
    input: reads([], ({ grad, shapes: [shape], attributes }) => restore(grad, shape, attributes)),
  }),
  samples, rejects,
});

void average;
