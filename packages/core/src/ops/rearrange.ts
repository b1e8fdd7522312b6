// Views that merge, split, add, drop or reorder dimensions.
import { fail, show } from "../errors.ts";
import {
  allDims, normalizeDim, normalizeDims, numel, showShape, type Dims, type Shape,
} from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { view as defineView } from "./define.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { real } from "./sample.ts";
import { expand, permute, reshape, transpose, view } from "./view.ts";

/** Neighbouring dimensions merged into one: a view where the strides allow it, else a copy. */
export const flatten: Op<(input: Tensor, startDim?: number, endDim?: number) => Tensor> =
  composite({
    name: "flatten",
    call(input: Tensor, startDim = 0, endDim = -1) {
      checkTensor("flatten", "input", input);
      const first = normalizeDim("flatten", startDim, input.ndim);
      const last = normalizeDim("flatten", endDim, input.ndim);
      if (first > last) {
        fail("flatten", "flatten() has invalid args: startDim cannot come after endDim: " +
          `${startDim} and ${endDim}`);
      }
      const { shape } = input;
      return reshape(input,
        [...shape.slice(0, first), numel(shape.slice(first, last + 1)), ...shape.slice(last + 1)]);
    },
    samples: [[real([2, 3])], [real([2, 3, 4, 2]), 1, 2], [real([])], [real([0, 2])]],
    rejects: [{ args: [real([2, 3]), 1, 0], message: "startDim cannot come after endDim" }],
  });

/** All elements in one dimension: a view where the strides allow it, else a copy. */
export const ravel: Op<(input: Tensor) => Tensor> = composite({
  name: "ravel",
  call(input: Tensor) {
    checkTensor("ravel", "input", input);
    return reshape(input, [input.numel()]);
  },
  samples: [[real([2, 3])], [real([])]],
});

/** One dimension split into several; one of the sizes may be -1. */
export const unflatten: Op<(input: Tensor, dim: number, sizes: Shape) => Tensor> = composite({
  name: "unflatten",
  call(input: Tensor, dim: number, sizes: Shape) {
    checkTensor("unflatten", "input", input);
    const axis = normalizeDim("unflatten", dim, input.ndim);
    if (input.ndim === 0) fail("unflatten", "a 0-dim tensor has no dimension to split");
    if (!Array.isArray(sizes) || sizes.length === 0) {
      fail("unflatten", `sizes must be a non-empty array, got ${show(sizes)}`);
    }
    const size = input.shape[axis];
    const known = numel(sizes.filter((part) => part !== -1));
    const filled = sizes.map((part) => part === -1 ? size / known : part);
    if (sizes.indexOf(-1) !== sizes.lastIndexOf(-1)) {
      fail("unflatten", "only one dimension can be inferred");
    }
    if (!filled.every((part) => Number.isInteger(part) && part >= 0) || numel(filled) !== size) {
      fail("unflatten", `Provided sizes ${showShape(sizes)} don't multiply up to the size of ` +
        `dim ${axis} (${size}) in the input tensor`);
    }
    return view(input, [...input.shape.slice(0, axis), ...filled, ...input.shape.slice(axis + 1)]);
  },
  samples: [[real([2, 6]), 1, [2, 3]], [real([6, 2]), -2, [3, -1]]],
  rejects: [{ args: [real([2, 6]), 1, [4, 2]], message: "don't multiply up to the size of dim 1" }],
});

/** Dimensions of size 1 dropped: all, or those of `dim` that have size 1. */
export const squeeze: Op<(input: Tensor, dim?: Dims) => Tensor> = defineView({
  name: "squeeze",
  prepare(input: Tensor, dim?: Dims) {
    checkTensor("squeeze", "input", input);
    const dims = normalizeDims("squeeze", dim, input.ndim);
    return { input, attributes: { dropped: dims.filter((d) => input.shape[d] === 1) } };
  },
  geometry: ({ shape, strides, offset }, { dropped }) => ({
    shape: shape.filter((_, dim) => !dropped.includes(dim)),
    strides: strides.filter((_, dim) => !dropped.includes(dim)), offset,
  }),
  inverse: (grad, shape) => reshape(grad, shape),
  samples: [
    [real([1, 3, 1])], [real([2, 1, 3]), -2], [real([2, 3]), 1], [real([1, 2, 1, 1]), [0, 1, -1]],
    [real([]), 0],
  ],
  rejects: [{ args: [real([1]), 3], message: "Dimension out of range" }],
});

/** A dimension of size 1 added before position `dim`; -1 adds it at the end. */
export const unsqueeze: Op<(input: Tensor, dim: number) => Tensor> = defineView({
  name: "unsqueeze",
  prepare(input: Tensor, dim: number) {
    checkTensor("unsqueeze", "input", input);
    return { input, attributes: { dim: normalizeDim("unsqueeze", dim, input.ndim + 1) } };
  },
  geometry({ shape, strides, offset }, { dim }) {
    const step = dim < shape.length ? shape[dim] * strides[dim] : 1;
    return { shape: shape.toSpliced(dim, 0, 1), strides: strides.toSpliced(dim, 0, step), offset };
  },
  inverse: (grad, shape) => reshape(grad, shape),
  samples: [[real([3, 2]), -1], [real([3]), 0], [real([2, 2]), -2], [real([]), 0]],
  rejects: [{ args: [real([2]), 3], message: "expected to be in range of [-2, 1]" }],
});

/** A matrix with rows and columns swapped; vectors and scalars stay as they are. */
export const t: Op<(input: Tensor) => Tensor> = composite({
  name: "t",
  call(input: Tensor) {
    checkTensor("t", "input", input);
    if (input.ndim > 2) {
      fail("t", `t() expects a tensor with <= 2 dimensions, but self is ${input.ndim}D`);
    }
    return input.ndim < 2 ? view(input, input.shape) : transpose(input, 0, 1);
  },
  samples: [[real([2, 3])], [real([3])], [real([])]],
  rejects: [{ args: [real([2, 3, 4])], message: "expects a tensor with <= 2 dimensions" }],
});

/** Dimensions moved to other positions; the rest keeps its order. */
export const movedim: Op<(
  input: Tensor, source: number | readonly number[], destination: number | readonly number[],
) => Tensor> = composite({
  name: "movedim",
  call(input: Tensor, source, destination) {
    checkTensor("movedim", "input", input);
    const [from, to] = [source, destination].map((dims) =>
      [dims].flat().map((dim) => normalizeDim("movedim", dim, input.ndim)));
    if (from.length !== to.length) {
      fail("movedim", "Invalid source or destination dims: source has " +
        `${from.length} dims, destination ${to.length}`);
    }
    for (const [name, dims] of [["source", from], ["destination", to]] as const) {
      if (new Set(dims).size !== dims.length) {
        fail("movedim", `repeated dim in \`${name}\` (${showShape(dims)})`);
      }
    }
    if (input.ndim === 0) return view(input, []);
    const rest = allDims(input.ndim).filter((dim) => !from.includes(dim));
    return permute(input, allDims(input.ndim).map((dim) =>
      to.includes(dim) ? from[to.indexOf(dim)] : rest.shift()!));
  },
  samples: [[real([2, 3, 4]), 0, 2], [real([2, 3, 4]), [0, 1], [-1, -2]]],
  rejects: [{ args: [real([2, 3]), [0, 0], [0, 1]], message: "repeated dim in `source`" }],
});

/** Two dimensions swapped: `transpose` under its NumPy name. */
export const swapaxes: Op<(input: Tensor, axis0: number, axis1: number) => Tensor> = composite({
  name: "swapaxes",
  call: (input: Tensor, axis0: number, axis1: number) => transpose(input, axis0, axis1),
  samples: [[real([2, 3, 4]), 0, -1]],
  rejects: [{ args: [real([2, 3]), 0, 2], message: "Dimension out of range" }],
});

/** Sizes 1 repeated, without a copy, to the shape of `other`. */
export const expandAs: Op<(input: Tensor, other: Tensor) => Tensor> = composite({
  name: "expandAs",
  call(input: Tensor, other: Tensor) {
    checkTensor("expandAs", "other", other);
    return expand(input, other.shape);
  },
  samples: [[real([2, 1]), real([2, 3])]],
  rejects: [{ args: [real([2]), real([3])], message: "must match the existing size (2)" }],
});

/** The same elements in the shape of `other`, without a copy. */
export const viewAs: Op<(input: Tensor, other: Tensor) => Tensor> = composite({
  name: "viewAs",
  call(input: Tensor, other: Tensor) {
    checkTensor("viewAs", "other", other);
    return view(input, other.shape);
  },
  samples: [[real([2, 3]), real([3, 2])]],
  rejects: [{ args: [real([2]), real([3])], message: "is invalid for input of size 2" }],
});

/** The same elements in the shape of `other`: a view where the strides allow it, else a copy. */
export const reshapeAs: Op<(input: Tensor, other: Tensor) => Tensor> = composite({
  name: "reshapeAs",
  call(input: Tensor, other: Tensor) {
    checkTensor("reshapeAs", "other", other);
    return reshape(input, other.shape);
  },
  samples: [[real([2, 3]), real([3, 2])]],
  rejects: [{ args: [real([2]), real([3])], message: "is invalid for input of size 2" }],
});

/** Sizes 1 repeated to a larger shape without a copy: `expand` with the sizes in an array. */
export const broadcastTo: Op<(input: Tensor, shape: Shape) => Tensor> = composite({
  name: "broadcastTo",
  call: (input: Tensor, shape: Shape) => expand(input, shape),
  samples: [[real([2, 1]), [3, 2, 4]]],
  rejects: [{ args: [real([2]), [3]], message: "must match the existing size (2)" }],
});

declare module "../tensor/tensor.ts" {
  interface Tensor {
    /**
     * This matrix with rows and columns swapped, sharing memory.
     * @throws when there are not two dimensions
     */
    readonly T: Tensor;
    /**
     * The last two dimensions swapped, sharing memory.
     * @throws when there are fewer than two dimensions
     */
    readonly mT: Tensor;
  }
}

Object.defineProperties(Tensor.prototype, {
  T: {
    get(this: Tensor) {
      if (this.ndim === 2) return transpose(this, 0, 1);
      return fail("T", `expects a matrix, got shape ${showShape(this.shape)}: mT swaps the last ` +
        "two dimensions, permute reorders all");
    },
  },
  mT: {
    get(this: Tensor) {
      if (this.ndim >= 2) return transpose(this, -2, -1);
      return fail("mT", "tensor.mT is only supported on matrices or batches of matrices. " +
        `Got ${this.ndim}-D tensor.`);
    },
  },
});
