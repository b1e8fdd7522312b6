// Exponentials normalised along one dimension, and their logarithms. Only the result is saved.
import { variable } from "../expression/expression.ts";
import { accumulator, passes } from "../kernels/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { primitive } from "./define.ts";
import { composite, type Op } from "./op.ts";
import { checkFloat, prepareScan, scanOver, type DTypeOptions } from "./reduce-over.ts";
import { real } from "./sample.ts";
import { logSoftmaxGradient, softmaxGradient } from "./softmax-gradient.ts";
import { neg } from "./unary.ts";

/** A normalisation along one dimension. */
export type Normalise = (input: Tensor, dim: number, options?: DTypeOptions) => Tensor;

const x = variable("input");
const largest = accumulator(0);
const total = accumulator(1);
const findLargest = { initial: [-Infinity], steps: [largest.max(x)] };
const addExponentials = { initial: [0], steps: [total.add(x.sub(largest).exp())] };

const probabilities = passes({
  inputs: ["input"],
  passes: [findLargest, addExponentials,
    { initial: [], steps: [], stores: [x.sub(largest).exp().div(total)] }],
});
const logarithm = accumulator(2);
const logProbabilities = passes({
  inputs: ["input"],
  passes: [findLargest, addExponentials,
    { initial: [total.log()], steps: [logarithm], stores: [x.sub(largest).sub(logarithm)] }],
});

const samples = [
  [real([2, 3]), 1], [real([3, 2, 2]), -2], [real([4]), 0], [real([0, 2]), 1], [real([]), 0],
  [real([3]), 0, { dtype: "float64" }],
];
const rejects = [
  { args: [real([2, 3]), 2], message: "Dimension out of range" },
  { args: [real([2, 3])], message: "dim is required" },
];

function prepareSoftmax(op: string, input: Tensor, dim: number, options?: DTypeOptions) {
  const prepared = prepareScan(op, input, dim, options, ["dtype"]);
  const [{ dtype }] = prepared.inputs;
  checkFloat(op, prepared.inputs[0],
    `not implemented for '${dtype}': the input must be floating point`);
  return prepared;
}

/** `exp(x) / Σ exp(x)` along `dim`: numbers from 0 to 1 that add up to 1. */
export const softmax: Op<Normalise> = primitive({
  name: "softmax", inputs: ["input"], batches: true, formula: "eˣ / Σ eˣ",
  prepare: (input: Tensor, dim: number, options?: DTypeOptions) =>
    prepareSoftmax("softmax", input, dim, options),
  forward: ([input], scan) => scanOver(probabilities, [input], scan),
  gradients: (reads) => ({
    input: reads(["output"], ({ grad, output, attributes }) =>
      softmaxGradient(grad, output, attributes)),
  }),
  samples, rejects,
});

/** `x - log Σ exp(x)` along `dim`, without overflow: the logarithm of `softmax`. */
export const logSoftmax: Op<Normalise> = primitive({
  name: "logSoftmax", inputs: ["input"], batches: true, formula: "x - ln Σ eˣ",
  prepare: (input: Tensor, dim: number, options?: DTypeOptions) =>
    prepareSoftmax("logSoftmax", input, dim, options),
  forward: ([input], scan) => scanOver(logProbabilities, [input], scan),
  gradients: (reads) => ({
    input: reads(["output"], ({ grad, output, attributes }) =>
      logSoftmaxGradient(grad, output, attributes)),
  }),
  samples, rejects,
});

/** `softmax` of the negated input: the smallest element gets the largest share. */
export const softmin: Op<Normalise> = composite({
  name: "softmin", formula: "e⁻ˣ / Σ e⁻ˣ",
  call(input: Tensor, dim: number, options?: DTypeOptions) {
    const { inputs: [source] } = prepareSoftmax("softmin", input, dim, options);
    return softmax(neg(source), dim);
  },
  samples, rejects,
});
