// Matrix products.
import type { TypedArray } from "../dtype.ts";
import { fail } from "../errors.ts";
import { matmul as multiply, type Matrix } from "../kernels/matmul.ts";
import { broadcastShapes, broadcastStrides } from "../shape/broadcast.ts";
import { numel, showShape, type Shape } from "../shape/dims.ts";
import { viewStrides } from "../shape/layout.ts";
import { isBatching } from "../storage/batched.ts";
import { Placed } from "../storage/place.ts";
import { runProduct } from "../storage/product.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isBatched, onWholes } from "./batching.ts";
import { to } from "./convert.ts";
import { primitive } from "./define.ts";
import { addInto, arranged, copyOf, fresh, operand } from "./memory.ts";
import { oneDtype } from "./one-dtype.ts";
import { composite, type Op } from "./op.ts";
import { real } from "./sample.ts";
import { reshape, transpose } from "./view.ts";

/** A product of two tensors. */
export type Product = (input: Tensor, other: Tensor) => Tensor;

/** Batched product of matrices `[…, m, k] · […, k, n]`; leading dimensions broadcast. */
const product: Op<Product> = primitive({
  name: "matmul", inputs: ["input", "other"], batches: true, multilinear: true,
  prepare(input: Tensor, other: Tensor) {
    if (input.ndim > 2 || other.ndim > 2) {
      broadcastShapes("matmul", input.shape.slice(0, -2), other.shape.slice(0, -2));
    }
    return { inputs: [computable(input), computable(other)],
      attributes: { byColumns: [isByColumns(input), isByColumns(other)] } };
  },
  forward: ([a, b]) => multiplyBatches(a, b),
  // A gradient is laid out like its operand: that of `w.t()` becomes one of `w` without a copy.
  gradients: (reads) => ({
    input: reads(["other"], ({ grad, other, attributes }) => attributes.byColumns[0]
      ? transpose(product(other, transpose(grad, -2, -1)), -2, -1)
      : product(grad, transpose(other, -2, -1))),
    other: reads(["input"], ({ grad, input, attributes }) => attributes.byColumns[1]
      ? transpose(product(transpose(grad, -2, -1), input), -2, -1)
      : product(transpose(input, -2, -1), grad)),
  }),
  samples: [[real([2, 3]), real([3, 4])], [real([2, 1, 2, 3]), real([3, 3, 2])]],
});

/** A factor in the dtype that its product is computed in; `matmul` checks that factors share it. */
function computable(factor: Tensor): Tensor {
  return factor.dtype === "bool" ? to(factor, "int32") : factor;
}

/** Whether the elements of a column, not those of a row, are neighbours in memory. */
function isByColumns({ strides, ndim }: Tensor): boolean {
  return strides[ndim - 2] === 1 && strides[ndim - 1] > 1;
}

/**
 * The product of the last two dimensions, and a bias of the result's shape added to it, without
 * history.
 */
export function multiplyBatches(a: Tensor, b: Tensor, bias: Tensor | null = null): Tensor {
  if (isBatching && [a, b, bias].some((operand) => operand !== null && isBatched(operand))) {
    return multiplySamples(a, b, bias);
  }
  const [m, k, n] = [a.shape[a.ndim - 2], a.shape[a.ndim - 1], b.shape[b.ndim - 1]];
  const isPlain = a.ndim === 2 && b.ndim === 2;
  if (isPlain && m * n * k < SMALL) return multiplySmall(a, b, bias);
  const batch = isPlain ? []
    : broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const result = fresh([...batch, m, n], a.dtype);
  const offsetsA = isPlain ? [a.offset] : batchOffsets(a, batch);
  const offsetsB = isPlain ? [b.offset] : batchOffsets(b, batch);
  const offsets = offsetsA.map((_, i) => i * m * n);
  const added = bias === null ? null : operand(bias, result.shape);
  const done = runProduct(matrices(result, offsets), matrices(a, offsetsA), matrices(b, offsetsB),
    added);
  if (done) return result;
  const out = { data: result.storage.data, offset: 0, rowStride: n, columnStride: 1 };
  for (let i = 0; i < offsets.length; i++) {
    out.offset = offsets[i];
    multiply(out, matrixAt(a, offsetsA[i]), matrixAt(b, offsetsB[i]), m, n, k);
  }
  if (bias !== null) addInto(result, bias);
  return result;
}

/** The products of all samples: as one where a factor is the same matrix in all of them. */
function multiplySamples(a: Tensor, b: Tensor, bias: Tensor | null): Tensor {
  const rank = Math.max(a.ndim, b.ndim);
  const operands = bias === null ? [a, b] : [a, b, bias];
  const [result] = onWholes(operands, rank, ([left, right]) => {
    if (b.ndim === 2 && !isBatched(b)) return [rowsTimes(left, b)];
    if (a.ndim === 2 && !isBatched(a) && b.shape[b.ndim - 1] === 1) {
      const columns = transposed(rowsTimes(transposed(right), transposed(a)));
      return [columns.isContiguous() ? columns : copyOf(columns)];
    }
    return [multiplyBatches(left, right)];
  });
  if (bias !== null) addInto(result, bias);
  return result;
}

/** Matrices one below the other times one matrix. */
function rowsTimes(a: Tensor, b: Tensor): Tensor {
  const [k, n] = b.shape;
  const shape = [numel(a.shape.slice(0, -1)), k];
  const strides = viewStrides(a, shape);
  const rows = strides === null
    ? arranged(copyOf(a), { shape, strides: [k, 1], offset: 0 })
    : arranged(a, { shape, strides, offset: a.offset });
  return new Tensor(multiplyBatches(rows, b).storage, [...a.shape.slice(0, -1), n]);
}

/** Matrices with rows and columns exchanged, in the same memory, without history. */
export function transposed(matrices: Tensor): Tensor {
  const { shape, strides, offset, ndim } = matrices;
  if (ndim === 2) { // literals take a tenth of the time
    return new Tensor(matrices.storage, [shape[1], shape[0]], [strides[1], strides[0]], offset);
  }
  const swapped = (values: readonly number[]) =>
    [...values.slice(0, -2), values[ndim - 1], values[ndim - 2]];
  return arranged(matrices, { shape: swapped(shape), strides: swapped(strides), offset });
}

/** Multiply-adds below which looking for a faster way takes longer than the product. */
const SMALL = 1024;

function multiplySmall(a: Tensor, b: Tensor, bias: Tensor | null): Tensor {
  const [[m, k], [, n]] = [a.shape, b.shape];
  const result = fresh([m, n], a.dtype);
  const out = { data: result.storage.data, offset: 0, rowStride: n, columnStride: 1 };
  multiply(out, matrixAt(a, a.offset), matrixAt(b, b.offset), m, n, k);
  if (bias !== null) addSmall(out.data, m, n, bias);
  return result;
}

/** Adds a bias to each row of a small matrix: a general kernel takes three times as long. */
function addSmall(to: TypedArray, m: number, n: number, bias: Tensor): void {
  const { storage, shape, strides, offset } = bias;
  const { values } = storage;
  const [row, column] = broadcastStrides(shape, strides, [m, n]);
  for (let i = 0, at = 0; i < m; i++) {
    for (let j = 0, from = offset + i * row; j < n; j++, at++, from += column) {
      to[at] += values[from];
    }
  }
}

function matrices({ storage, shape, strides, offset }: Tensor, offsets: readonly number[]) {
  return { operand: new Placed(storage, strides, offset), shape, offsets };
}

function matrixAt({ storage, strides }: Tensor, offset: number): Matrix {
  const last = strides.length - 1;
  return {
    data: storage.values, offset, rowStride: strides[last - 1], columnStride: strides[last],
  };
}

/** Where each matrix of a broadcast batch begins. */
function batchOffsets(tensor: Tensor, batch: Shape): readonly number[] {
  const strides = broadcastStrides(tensor.shape.slice(0, -2), tensor.strides.slice(0, -2), batch);
  const offsets: number[] = [];
  const count = numel(batch);
  for (let i = 0; i < count; i++) {
    let offset = tensor.offset;
    for (let dim = batch.length - 1, rest = i; dim >= 0; dim--) {
      offset += (rest % batch[dim]) * strides[dim];
      rest = Math.floor(rest / batch[dim]);
    }
    offsets.push(offset);
  }
  return offsets;
}

/**
 * Matrix product. Vectors count as a row on the left, as a column on the right; leading
 * dimensions broadcast: `[…, m, k] · […, k, n] → […, m, n]`.
 * @throws when the inner sizes differ
 * @see https://pytorch.org/docs/stable/generated/torch.matmul.html
 */
export const matmul: Op<Product> = composite({
  name: "matmul",
  call(input: Tensor, other: Tensor) {
    oneDtype("matmul", { input, other });
    if (input.ndim === 0 || other.ndim === 0) {
      fail("matmul", "both arguments to matmul need to be at least 1D, but they are " +
        `${input.ndim}D and ${other.ndim}D`);
    }
    const a = input.ndim === 1 ? reshape(input, [1, input.shape[0]]) : input;
    const b = other.ndim === 1 ? reshape(other, [other.shape[0], 1]) : other;
    const [m, k] = [a.shape[a.ndim - 2], a.shape[a.ndim - 1]];
    const [k2, n] = [b.shape[b.ndim - 2], b.shape[b.ndim - 1]];
    if (k !== k2) {
      const shapes = `${showShape(input.shape)} and ${showShape(other.shape)}`;
      fail("matmul", `inner sizes differ: ${shapes} (mat1 and mat2 shapes cannot be ` +
        `multiplied (${m}x${k} and ${k2}x${n}))`, { input: input.shape, other: other.shape });
    }
    const result = foldable(a, b)
      ? reshape(product(reshape(a, [-1, k]), b), [...a.shape.slice(0, -1), n])
      : product(a, b);
    if (input.ndim > 1 && other.ndim > 1) return result;
    const shape = result.shape.slice(0, -2);
    if (input.ndim > 1) shape.push(m);
    if (other.ndim > 1) shape.push(n);
    return reshape(result, shape);
  },
  samples: [
    [real([2, 3]), real([3, 4])], [real([3]), real([3])], [real([2, 3]), real([3])],
    [real([3]), real([3, 2])], [real([2, 2, 3]), real([3, 2])], [real([3]), real([2, 3, 2])],
    [real([2, 1, 2, 3]), real([3, 3, 2])], [real([2, 0]), real([0, 3])],
  ],
  rejects: [
    { args: [real([2, 3]), real([4, 5])], message: "inner sizes differ: [2, 3] and [4, 5]" },
    { args: [real([]), real([2, 2])], message: "need to be at least 1D" },
  ],
});

/** Whether a batch on the left times one matrix can be done as a single product, uncopied. */
function foldable(a: Tensor, b: Tensor): boolean {
  if (a.ndim < 3 || b.ndim !== 2 || a.numel() === 0) return false;
  const inner = a.shape[a.ndim - 1];
  return viewStrides(a, [a.numel() / inner, inner]) !== null;
}
