// Ops that look each element up by an index of its own, and their reverse.
import { fail, show } from "../errors.ts";
import { moveAlong } from "../kernels/gather.ts";
import { broadcastShapes } from "../shape/broadcast.ts";
import { normalizeDim, showShape, type Shape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { full } from "./creation.ts";
import { primitive } from "./define.ts";
import { asIntegers, checkPositions } from "./integer.ts";
import { forHost, Placed } from "../storage/place.ts";
import { copyOf, fresh, operand } from "./memory.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { ravel } from "./rearrange.ts";
import { integers, real } from "./sample.ts";
import { expand, narrow } from "./view.ts";

/** Moves elements between `values` and the places of `table` that `index` names along `dim`. */
function move(
  table: Tensor, dim: number, index: Tensor, values: Tensor, mode: "read" | "write" | "add",
): void {
  const { shape } = index;
  const strides = table.strides.map((step, d) => d === dim ? 0 : step);
  const place = new Placed(table.storage, strides, table.offset);
  const others = operand(values, shape);
  forHost([mode === "read" ? others : place]);
  moveAlong(shape, place, table.strides[dim] ?? 0, operand(index, shape), others, mode);
}

/** Checks an index against what it looks up; gives it as int32. */
function checkIndex(op: string, input: Tensor, dim: number, given: Tensor): Tensor {
  const index = asIntegers(op, "index", given);
  const { shape } = input;
  if (Math.max(index.ndim, 1) !== Math.max(input.ndim, 1)) {
    fail(op, "Index tensor must have the same number of dimensions as input tensor: " +
      `shapes ${showShape(index.shape)} and ${showShape(shape)}`);
  }
  const large = index.shape.findIndex((size, d) => d !== dim && size > (shape[d] ?? 1));
  if (large >= 0 && index.numel() > 0) {
    fail(op, `Size does not match at dimension ${large} expected index ` +
      `${showShape(index.shape)} to be smaller than self ${showShape(shape)} apart from ` +
      `dimension ${dim}`);
  }
  checkPositions(op, index, dim, shape[dim] ?? 1);
  return index;
}

/**
 * Elements looked up along `dim`: `result[i, j] = input[index[i, j], j]` for `dim` 0. The index has
 * as many dimensions as the input and is not broadcast; the result has its shape.
 * @see https://pytorch.org/docs/stable/generated/torch.gather.html
 */
export const gather: Op<(input: Tensor, dim: number, index: Tensor) => Tensor> = primitive({
  name: "gather", inputs: ["input", "index"], multilinear: true,
  prepare(input: Tensor, dim: number, index: Tensor) {
    checkTensor("gather", "input", input);
    const axis = normalizeDim("gather", dim, input.ndim);
    return { inputs: [input, checkIndex("gather", input, axis, index)], attributes: { dim: axis } };
  },
  forward([input, index], { dim }) {
    const result = fresh(index.shape, input.dtype);
    move(input, dim, index, result, "read");
    return result;
  },
  gradients: (reads) => ({
    input: reads(["index"], ({ grad, index, shapes: [shape], attributes: { dim } }) =>
      scatterAdd(fresh(shape, grad.dtype), dim, index, grad)),
    index: null,
  }),
  samples: [
    [real([2, 3]), 1, integers([2, 4], 3)], [real([3, 2, 2]), 0, integers([5, 1, 2], 3)],
    [real([4]), -1, integers([2], 4)], [real([2, 3]), 1, integers([0, 3], 3)],
  ],
  rejects: [
    { args: [real([2, 3]), 1, integers([1], 1)], message: "same number of dimensions as input" },
    {
      args: [real([2, 3]), 1, integers([3, 1], 1)],
      message: "Size does not match at dimension 0 expected index [3, 1] to be smaller than " +
        "self [2, 3] apart from dimension 1",
    },
    {
      args: [real([2, 3]), 1, integers([1, 1], 4, 3)],
      message: "index 3 is out of bounds for dimension 1 with size 3",
    },
    { args: [real([3]), 0, real([2], 0.1, 0.9)], message: "whole numbers for argument index" },
  ],
});

/** `gather` with index and input broadcast to each other; without `dim`, of the flat tensor. */
export const takeAlongDim: Op<(input: Tensor, index: Tensor, dim?: number) => Tensor> = composite({
  name: "takeAlongDim",
  call(input: Tensor, index: Tensor, dim?: number) {
    checkTensor("takeAlongDim", "input", input);
    checkTensor("takeAlongDim", "index", index);
    if (dim === undefined) return gather(ravel(input), 0, ravel(index));
    const axis = normalizeDim("takeAlongDim", dim, input.ndim);
    if (index.ndim !== input.ndim) {
      fail("takeAlongDim", "input and indices should have the same number of dimensions, but got " +
        `${input.ndim} dimensions for input, and ${index.ndim} dimensions for indices`);
    }
    const common = broadcastShapes("takeAlongDim",
      input.shape.with(axis, 1), index.shape.with(axis, 1));
    return gather(expand(input, common.with(axis, input.shape[axis])), axis,
      expand(index, common.with(axis, index.shape[axis])));
  },
  samples: [
    [real([2, 3]), integers([2, 3], 3), 1], [real([2, 3]), integers([1, 2], 3), 1],
    [real([2, 2]), integers([3], 4)],
  ],
  rejects: [{ args: [real([2, 3]), integers([2], 1), 1], message: "same number of dimensions" }],
});

/** Checks the arguments of a scatter; a source larger than the index is cut to its corner. */
function prepareScatter(
  op: string, input: Tensor, dim: number, given: Tensor, source: Tensor | number,
): { inputs: Tensor[]; attributes: { dim: number } } {
  checkTensor(op, "input", input);
  const axis = normalizeDim(op, dim, input.ndim);
  const index = checkIndex(op, input, axis, given);
  if (typeof source === "number") {
    const value = expand(full([], source, { dtype: input.dtype }), index.shape);
    return { inputs: [input, index, value], attributes: { dim: axis } };
  }
  checkTensor(op, "src", source);
  if (source.dtype !== input.dtype) {
    fail(op, "Expected self.dtype to be equal to src.dtype: " +
      `${input.dtype} and ${source.dtype}`);
  }
  if (Math.max(source.ndim, 1) !== Math.max(index.ndim, 1) ||
    index.shape.some((size, d) => size > (source.shape[d] ?? 1))) {
    fail(op, `Expected index ${showShape(index.shape)} to be smaller size than src ` +
      showShape(source.shape));
  }
  return { inputs: [input, index, corner(source, index.shape)], attributes: { dim: axis } };
}

function corner(source: Tensor, shape: Shape): Tensor {
  return shape.reduce((part, size, dim) =>
    part.shape[dim] === size ? part : narrow(part, dim, 0, size), source);
}

function scattered(
  [input, index, source]: readonly Tensor[], dim: number, mode: "write" | "add",
): Tensor {
  const result = copyOf(input);
  move(result, dim, index, source, mode);
  return result;
}

const scatterSamples = [
  [real([2, 3]), 1, integers([2, 2], 3), real([2, 2])],
  [real([4, 2]), 0, integers([3, 1], 4), real([3, 2])],
  [real([4]), 0, integers([0], 4), real([2])],
];
const scatterRejects = [
  {
    args: [real([2, 3]), 1, integers([1, 1], 4, 3), real([1, 1])],
    message: "index 3 is out of bounds for dimension 1 with size 3",
  },
  { args: [real([3]), 0, integers([2], 3), real([1])], message: "to be smaller size than src [1]" },
];

/**
 * A copy with elements replaced: `result[index[i, j], j] = src[i, j]` for `dim` 0. Where the index
 * names a place twice, the last one is kept.
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_.html
 */
export const scatter: Op<(
  input: Tensor, dim: number, index: Tensor, src: Tensor | number,
) => Tensor> = primitive({
  name: "scatter", inputs: ["input", "index", "src"],
  prepare: (input: Tensor, dim: number, index: Tensor, src: Tensor | number) =>
    prepareScatter("scatter", input, dim, index, src),
  forward: (inputs, { dim }) => scattered(inputs, dim, "write"),
  gradients: (reads) => ({
    input: reads(["index"], ({ grad, index, attributes: { dim } }) => scatter(grad, dim, index, 0)),
    index: null,
    src: reads(["index"], ({ grad, index, attributes: { dim } }) => gather(grad, dim, index)),
  }),
  samples: [
    [real([2, 3]), 1, integers([2, 1], 3), real([2, 1])], [real([4]), 0, integers([1], 4), 2.5],
    [real([3, 2]), 0, integers([1, 2], 3), real([2, 2])],
  ],
  rejects: scatterRejects,
});

/** A copy with elements added: `result[index[i, j], j] += src[i, j]` for `dim` 0, in order. */
export const scatterAdd: Op<(
  input: Tensor, dim: number, index: Tensor, src: Tensor,
) => Tensor> = primitive({
  name: "scatterAdd", inputs: ["input", "index", "src"],
  prepare(input: Tensor, dim: number, index: Tensor, src: Tensor) {
    if (!(src instanceof Tensor)) fail("scatterAdd", `src must be a tensor, got ${show(src)}`);
    return prepareScatter("scatterAdd", input, dim, index, src);
  },
  forward: (inputs, { dim }) => scattered(inputs, dim, "add"),
  gradients: (reads) => ({
    input: reads([], ({ grad }) => grad),
    index: null,
    src: reads(["index"], ({ grad, index, attributes: { dim } }) => gather(grad, dim, index)),
  }),
  samples: scatterSamples, rejects: scatterRejects,
});

