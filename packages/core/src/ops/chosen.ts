// Which elements of each group a reduction chose: picking them, and sending gradients back to them.
import { variable } from "../expression/expression.ts";
import { accumulator, passes, position, reduction } from "../kernels/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { primitive } from "./define.ts";
import type { Op } from "./op.ts";
import { keepDims, reduceOver, scanOver, type Over } from "./reduce-over.ts";
import type { Shape } from "../shape/dims.ts";
import { expand } from "./view.ts";

const input = variable("input");
const chosen = position.eq(variable("index"));

const picking = reduction({
  inputs: ["input", "index"], initial: [0], steps: [chosen.select(input, accumulator(0))],
  results: [accumulator(0)],
});
const placing = passes({
  inputs: ["input", "index"],
  passes: [{ initial: [], steps: [], stores: [chosen.select(input, 0)] }],
});

/** The element at position `index` of each group; positions count row-major over the dimensions. */
export const pick: Op<(input: Tensor, index: Tensor, over: Over) => Tensor> = primitive({
  name: "pick", inputs: ["input", "index"], batches: true,
  prepare: (input: Tensor, index: Tensor, over: Over) =>
    ({ inputs: [input, index], attributes: over }),
  forward: ([input, index], over) => reduceOver(picking,
    [input, keepDims(index, input.shape, over)], over, [input.dtype]),
  gradients: (reads) => ({
    input: reads(["index"], ({ grad, index, shapes: [shape], attributes }) =>
      place(grad, index, { shape, over: attributes })),
    index: null,
  }),
  samples: [],
});

/** Where `place` puts its elements. */
interface Target { readonly shape: Shape; readonly over: Over }

/** Zeros of the shape that was reduced, with an element at position `index` of each group. */
const place: Op<(input: Tensor, index: Tensor, target: Target) => Tensor> = primitive({
  name: "place", inputs: ["input", "index"], batches: true,
  prepare: (input: Tensor, index: Tensor, target: Target) =>
    ({ inputs: [input, index], attributes: target }),
  forward: ([input, index], { shape, over }) => scanOver(placing,
    [expand(keepDims(input, shape, over), shape), keepDims(index, shape, over)], over),
  gradients: (reads) => ({
    input: reads(["index"], ({ grad, index, attributes: { over } }) => pick(grad, index, over)),
    index: null,
  }),
  samples: [],
});

const result = variable("result");

function sharing(value: typeof input) {
  const isChosen = value.eq(result).or(value.isNaN().and(result.isNaN()));
  return passes({
    inputs: ["input", "result"],
    passes: [
      { initial: [0], steps: [isChosen.select(accumulator(0).add(1), accumulator(0))] },
      { initial: [], steps: [], stores: [isChosen.select(accumulator(0).reciprocal(), 0)] },
    ],
  });
}
const sharesOfEqual = sharing(input);
const sharesOfAbsolute = sharing(input.abs());

/**
 * `1 / n` for the `n` elements of each group that equal its result, 0 for the others: how ties
 * share a gradient. NaN equals NaN. With `absolute`, absolute values are compared. Not recorded.
 */
export function shares(input: Tensor, result: Tensor, over: Over, absolute = false): Tensor {
  return scanOver(absolute ? sharesOfAbsolute : sharesOfEqual,
    [input, keepDims(result, input.shape, over)], over);
}
