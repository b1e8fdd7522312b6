// The views that all others are made of: sizes, order, repetition and range of dimensions.
import { fail, show } from "../errors.ts";
import { broadcastStrides, broadcastsTo } from "../shape/broadcast.ts";
import { allDims, normalizeDim, showShape, type Shape } from "../shape/dims.ts";
import { narrowed, viewStrides } from "../shape/layout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { view as defineView } from "./define.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { real } from "./sample.ts";
import { clone } from "./convert.ts";

/** Sizes as an array or one by one: `x.view([-1, 784])`, `x.view(-1, 784)`. */
export interface Sizes {
  (input: Tensor, shape: Shape): Tensor;
  (input: Tensor, ...shape: number[]): Tensor;
  /** The method form. */
  readonly method: { (shape: Shape): Tensor; (...shape: number[]): Tensor };
}

/** The sizes a user gave, as an array or one by one. */
function sizesOf(op: string, given: readonly unknown[]): Shape {
  const sizes = (given.length === 1 && Array.isArray(given[0]) ? given[0] : given) as number[];
  for (const size of sizes) {
    if (!Number.isSafeInteger(size)) fail(op, `sizes must be whole numbers, got ${show(sizes)}`);
  }
  return sizes;
}

/**
 * A shape in which one size may be -1, filled in.
 * @throws when the elements do not fit
 */
function inferShape(op: string, sizes: Shape, input: Tensor): Shape {
  const count = input.numel();
  const free = sizes.indexOf(-1);
  if (sizes.some((size, i) => size < -1 || (size === -1 && i !== free))) {
    fail(op, sizes.some((size) => size < -1)
      ? `invalid shape dimension in ${showShape(sizes)}` : "only one dimension can be inferred");
  }
  const known = sizes.reduce((product, size) => size === -1 ? product : product * size, 1);
  if (free >= 0 && known === 0) {
    fail(op, `cannot reshape tensor of ${count} elements into shape ${showShape(sizes)} because ` +
      "the unspecified dimension size -1 can be any value and is ambiguous");
  }
  if (free < 0 ? known !== count : count % known !== 0) {
    fail(op, `shape '${showShape(sizes)}' is invalid for input of size ${count}`, { sizes });
  }
  return sizes.map((size) => size === -1 ? count / known : size);
}

/** The same elements in another shape, without a copy; one size may be -1. */
export const view: Op<Sizes> = defineView({
  name: "view",
  prepare(input: Tensor, ...given: unknown[]) {
    checkTensor("view", "input", input);
    const shape = inferShape("view", sizesOf("view", given), input);
    const strides = viewStrides(input, shape);
    if (strides === null) {
      fail("view", "view size is not compatible with input tensor's size and stride (at least " +
        "one dimension spans across two contiguous subspaces). Use .reshape(...) instead. Got " +
        `shape ${showShape(input.shape)} with strides ${showShape(input.strides)} ` +
        `for ${showShape(shape)}`);
    }
    return { input, attributes: { shape } };
  },
  geometry: (layout, { shape }) =>
    ({ shape, strides: viewStrides(layout, shape)!, offset: layout.offset }),
  inverse: (grad, shape) => reshape(grad, shape),
  samples: [[real([2, 6]), [3, 4]], [real([2, 3]), -1], [real([]), 1, 1], [real([0, 2]), [2, 0]]],
  rejects: [{ args: [real([4]), 3], message: "shape '[3]' is invalid for input of size 4" }],
});

/** The same elements in another shape: a view where the strides allow it, else a copy. */
export const reshape: Op<Sizes> = composite({
  name: "reshape",
  call(input: Tensor, ...given: unknown[]) {
    checkTensor("reshape", "input", input);
    const shape = inferShape("reshape", sizesOf("reshape", given), input);
    return viewStrides(input, shape) === null ? view(clone(input), shape) : view(input, shape);
  },
  samples: [[real([2, 6]), [3, 4]], [real([2, 3]), -1], [real([2, 3, 2]), 4, -1]],
  rejects: [{ args: [real([4]), [-1, -1]], message: "only one dimension can be inferred" }],
});

/** Two dimensions swapped. */
export const transpose: Op<(input: Tensor, dim0: number, dim1: number) => Tensor> = defineView({
  name: "transpose",
  prepare(input: Tensor, dim0: number, dim1: number) {
    checkTensor("transpose", "input", input);
    const order = [...allDims(input.ndim)];
    const a = normalizeDim("transpose", dim0, input.ndim);
    const b = normalizeDim("transpose", dim1, input.ndim);
    if (input.ndim > 0) [order[a], order[b]] = [order[b], order[a]];
    return { input, attributes: { order } };
  },
  geometry: ({ shape, strides, offset }, { order }) =>
    ({ shape: order.map((dim) => shape[dim]), strides: order.map((dim) => strides[dim]), offset }),
  inverse: (grad, _, { order }) => permute(grad, order),
  samples: [[real([2, 3]), 0, 1], [real([2, 3, 4]), 0, -1], [real([]), 0, -1]],
  rejects: [{ args: [real([2, 3]), 0, 2], message: "Dimension out of range" }],
});

/** All dimensions in a new order. */
export const permute: Op<Sizes> = defineView({
  name: "permute",
  prepare(input: Tensor, ...given: unknown[]) {
    checkTensor("permute", "input", input);
    const dims = sizesOf("permute", given);
    const order = dims.map((dim) => normalizeDim("permute", dim, input.ndim));
    if (order.length !== input.ndim || new Set(order).size !== order.length) {
      fail("permute", `dims ${showShape(dims)} must name each of the ${input.ndim} dimensions ` +
        `of shape ${showShape(input.shape)} once`);
    }
    return { input, attributes: { order } };
  },
  geometry: ({ shape, strides, offset }, { order }) =>
    ({ shape: order.map((dim) => shape[dim]), strides: order.map((dim) => strides[dim]), offset }),
  inverse: (grad, _, { order }) => permute(grad, order.map((_, dim) => order.indexOf(dim))),
  samples: [[real([2, 3, 4]), 2, 0, 1], [real([2, 3]), [1, 0]]],
  rejects: [{ args: [real([2, 3]), 0, 0], message: "must name each" }],
});

/** Sizes 1 repeated to a larger shape without a copy; -1 keeps a size. */
export const expand: Op<Sizes> = defineView({
  name: "expand",
  prepare(input: Tensor, ...given: unknown[]) {
    checkTensor("expand", "input", input);
    const target = sizesOf("expand", given);
    const extra = target.length - input.ndim;
    if (extra < 0) {
      fail("expand", `the number of sizes provided (${target.length}) must be greater or equal ` +
        `to the number of dimensions in the tensor (${input.ndim})`);
    }
    const shape = target.map((size, i) => {
      const own = i < extra ? 1 : input.shape[i - extra];
      if (size === -1 && i < extra) {
        fail("expand", `The expanded size of the tensor (-1) isn't allowed in a leading, ` +
          `non-existing dimension ${i}`);
      }
      if (size < -1) fail("expand", `invalid size ${size} in ${showShape(target)}`);
      return size === -1 ? own : size;
    });
    if (!broadcastsTo(input.shape, shape)) {
      const dim = shape.findIndex((size, i) =>
        i >= extra && input.shape[i - extra] !== 1 && input.shape[i - extra] !== size);
      fail("expand", `The expanded size of the tensor (${shape[dim]}) must match the existing ` +
        `size (${input.shape[dim - extra]}) at non-singleton dimension ${dim}.  ` +
        `Target sizes: ${showShape(target)}.  Tensor sizes: ${showShape(input.shape)}`);
    }
    return { input, attributes: { shape } };
  },
  geometry: (layout, { shape }) => ({
    shape, strides: broadcastStrides(layout.shape, layout.strides, shape), offset: layout.offset,
  }),
  inverse: (grad) => grad, // the engine sums over what was repeated
  samples: [[real([3, 1]), 2, 3, 4], [real([2]), [3, -1]], [real([]), 2]],
  rejects: [{ args: [real([2]), 3], message: "must match the existing size (2)" }],
});

/** Attributes of a range of one dimension. */
interface Range { readonly dim: number; readonly start: number; readonly length: number }

/** `length` neighbours of one dimension, from `start`. */
export const narrow: Op<(input: Tensor, dim: number, start: number, length: number) => Tensor> =
  defineView({
    name: "narrow",
    prepare(input: Tensor, dim: number, start: number, length: number) {
      checkTensor("narrow", "input", input);
      if (input.ndim === 0) fail("narrow", "narrow() cannot be applied to a 0-dim tensor.");
      const axis = normalizeDim("narrow", dim, input.ndim);
      const size = input.shape[axis];
      const first = start < 0 ? start + size : start;
      if (!Number.isInteger(length) || length < 0) {
        fail("narrow", `narrow(): length must be non-negative and whole, got ${show(length)}`);
      }
      if (!Number.isInteger(start) || first < 0 || first + length > size) {
        fail("narrow", `start (${start}) + length (${length}) exceeds dimension size (${size}).`);
      }
      return { input, attributes: { dim: axis, start: first, length } };
    },
    geometry: (layout, { dim, start, length }: Range) => narrowed(layout, dim, start, length),
    samples: [[real([4, 3]), 0, 1, 2], [real([2, 5]), -1, 0, 3], [real([2, 3]), 1, -2, 0]],
    rejects: [{ args: [real([4]), 0, 2, 3], message: "exceeds dimension size (4)" }],
  });
