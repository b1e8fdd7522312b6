// Matrix products.
import { fail } from "../errors.ts";
import { promote } from "../dtype.ts";
import { matmul as multiply } from "../kernels/matmul.ts";
import { broadcastShapes, broadcastStrides } from "../shape/broadcast.ts";
import { numel, showShape, type Shape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { to } from "./convert.ts";
import { primitive } from "./define.ts";
import { fresh } from "./memory.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { real } from "./sample.ts";
import { reshape, transpose } from "./view.ts";

/** A product of two tensors. */
export type Product = (input: Tensor, other: Tensor) => Tensor;

/** Checks that two operands are tensors of one float dtype, or of whole numbers. */
function checkOperands(op: string, input: Tensor, other: Tensor): void {
  checkTensor(op, "input", input);
  checkTensor(op, "other", other);
}

/** Batched product of matrices `[…, m, k] · […, k, n]`; leading dimensions broadcast. */
const product: Op<Product> = primitive({
  name: "matmul", inputs: ["input", "other"],
  prepare(input: Tensor, other: Tensor) {
    const dtype = promote(input.dtype, other.dtype);
    return { inputs: [to(input, dtype), to(other, dtype)], attributes: null };
  },
  forward: ([a, b]) => multiplyBatches(a, b),
  gradients: (reads) => ({
    input: reads(["other"], ({ grad, other }) => product(grad, transpose(other, -2, -1))),
    other: reads(["input"], ({ grad, input }) => product(transpose(input, -2, -1), grad)),
  }),
  samples: [[real([2, 3]), real([3, 4])], [real([2, 1, 2, 3]), real([3, 3, 2])]],
});

function multiplyBatches(a: Tensor, b: Tensor): Tensor {
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.ndim - 1];
  const batch = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const result = fresh([...batch, m, n], a.dtype);
  const offsetsA = batchOffsets(a, batch);
  const offsetsB = batchOffsets(b, batch);
  for (let i = 0; i < offsetsA.length; i++) {
    multiply(
      { data: result.storage.data, offset: i * m * n, rowStride: n, columnStride: 1 },
      matrixAt(a, offsetsA[i]), matrixAt(b, offsetsB[i]), m, n, k);
  }
  return result;
}

function matrixAt({ storage, strides, ndim }: Tensor, offset: number) {
  return { data: storage.data, offset, rowStride: strides[ndim - 2], columnStride: strides[ndim - 1] };
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
    checkOperands("matmul", input, other);
    if (input.ndim === 0 || other.ndim === 0) {
      fail("matmul", "both arguments to matmul need to be at least 1D, but they are " +
        `${input.ndim}D and ${other.ndim}D`);
    }
    const a = input.ndim === 1 ? reshape(input, [1, input.shape[0]]) : input;
    const b = other.ndim === 1 ? reshape(other, [other.shape[0], 1]) : other;
    const [m, k] = a.shape.slice(-2);
    const [k2, n] = b.shape.slice(-2);
    if (k !== k2) {
      fail("matmul", `inner sizes differ: ${showShape(input.shape)} and ${showShape(other.shape)} ` +
        `(mat1 and mat2 shapes cannot be multiplied (${m}x${k} and ${k2}x${n}))`,
      { input: input.shape, other: other.shape });
    }
    const result = foldable(a, b)
      ? reshape(product(reshape(a, [-1, k]), b), [...a.shape.slice(0, -1), n])
      : product(a, b);
    if (input.ndim > 1 && other.ndim > 1) return result;
    const shape = result.shape.slice(0, -2);
    return reshape(result, [...shape, ...(input.ndim > 1 ? [m] : []), ...(other.ndim > 1 ? [n] : [])]);
  },
  samples: [
    [real([2, 3]), real([3, 4])], [real([3]), real([3])], [real([2, 3]), real([3])],
    [real([3]), real([3, 2])], [real([2, 2, 3]), real([3, 2])], [real([2, 1, 2, 3]), real([3, 3, 2])],
    [real([3]), real([2, 3, 2])], [real([2, 0]), real([0, 3])],
  ],
  rejects: [
    { args: [real([2, 3]), real([4, 5])], message: "inner sizes differ: [2, 3] and [4, 5]" },
    { args: [real([]), real([2, 2])], message: "need to be at least 1D" },
  ],
});

/** Whether a batch on the left times one matrix can be done as a single product. */
function foldable(a: Tensor, b: Tensor): boolean {
  return a.ndim > 2 && b.ndim === 2 && a.isContiguous() && a.shape[a.ndim - 1] > 0 && a.numel() > 0;
}
