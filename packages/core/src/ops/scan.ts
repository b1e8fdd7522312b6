// Running sums and products along one dimension, accumulated in float64.
import { variable } from "../expression/expression.ts";
import { accumulator, passes } from "../kernels/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./binary.ts";
import { to } from "./convert.ts";
import { primitive } from "./define.ts";
import { composite, type Op } from "./op.ts";
import { exclusiveProduct } from "./recurrence.ts";
import {
  accumulated, prepareScan, scanOver, type DTypeOptions, type Scan,
} from "./reduce-over.ts";
import { integers, real } from "./sample.ts";

/** A running total along one dimension. */
export type Cumulative = (input: Tensor, dim: number, options?: DTypeOptions) => Tensor;

const runningSum = passes({
  inputs: ["input"],
  passes: [{
    initial: [0], steps: [accumulator(0).add(variable("input"))], stores: [accumulator(0)],
  }],
});

const samples = [
  [real([2, 3]), 1], [real([3, 2, 2]), -3], [real([4]), 0], [real([0, 2]), 0], [real([]), 0],
  [integers([4], 5), 0], [real([3]), 0, { dtype: "float64" }],
];
const rejects = [
  { args: [real([2, 3]), 2], message: "Dimension out of range" },
  { args: [real([2, 3])], message: "dim is required" },
];

/** `y[k] = x[0] + … + x[k]` along `dim`; whole numbers and truth values give int32. */
export const cumsum: Op<Cumulative> = primitive({
  name: "cumsum", inputs: ["input"], batches: true, formula: "Σ_{j ≤ k} xⱼ",
  prepare: (input: Tensor, dim: number, options?: DTypeOptions) =>
    prepareScan("cumsum", input, dim, options, ["dtype"]),
  forward: ([input], scan: Scan) =>
    scanOver(runningSum, [input], scan, accumulated(input.dtype)),
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes }) => sumOfRest(grad, attributes)),
  }),
  samples, rejects,
});

/** `y[k] = x[k] + … + x[n - 1]`: the gradient of a running sum. */
const sumOfRest: Op<(input: Tensor, scan: Scan) => Tensor> = primitive({
  name: "sumOfRest", inputs: ["input"], batches: true,
  prepare: (input: Tensor, scan: Scan) => ({ inputs: [input], attributes: scan }),
  forward: ([input], { dims }) => scanOver(runningSum, [input], { dims, reverse: true }),
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes: { dims } }) => cumsum(grad, dims[0] ?? 0)),
  }),
  samples: [],
});

/** `y[k] = x[0] ⋯ x[k]` along `dim`; its gradient is exact at zeros. */
export const cumprod: Op<Cumulative> = composite({
  name: "cumprod", formula: "Π_{j ≤ k} xⱼ",
  call(input: Tensor, dim: number, options?: DTypeOptions) {
    const { inputs: [source], attributes } =
      prepareScan("cumprod", input, dim, options, ["dtype"]);
    const factors = source.dtype === "bool" ? to(source, "int32") : source;
    return mul(exclusiveProduct(factors, attributes), factors);
  },
  samples, rejects,
});
