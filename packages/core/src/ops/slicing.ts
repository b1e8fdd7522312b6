// Views of parts of a tensor: single positions, ranges, windows, and division into pieces.
import { several } from "../autograd/views.ts";
import { fail, show } from "../errors.ts";
import { normalizeDim, showShape } from "../shape/dims.ts";
import { resolveRange } from "../shape/range.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { view as defineView } from "./define.ts";
import { checkOptions, checkTensor, composite, type Op } from "./op.ts";
import { real } from "./sample.ts";
import { narrow } from "./view.ts";

/** A range of positions; negative ones count from the end. */
export interface SliceOptions {
  /** First position. Default 0. */
  readonly start?: number | null;
  /** Position to stop before. Default: the end. */
  readonly end?: number | null;
  /** Distance of neighbours, positive. Default 1. */
  readonly step?: number;
}

/** One position of a dimension, which is dropped. */
export const select: Op<(input: Tensor, dim: number, index: number) => Tensor> = defineView({
  name: "select",
  prepare(input: Tensor, dim: number, index: number) {
    checkTensor("select", "input", input);
    if (input.ndim === 0) fail("select", "select() cannot be applied to a 0-dim tensor.");
    const axis = normalizeDim("select", dim, input.ndim);
    const size = input.shape[axis];
    if (!Number.isInteger(index) || index < -size || index >= size) {
      fail("select", `select(): index ${show(index)} out of range for tensor of size ` +
        `${showShape(input.shape)} at dimension ${axis}`);
    }
    return { input, attributes: { dim: axis, index: index < 0 ? index + size : index } };
  },
  geometry: ({ shape, strides, offset }, { dim, index }) => ({
    shape: shape.toSpliced(dim, 1), strides: strides.toSpliced(dim, 1),
    offset: offset + index * strides[dim],
  }),
  samples: [[real([3, 4]), 1, -1], [real([2, 3, 2]), -2, 2], [real([3]), 0, 1]],
  rejects: [
    { args: [real([3]), 0, 3], message: "index 3 out of range for tensor of size [3]" },
    { args: [real([]), 0, 0], message: "cannot be applied to a 0-dim tensor" },
  ],
});

/** A range of positions of a dimension: `x.slice(0, { start: 1, end: -1, step: 2 })`. */
export const slice: Op<(input: Tensor, dim: number, options?: SliceOptions) => Tensor> =
  defineView({
    name: "slice",
    prepare(input: Tensor, dim: number, options?: SliceOptions) {
      checkTensor("slice", "input", input);
      checkOptions("slice", options, ["start", "end", "step"]);
      if (input.ndim === 0) fail("slice", "slice() cannot be applied to a 0-dim tensor.");
      const axis = normalizeDim("slice", dim, input.ndim);
      const { start, end, step = 1 } = options ?? {};
      return {
        input,
        attributes: { dim: axis, ...resolveRange("slice", start, end, step, input.shape[axis]) },
      };
    },
    geometry: ({ shape, strides, offset }, { dim, start, length, step }) => ({
      shape: shape.with(dim, length), strides: strides.with(dim, strides[dim] * step),
      offset: offset + start * strides[dim],
    }),
    samples: [
      [real([5, 2]), 0, { start: 1, step: 2 }], [real([2, 4]), -1, { start: -3, end: -1 }],
      [real([3]), 0, { start: 5 }], [real([3]), 0],
    ],
    rejects: [{ args: [real([3]), 0, { step: 0 }], message: "step must be greater than zero" }],
  });

/** Windows of `size` neighbours, `step` apart, as a new last dimension; they may overlap. */
export const unfold: Op<(input: Tensor, dim: number, size: number, step: number) => Tensor> =
  defineView({
    name: "unfold",
    prepare(input: Tensor, dim: number, size: number, step: number) {
      checkTensor("unfold", "input", input);
      if (input.ndim === 0) fail("unfold", "a 0-dim tensor has no dimension to unfold");
      const axis = normalizeDim("unfold", dim, input.ndim);
      if (!Number.isInteger(size) || size < 0 || size > input.shape[axis]) {
        fail("unfold", `maximum size for tensor at dimension ${axis} is ${input.shape[axis]} ` +
          `but size is ${show(size)}`);
      }
      if (!Number.isInteger(step) || step <= 0) {
        fail("unfold", `step is ${show(step)} but must be > 0`);
      }
      return { input, attributes: { dim: axis, size, step } };
    },
    geometry: ({ shape, strides, offset }, { dim, size, step }) => ({
      shape: [...shape.with(dim, Math.floor((shape[dim] - size) / step) + 1), size],
      strides: [...strides.with(dim, strides[dim] * step), strides[dim]], offset,
    }),
    samples: [[real([2, 7]), 1, 3, 2], [real([5, 2]), 0, 4, 1], [real([6]), -1, 2, 2]],
    rejects: [{
      args: [real([3]), 0, 4, 1], message: "maximum size for tensor at dimension 0 is 3",
    }],
  });

/** Pieces of the given sizes, one after the other. */
function pieces(input: Tensor, dim: number, sizes: readonly number[]): Tensor[] {
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return narrow(input, dim, start - size, size);
  });
}

/** Sizes of pieces of `size` each; the last takes what is left. */
function evenSizes(total: number, size: number): number[] {
  const count = Math.max(Math.ceil(total / size), 1);
  return Array.from({ length: count }, (_, i) => Math.min(size, total - i * size));
}

/**
 * Views of consecutive pieces of a dimension: of one size each (the last takes what is left), or of
 * the sizes given, which must add up.
 */
export const split: Op<(
  input: Tensor, sizes: number | readonly number[], dim?: number,
) => Tensor[]> = composite({
  name: "split",
  call(input: Tensor, sizes, dim = 0) {
    const axis = checkPieces("split", input, dim);
    const total = input.shape[axis];
    const given = [sizes].flat();
    if (!given.every((size) => Number.isInteger(size) && size >= 0)) {
      fail("split", `split expects split_size be non-negative, but got split_size=${show(sizes)}`);
    }
    if (typeof sizes === "number") {
      if (sizes === 0 && total > 0) {
        fail("split", "split_size can only be 0 if dimension size is 0, but got dimension size " +
          `of ${total}`);
      }
      return several("SplitBackward0",
        pieces(input, axis, sizes === 0 ? [0] : evenSizes(total, sizes)));
    }
    if (given.reduce((sum, size) => sum + size, 0) !== total) {
      fail("split", `split_with_sizes expects split_sizes to sum exactly to ${total} (input ` +
        `tensor's size at dimension ${axis}), but got split_sizes=${showShape(given)}`);
    }
    return several("SplitWithSizesBackward0", pieces(input, axis, given));
  },
  samples: [[real([2, 5]), [2, 3], 1], [real([2, 6]), 4, -1], [real([5]), 2]],
  rejects: [
    { args: [real([5]), [2, 2]], message: "split_sizes to sum exactly to 5" },
    { args: [real([5]), -1], message: "be non-negative, but got split_size=-1" },
  ],
});

function checkPieces(op: string, input: Tensor, dim: number): number {
  checkTensor(op, "input", input);
  if (input.ndim === 0) fail(op, `${op} expects at least a 1-dimensional tensor`);
  return normalizeDim(op, dim, input.ndim);
}

/** At most `chunks` views of consecutive pieces, all of size `⌈size / chunks⌉` but the last. */
export const chunk: Op<(input: Tensor, chunks: number, dim?: number) => Tensor[]> = composite({
  name: "chunk",
  call(input: Tensor, chunks: number, dim = 0) {
    const axis = checkPieces("chunk", input, dim);
    if (!Number.isInteger(chunks) || chunks <= 0) {
      fail("chunk", `chunk expects \`chunks\` to be greater than 0, got: ${show(chunks)}`);
    }
    const total = input.shape[axis];
    const size = Math.ceil(total / chunks);
    return several("SplitBackward0", pieces(input, axis,
      size === 0 ? new Array<number>(chunks).fill(0) : evenSizes(total, size)));
  },
  samples: [[real([5, 2]), 4], [real([2]), 4], [real([2, 7]), 4, -1]],
  rejects: [{ args: [real([5]), 0], message: "to be greater than 0, got: 0" }],
});

/** Views of pieces: so many, equal but for one element, or divided at the positions given. */
export const tensorSplit: Op<(
  input: Tensor, sectionsOrIndices: number | readonly number[], dim?: number,
) => Tensor[]> = composite({
  name: "tensorSplit",
  call(input: Tensor, sectionsOrIndices, dim = 0) {
    const axis = checkPieces("tensorSplit", input, dim);
    const total = input.shape[axis];
    if (typeof sectionsOrIndices === "number") {
      const count = sectionsOrIndices;
      if (!Number.isInteger(count) || count <= 0) {
        fail("tensorSplit", `number of sections must be larger than 0, got ${show(count)}`);
      }
      return pieces(input, axis, Array.from({ length: count }, (_, i) =>
        Math.floor(total / count) + (i < total % count ? 1 : 0)));
    }
    const bounds = [0, ...sectionsOrIndices, total];
    return bounds.slice(1).map((end, i) => slice(input, axis, { start: bounds[i], end }));
  },
  samples: [[real([7]), 3], [real([5]), [2, 2]], [real([2, 5]), [1, -1], 1]],
  rejects: [{ args: [real([5]), 0], message: "number of sections must be larger than 0" }],
});

/** A view of every position of a dimension, which is dropped. */
export const unbind: Op<(input: Tensor, dim?: number) => Tensor[]> = composite({
  name: "unbind",
  call(input: Tensor, dim = 0) {
    checkTensor("unbind", "input", input);
    if (input.ndim === 0) {
      fail("unbind", `Dimension specified as ${dim} but tensor has no dimensions`);
    }
    const axis = normalizeDim("unbind", dim, input.ndim);
    return several("UnbindBackward0",
      Array.from({ length: input.shape[axis] }, (_, i) => select(input, axis, i)));
  },
  samples: [[real([3, 2])], [real([2, 2, 2]), -1]],
  rejects: [{ args: [real([])], message: "tensor has no dimensions" }],
});
