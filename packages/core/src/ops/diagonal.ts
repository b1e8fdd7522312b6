// Diagonals and triangles of matrices, and of batches of them.
import { fail, show } from "../errors.ts";
import { normalizeDim, showShape } from "../shape/dims.ts";
import type { Layout } from "../shape/layout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { clone } from "./convert.ts";
import { primitive, view as defineView } from "./define.ts";
import { arranged, copyInto, copyOf, freshFor } from "./memory.ts";
import { checkOptions, checkTensor, composite, type Op } from "./op.ts";
import { sum } from "./reduction.ts";
import { real } from "./sample.ts";
import { ravel } from "./rearrange.ts";

/** Which diagonal: above (positive) or below the main one, of the matrices of two dimensions. */
interface Diagonal { readonly offset: number; readonly dim1: number; readonly dim2: number }

function checkOffset(op: string, name: string, offset: unknown): void {
  if (!Number.isInteger(offset)) fail(op, `${name} must be a whole number, got ${show(offset)}`);
}

/** Options of `diagonal` and `diagEmbed`. */
export interface DiagonalOptions {
  /** Which diagonal: above (positive) or below (negative) the main one. Default 0. */
  readonly offset?: number;
  /** Dimension of the rows. Default 0 for `diagonal`, -2 for `diagEmbed`. */
  readonly dim1?: number;
  /** Dimension of the columns. Default 1 for `diagonal`, -1 for `diagEmbed`. */
  readonly dim2?: number;
}

function checkDiagonal(
  op: string, ndim: number, options: DiagonalOptions | undefined, defaults: readonly number[],
): Diagonal {
  checkOptions(op, options, ["offset", "dim1", "dim2"]);
  const { offset = 0, dim1 = defaults[0], dim2 = defaults[1] } = options ?? {};
  checkOffset(op, "offset", offset);
  const [a, b] = [normalizeDim(op, dim1, ndim), normalizeDim(op, dim2, ndim)];
  if (a === b) fail(op, `diagonal dimensions cannot be identical ${dim1}, ${dim2}`);
  return { offset, dim1: a, dim2: b };
}

function diagonalLayout(layout: Layout, { offset, dim1, dim2 }: Diagonal): Layout {
  const { shape, strides } = layout;
  const [row, column] = [Math.max(-offset, 0), Math.max(offset, 0)];
  const length = Math.max(Math.min(shape[dim1] - row, shape[dim2] - column), 0);
  const others = shape.map((_, dim) => dim).filter((dim) => dim !== dim1 && dim !== dim2);
  return {
    shape: [...others.map((dim) => shape[dim]), length],
    strides: [...others.map((dim) => strides[dim]), strides[dim1] + strides[dim2]],
    offset: layout.offset + (length === 0 ? 0 : row * strides[dim1] + column * strides[dim2]),
  };
}

/** View of a diagonal as the last dimension: elements `[i, i + offset]` of dims `dim1`, `dim2`. */
export const diagonal: Op<(input: Tensor, options?: DiagonalOptions) => Tensor> = defineView({
  name: "diagonal",
  prepare(input: Tensor, options?: DiagonalOptions) {
    checkTensor("diagonal", "input", input);
    return { input, attributes: checkDiagonal("diagonal", input.ndim, options, [0, 1]) };
  },
  geometry: diagonalLayout,
  samples: [
    [real([3, 4])], [real([3, 2, 4]), { offset: -1, dim1: 0, dim2: 2 }],
    [real([2, 3, 3]), { offset: 1, dim1: -2, dim2: -1 }], [real([2, 2]), { offset: 5 }],
  ],
  rejects: [{
    args: [real([3, 3]), { dim2: 0 }], message: "diagonal dimensions cannot be identical 0, 0",
  }],
});

/** Zeros with the last dimension of the input as a diagonal of the new dims `dim1` and `dim2`. */
export const diagEmbed: Op<(input: Tensor, options?: DiagonalOptions) => Tensor> = primitive({
  name: "diagEmbed", inputs: ["input"], batches: true,
  prepare(input: Tensor, options?: DiagonalOptions) {
    checkTensor("diagEmbed", "input", input);
    if (input.ndim === 0) fail("diagEmbed", "a 0-dim tensor has no dimension to embed");
    return {
      inputs: [input], attributes: checkDiagonal("diagEmbed", input.ndim + 1, options, [-2, -1]),
    };
  },
  forward([input], attributes) {
    const size = input.shape[input.ndim - 1] + Math.abs(attributes.offset);
    const shape = input.shape.slice(0, -1);
    for (const dim of [attributes.dim1, attributes.dim2].sort((a, b) => a - b)) {
      shape.splice(dim, 0, size);
    }
    const result = freshFor([input], shape, input.dtype);
    copyInto(arranged(result, diagonalLayout(result, attributes)), input);
    return result;
  },
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes }) => diagonal(grad, attributes)),
  }),
  samples: [
    [real([3])], [real([3]), { offset: 1 }], [real([2, 2]), { offset: -1, dim1: 0, dim2: 2 }],
    [real([0])],
  ],
  rejects: [{ args: [real([2]), { dim1: 1 }], message: "cannot be identical 1, -1" }],
});

/** The diagonal of a matrix as a vector, or a matrix with the given vector as its diagonal. */
export const diag: Op<(input: Tensor, diagonal?: number) => Tensor> = composite({
  name: "diag",
  call(input: Tensor, offset = 0) {
    checkTensor("diag", "input", input);
    if (input.ndim !== 1 && input.ndim !== 2) {
      fail("diag", `matrix or a vector expected, got shape ${showShape(input.shape)}`);
    }
    return input.ndim === 1 ? diagEmbed(input, { offset }) : clone(diagonal(input, { offset }));
  },
  samples: [[real([3]), 1], [real([4, 3]), -1], [real([2, 2])]],
  rejects: [{ args: [real([2, 2, 2])], message: "matrix or a vector expected" }],
});

/** A matrix with all elements of the input as its diagonal. */
export const diagflat: Op<(input: Tensor, offset?: number) => Tensor> = composite({
  name: "diagflat",
  call: (input: Tensor, offset = 0) => diagEmbed(ravel(input), { offset }),
  samples: [[real([2, 2])], [real([]), 1]],
});

/** Sum of the main diagonal of a matrix. */
export const trace: Op<(input: Tensor) => Tensor> = composite({
  name: "trace",
  call(input: Tensor) {
    checkTensor("trace", "input", input);
    if (input.ndim !== 2) {
      fail("trace", `trace: expected a matrix, but got tensor with dim ${input.ndim}`);
    }
    return sum(diagonal(input));
  },
  samples: [[real([3, 3])], [real([4, 2])], [real([2, 3])]],
  rejects: [{ args: [real([3])], message: "expected a matrix, but got tensor with dim 1" }],
});

/** Arguments of `tril` and `triu`. */
/** `tril` and `triu`: which diagonal bounds the triangle. */
export type Triangle = (input: Tensor, diagonal?: number) => Tensor;

function prepareTriangle(op: string, input: Tensor, offset: number) {
  checkTensor(op, "input", input);
  checkOffset(op, "diagonal", offset);
  if (input.ndim < 2) {
    fail(op, `input tensor must have at least 2 dimensions, got shape ${showShape(input.shape)}`);
  }
  return { inputs: [input], attributes: { offset } };
}

/** A copy whose row `i` keeps the columns from `first(i)` to before `end(i)`; zeros elsewhere. */
function keepColumns(
  input: Tensor, first: (row: number) => number, end: (row: number) => number,
): Tensor {
  const result = copyOf(input);
  const { data } = result.storage.memory; // matrices, of one sample or of many
  const [rows, columns] = input.shape.slice(-2);
  const within = (column: number) => Math.min(Math.max(column, 0), columns);
  for (let start = 0, row = 0; start < data.length; start += columns, row = (row + 1) % rows) {
    data.fill(0, start, start + within(first(row)));
    data.fill(0, start + within(end(row)), start + columns);
  }
  return result;
}

const triangles = [
  [real([3, 3])], [real([3, 4]), -1], [real([2, 3, 2]), 1], [real([2, 3]), -5], [real([0, 2])],
];
const flat = [{ args: [real([3])], message: "must have at least 2 dimensions" }];

/** The lower triangle of matrices, up to a diagonal; zeros above. */
export const tril: Op<Triangle> = primitive({
  name: "tril", inputs: ["input"], batches: true,
  prepare: (input: Tensor, offset = 0) => prepareTriangle("tril", input, offset),
  forward: ([input], { offset }) => keepColumns(input, () => 0, (row) => row + offset + 1),
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes: { offset } }) => tril(grad, offset)),
  }),
  samples: triangles, rejects: flat,
});

/** The upper triangle of matrices, from a diagonal; zeros below. */
export const triu: Op<Triangle> = primitive({
  name: "triu", inputs: ["input"], batches: true,
  prepare: (input: Tensor, offset = 0) => prepareTriangle("triu", input, offset),
  forward: ([input], { offset }) => keepColumns(input, (row) => row + offset, () => Infinity),
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes: { offset } }) => triu(grad, offset)),
  }),
  samples: triangles, rejects: flat,
});
