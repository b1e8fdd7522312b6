// Gradients of softmax and its like over some dimensions, differentiable themselves.
import { variable } from "../expression/expression.ts";
import { accumulator, passes } from "../kernels/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul, sub } from "./binary.ts";
import { primitive } from "./define.ts";
import type { Op } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import { scanOver, type Scan } from "./reduce-over.ts";
import { sum } from "./reduction.ts";
import { neg } from "./unary.ts";

const x = variable("input");
const g = variable("cotangent");
const y = variable("result");
const first = accumulator(0);
const second = accumulator(1);

const ofProbabilities = passes({
  inputs: ["cotangent", "result"],
  passes: [
    { initial: [0], steps: [first.add(g.mul(y))] },
    { initial: [], steps: [], stores: [y.mul(g.sub(first))] },
  ],
});
/** Rounding of the result is made up for: the probabilities used add up to 1. */
const ofLogProbabilities = passes({
  inputs: ["cotangent", "result"],
  passes: [
    { initial: [0, 0], steps: [first.add(g), second.add(y.exp())] },
    { initial: [first.div(second)], steps: [accumulator(2)],
      stores: [g.sub(y.exp().mul(accumulator(2)))] },
  ],
});
const exponential = x.sub(second).exp();
const sharesOfTotal = passes({
  inputs: ["input"],
  passes: [
    { initial: [-Infinity], steps: [first.max(x)] },
    { // As in logsumexp, an infinite shift would make ∞ - ∞.
      initial: [first.abs().eq(Infinity).select(0, first), 0],
      steps: [second, accumulator(2).add(exponential)],
    },
    { initial: [], steps: [], stores: [exponential.div(accumulator(2))] },
  ],
});

/** `eˣ / Σ eˣ`, 0 for finite elements beside an infinite one: the derivative of `logsumexp`. */
export const shareOfTotal: Op<(input: Tensor, scan: Scan) => Tensor> = primitive({
  name: "logsumexpBackward", inputs: ["input"], batches: true,
  prepare: (input: Tensor, { dims }: Scan) => ({ inputs: [input], attributes: { dims } }),
  forward: ([input], scan) => scanOver(sharesOfTotal, [input], scan),
  gradients: (reads) => ({
    input: reads(["output"], ({ grad, output, attributes }) =>
      softmaxGradient(grad, output, attributes)),
  }),
  samples: [],
});

type Gradient = (cotangent: Tensor, result: Tensor, scan: Scan) => Tensor;

/** `y (g - Σ g y)`: what reaches the input of `softmax` with the result y. */
export const softmaxGradient: Op<Gradient> = primitive({
  name: "softmaxBackward", inputs: ["cotangent", "result"], batches: true,
  prepare: (cotangent: Tensor, result: Tensor, scan: Scan) =>
    ({ inputs: [cotangent, result], attributes: scan }),
  forward: (inputs, scan) => scanOver(ofProbabilities, inputs, scan),
  gradients: (reads) => ({
    cotangent: reads(["result"], ({ grad, result, attributes }) =>
      softmaxGradient(grad, result, attributes)),
    result: reads(["cotangent", "result"], ({ grad, cotangent, result, attributes }) =>
      crossed(grad, cotangent, totalOf(mul(cotangent, result), attributes),
        totalOf(mul(grad, result), attributes))),
  }),
  samples: [],
});

/** `g - eʸ Σ g`: what reaches the input of `logSoftmax` with the result y. */
export const logSoftmaxGradient: Op<Gradient> = primitive({
  name: "logSoftmaxBackward", inputs: ["cotangent", "result"], batches: true,
  prepare: (cotangent: Tensor, result: Tensor, scan: Scan) =>
    ({ inputs: [cotangent, result], attributes: scan }),
  forward: (inputs, scan) => scanOver(ofLogProbabilities, inputs, scan),
  gradients: (reads) => ({
    cotangent: reads(["result"], ({ grad, result, attributes }) =>
      sub(grad, totalOf(weighted(grad, result), attributes))),
    result: reads(["cotangent", "result"], ({ grad, cotangent, result, attributes }) =>
      neg(mul(weighted(grad, result), totalOf(cotangent, attributes)))),
  }),
  samples: [],
});

const totalOf = (tensor: Tensor, { dims }: Scan) =>
  dims.length === 0 ? tensor : sum(tensor, dims, { keepdim: true });

/** `a eᵇ`. */
const weighted: Op<(a: Tensor, b: Tensor) => Tensor> = pointwise({
  name: "weighted", inputs: ["a", "b"], expression: ({ a, b }) => a.mul(b.exp()), samples: [],
});

/** `a (b - p) - b q`. */
const crossed: Op<(a: Tensor, b: Tensor, p: Tensor, q: Tensor) => Tensor> = pointwise({
  name: "crossed", inputs: ["a", "b", "p", "q"],
  expression: ({ a, b, p, q }) => a.mul(b.sub(p)).sub(b.mul(q)), samples: [],
});
