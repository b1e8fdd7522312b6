// Vector norms over some dimensions.
import { fail, show } from "../errors.ts";
import { variable, type Expression } from "../expression/expression.ts";
import { accumulator, reduction, type Reduction } from "../kernels/reduce.ts";
import type { Dims } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./binary.ts";
import { primitive } from "./define.ts";
import { fresh } from "./memory.ts";
import type { Op } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import {
  checkFloat, keepDims, prepareReduction, reduceOver, type Over, type ReduceOptions,
} from "./reduce-over.ts";
import { distinct, integers, real } from "./sample.ts";
import { shares } from "./chosen.ts";

/** A norm of order `p` over one dimension, several or all. */
export type Norm = (input: Tensor, p?: number, dim?: Dims, options?: ReduceOptions) => Tensor;

interface NormOver extends Over { readonly p: number }

/** What a gradient rule of a norm is given; `grad` and `norm` broadcast to the input. */
interface Parts {
  readonly grad: Tensor;
  readonly input: Tensor;
  readonly norm: Tensor;
  readonly over: NormOver;
}

/** How norms of some order are computed. */
interface Order {
  readonly program: Reduction;
  readonly gradient: (parts: Parts) => Tensor;
}

const size = variable("input").abs();
const running = accumulator(0);
const order = (step: Expression, result: Expression = running, start = 0) =>
  reduction({ inputs: ["input"], scalars: ["p"], initial: [start], steps: [step],
    results: [result] });

const extremeGradient = ({ grad, input, norm, over }: Parts) =>
  mul(shares(input, norm, over, true), signed(grad, input));

const orders: ReadonlyMap<number, Order> = new Map<number, Order>([
  [0, {
    program: order(size.eq(0).select(running, running.add(1))),
    gradient: ({ input }) => fresh(input.shape, input.dtype),
  }],
  [1, { program: order(running.add(size)), gradient: ({ grad, input }) => signed(grad, input) }],
  [2, {
    program: order(running.add(size.square()), running.sqrt()),
    gradient: ({ grad, input, norm }) => direction(grad, input, norm),
  }],
  [Infinity, { program: order(running.max(size)), gradient: extremeGradient }],
  [-Infinity, {
    program: order(running.min(size), running, Infinity), gradient: extremeGradient,
  }],
]);
const p = variable("p");
const anyOrder: Order = {
  program: order(running.add(size.pow(p)), running.pow(p.reciprocal())),
  gradient: ({ grad, input, norm, over }) => powers(grad, input, norm, over.p),
};

/**
 * Norm of order `p`, by default 2, over some dimensions, or all: `(Σ |x|ᵖ)^(1/p)`; the largest and
 * smallest size for ±∞, the number of nonzero elements for 0. The gradient of a norm 0 is 0.
 */
export const norm: Op<Norm> = primitive({
  name: "norm", inputs: ["input"], batches: true, formula: "(Σ |x|ᵖ)^(1/p)",
  prepare(input: Tensor, p: number = 2, dim?: Dims, options?: ReduceOptions) {
    if (typeof p !== "number" || Number.isNaN(p)) {
      fail("norm", `p must be a number, got ${show(p)}`);
    }
    const { inputs, attributes } = prepareReduction("norm", input, dim, options);
    checkFloat("norm", input, "input dtype should be either floating point or complex");
    if (p === -Infinity) checkNotEmpty(input, attributes);
    return { inputs, attributes: { ...attributes, p } };
  },
  forward: ([input], over: NormOver) =>
    reduceOver((orders.get(over.p) ?? anyOrder).program, input, over, [input.dtype], [over.p]),
  gradients: (reads) => ({
    input: reads(["input", "output"], ({ grad, input, output, attributes: over }) =>
      (orders.get(over.p) ?? anyOrder).gradient({
        grad: keepDims(grad, input.shape, over), input,
        norm: keepDims(output, input.shape, over), over,
      })),
  }),
  samples: [
    [real([2, 3])], [real([2, 3, 2]), 2, 1], [real([2, 3, 2]), 2, [0, -1], { keepdim: true }],
    [real([2, 3]), 1, 0], [distinct([2, 3]), Infinity, 1], [distinct([2, 3]), -Infinity],
    [real([2, 3], 0.5, 2), 3, 1], [real([2, 3], 0.5, 2), 0.5], [real([4], -2, -0.5), 1.5, 0],
    [real([2, 3], 0.5, 2), 0, 1], [real([])],
  ],
  kinks: [0],
  rejects: [
    { args: [real([2, 3]), 2, 2], message: "Dimension out of range" },
    { args: [real([2, 3]), "nuc"], message: "p must be a number" },
    { args: [integers([3], 5)], message: "input dtype should be either floating point" },
  ],
});

/** @throws where a smallest size is asked of no elements */
function checkNotEmpty({ shape }: Tensor, { dims }: Over): void {
  const empty = dims.find((dim) => shape[dim] === 0);
  if (empty !== undefined) {
    fail("norm", `Expected reduction dim ${empty} to have non-zero size for p = -Infinity`);
  }
}

const signed: Op<(cotangent: Tensor, input: Tensor) => Tensor> = pointwise({
  name: "normBackward", inputs: ["cotangent", "input"],
  expression: ({ cotangent, input }) => cotangent.mul(input.sign()), samples: [],
});

/** `g x / ‖x‖`, 0 where the norm is 0. That has no derivative there: it is NaN, as in PyTorch. */
const direction: Op<(cotangent: Tensor, input: Tensor, norm: Tensor) => Tensor> = pointwise({
  name: "normBackward", inputs: ["cotangent", "input", "norm"],
  expression: ({ cotangent, input, norm }) =>
    norm.eq(0).select(0, cotangent.mul(input).div(norm)),
  gradients: {
    norm: ({ grad, cotangent, input, norm }) =>
      grad.mul(cotangent).mul(input).div(norm.square()).neg(),
  },
  samples: [],
});

/** `g sign(x) (|x| / ‖x‖)^(p - 1)`, 0 where x is 0. */
const powers: Op<
  (cotangent: Tensor, input: Tensor, norm: Tensor, p: number) => Tensor
> = pointwise({
  name: "normBackward", inputs: ["cotangent", "input", "norm", "p"],
  expression: ({ cotangent, input, norm, p }) => input.eq(0).or(norm.eq(0)).select(0,
    cotangent.mul(input.sign()).mul(input.abs().div(norm).pow(p.sub(1)))),
  samples: [],
});
