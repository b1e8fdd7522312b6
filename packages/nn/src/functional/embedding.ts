// Rows of a table by index, and indices as rows of zeros with a one.
import type { Tensor } from "@chainrule/core";
import {
  checkOptions, checkTensor, composite, fail, fresh, integers, lookUpRows, operand, primitive,
  real, rowMajor, show, showShape, type Op, type TypedArray,
} from "@chainrule/core/internal";
import { indicesOf } from "./indices.ts";

/** Which rows are looked up; `padding` (−1 for none) gets no gradient. */
interface Lookup {
  readonly indices: TypedArray;
  readonly indexShape: readonly number[];
  readonly rows: number;
  readonly padding: number;
}

const lookup: Lookup = {
  indices: Int32Array.of(2, 0, 2, 1), indexShape: [4], rows: 3, padding: -1,
};

/** Rows of `table` in the order of the indices: `[rows, width] → [...indices, width]`. */
export const embeddingRows: Op<(table: Tensor, lookup: Lookup) => Tensor> = primitive({
  name: "embedding", inputs: ["table"],
  prepare: (table: Tensor, lookup: Lookup) => ({ inputs: [table], attributes: lookup }),
  forward([table], { indices, indexShape }) {
    const width = table.shape[1];
    const result = fresh([...indexShape, width], table.dtype);
    const source = rowMajor(table);
    const starts = Int32Array.from(indices, (index) => index * width);
    if (lookUpRows(operand(result, result.shape), operand(source, source.shape), starts, width)) {
      return result;
    }
    const { storage: { values: data }, offset } = source;
    for (let i = 0; i < indices.length; i++) {
      const start = offset + indices[i] * width;
      result.storage.data.set(data.subarray(start, start + width), i * width);
    }
    return result;
  },
  gradients: (reads) => ({
    table: reads([], ({ grad, attributes }) => embeddingRowsBackward(grad, attributes)),
  }),
  samples: [[real([3, 2]), lookup]],
});

/** The transpose of `embeddingRows`: adds rows of `grad` into zeros, except to the padding row. */
export const embeddingRowsBackward: Op<(grad: Tensor, lookup: Lookup) => Tensor> = primitive({
  name: "embeddingBackward", inputs: ["grad"],
  prepare: (grad: Tensor, lookup: Lookup) => ({ inputs: [grad], attributes: lookup }),
  forward([grad], { indices, rows, padding }) {
    const width = grad.shape[grad.ndim - 1];
    const { storage: { values: data }, offset } = rowMajor(grad);
    const sums = new Float64Array(rows * width);
    for (let i = 0; i < indices.length; i++) {
      if (indices[i] === padding) continue;
      const target = indices[i] * width;
      for (let k = 0, q = offset + i * width; k < width; k++, q++) sums[target + k] += data[q];
    }
    const result = fresh([rows, width], grad.dtype);
    result.storage.data.set(sums);
    return result;
  },
  gradients: (reads) => ({
    grad: reads([], ({ grad, attributes }) =>
      withoutPadding(embeddingRows(grad, attributes), attributes)),
  }),
  samples: [[real([4, 2]), lookup], [real([4, 2]), { ...lookup, padding: 2 }]],
});

/** Zeros where the index is that of the padding row. */
function withoutPadding(rows: Tensor, { indices, indexShape, padding }: Lookup): Tensor {
  if (padding < 0) return rows;
  const mask = fresh([...indexShape, 1], rows.dtype);
  for (let i = 0; i < indices.length; i++) mask.storage.data[i] = indices[i] === padding ? 0 : 1;
  return rows.mul(mask);
}

/** Options of `embedding`. */
export interface EmbeddingOptions {
  /** A row that gets no gradient; negative ones count from the end. */
  readonly paddingIdx?: number | null;
}

/**
 * Position of the padding row, −1 for none.
 * @throws when there is no such row
 */
export function checkPadding(op: string, paddingIdx: unknown, rows: number): number {
  if (paddingIdx === undefined || paddingIdx === null) return -1;
  const index = paddingIdx as number;
  if (!Number.isInteger(index) || index < -rows || index >= rows) {
    fail(op, `Padding_idx must be within num_embeddings: ${show(paddingIdx)} of ${rows}`);
  }
  return index < 0 ? index + rows : index;
}

/**
 * Rows of a table: `[…]` indices and weight `[rows, width]` give `[…, width]`.
 * @throws when an index is no row of the table
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html
 */
export const embedding:
Op<(input: Tensor, weight: Tensor, options?: EmbeddingOptions) => Tensor> = composite({
  name: "embedding",
  call(input: Tensor, weight: Tensor, options?: EmbeddingOptions) {
    checkTensor("embedding", "input", input);
    checkTensor("embedding", "weight", weight);
    checkOptions("embedding", options, ["paddingIdx"]);
    if (weight.ndim !== 2) {
      fail("embedding", `'weight' must be 2-D, got shape ${showShape(weight.shape)}`);
    }
    const [rows] = weight.shape;
    const indices = indicesOf("embedding", "indices", input,
      "Expected tensor for argument #1 'indices' to have one of the following scalar types: " +
      "Long, Int;");
    const outside = indices.find((index: number) => index < 0 || index >= rows);
    if (outside !== undefined) {
      fail("embedding", `index out of range in self: ${outside} of ${rows} rows`,
        { outside, rows });
    }
    const padding = checkPadding("embedding", options?.paddingIdx, rows);
    return embeddingRows(weight, { indices, indexShape: input.shape, rows, padding });
  },
  samples: [
    [integers([2, 3], 4), real([4, 2])], [integers([], 3), real([3, 2])],
    [integers([5], 2), real([3, 2]), { paddingIdx: -1 }], [integers([0], 3), real([3, 2])],
  ],
  rejects: [
    { args: [integers([2], 9, 4), real([4, 2])], message: "index out of range in self" },
    { args: [integers([2], 4), real([4, 2]), { paddingIdx: 4 }],
      message: "Padding_idx must be within num_embeddings" },
  ],
});

/** Options of `oneHot`. */
export interface OneHotOptions {
  /** Number of classes; −1 takes the largest index plus one. Default −1. */
  readonly numClasses?: number;
}

/**
 * A row of zeros with a one for each index: `[…] → […, numClasses]`, int32.
 * @throws when an index is negative or not below `numClasses`
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html
 */
export const oneHot: Op<(input: Tensor, options?: OneHotOptions) => Tensor> = composite({
  name: "oneHot",
  call(input: Tensor, options?: OneHotOptions) {
    checkTensor("oneHot", "input", input);
    checkOptions("oneHot", options, ["numClasses"]);
    const { numClasses = -1 } = options ?? {};
    if (!Number.isInteger(numClasses)) {
      fail("oneHot", `numClasses must be a whole number, got ${show(numClasses)}`);
    }
    const indices = indicesOf("oneHot", "indices", input,
      "one_hot is only applicable to index tensor: expected scalar type Long");
    let largest = -1;
    for (const index of indices) {
      if (index < 0) fail("oneHot", `Class values must be non-negative. One is ${index}`);
      if (index > largest) largest = index;
    }
    if (numClasses === -1 && indices.length === 0) {
      fail("oneHot", "Can not infer total number of classes from empty tensor.");
    }
    const classes = numClasses === -1 ? largest + 1 : numClasses;
    if (classes <= 0) fail("oneHot", `num_classes should be positive, got ${classes}`);
    if (largest >= classes) {
      fail("oneHot", `Class values must be smaller than num_classes. ${largest} of ${classes}`);
    }
    const result = fresh([...input.shape, classes], "int32");
    for (let i = 0; i < indices.length; i++) result.storage.data[i * classes + indices[i]] = 1;
    return result;
  },
  samples: [[integers([2, 3], 4), { numClasses: 5 }], [integers([], 3), { numClasses: 3 }]],
  rejects: [
    { args: [integers([2], 0, -3)], message: "Class values must be non-negative." },
    { args: [integers([2], 9, 4), { numClasses: 2 }],
      message: "Class values must be smaller than num_classes." },
  ],
});
