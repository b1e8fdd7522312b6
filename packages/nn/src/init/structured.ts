// Initial values with structure between them: orthogonal and sparse matrices.
import { randperm, type Tensor } from "@chainrule/core";
import { copyOf, fail, fresh, showShape } from "@chainrule/core/internal";
import { write } from "./fill.ts";
import { checkFill, checkFinite, fillNormal, type RandomOptions } from "./random-options.ts";

/** Options of `orthogonal_`. */
export interface OrthogonalOptions extends RandomOptions {
  /** Factor of all values. Default 1. */
  readonly gain?: number;
}

/**
 * A matrix with orthonormal rows or columns, whichever are fewer, times `gain`; dimensions after
 * the first count as one.
 * @throws when the tensor has fewer than two dimensions
 * @see https://arxiv.org/abs/1312.6120
 */
export function orthogonal_(tensor: Tensor, options?: OrthogonalOptions): Tensor {
  checkFill("orthogonal_", tensor, options, ["gain"]);
  const gain = checkFinite("orthogonal_", "gain", options?.gain ?? 1);
  if (tensor.ndim < 2) {
    fail("orthogonal_", "Only tensors with 2 or more dimensions are supported, got " +
      showShape(tensor.shape));
  }
  if (tensor.numel() === 0) return tensor;
  const rows = tensor.shape[0];
  const columns = tensor.numel() / rows;
  const wide = rows < columns;
  const normals = fillNormal(fresh([rows, columns], tensor.dtype), 0, 1, options);
  const { data } = copyOf(wide ? normals.transpose(0, 1) : normals, "float64").storage;
  const [height, width] = wide ? [columns, rows] : [rows, columns];
  orthonormalise(data as Float64Array, height, width);
  return write(tensor, "orthogonal_", (out) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        out[i * columns + j] = gain * (wide ? data[j * width + i] : data[i * width + j]);
      }
    }
  });
}

/**
 * Makes the columns of a row-major matrix orthonormal: Q of the QR decomposition whose R has a
 * positive diagonal.
 *
 * Method: Gram–Schmidt, each column twice, which leaves errors of the size of rounding.
 * @see https://doi.org/10.1007/s00211-005-0615-4
 */
function orthonormalise(matrix: Float64Array, height: number, width: number): void {
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < height; i++) sum += matrix[i * width + a] * matrix[i * width + b];
    return sum;
  };
  for (let column = 0; column < width; column++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let before = 0; before < column; before++) {
        const projection = dot(before, column);
        for (let i = 0; i < height; i++) {
          matrix[i * width + column] -= projection * matrix[i * width + before];
        }
      }
    }
    const length = Math.sqrt(dot(column, column));
    for (let i = 0; i < height; i++) matrix[i * width + column] /= length;
  }
}

/** Options of `sparse_`. */
export interface SparseOptions extends RandomOptions {
  /** Standard deviation of the values that are not 0. Default 0.01. */
  readonly std?: number;
}

/**
 * A matrix of normal numbers in which a share `sparsity` of each column is 0.
 * @throws unless the tensor has two dimensions and `sparsity` lies in `[0, 1]`
 * @see https://icml.cc/Conferences/2010/papers/458.pdf
 */
export function sparse_(tensor: Tensor, sparsity: number, options?: SparseOptions): Tensor {
  checkFill("sparse_", tensor, options, ["std"]);
  if (tensor.ndim !== 2) {
    fail("sparse_", `Only tensors with 2 dimensions are supported, got ${showShape(tensor.shape)}`);
  }
  if (!(sparsity >= 0 && sparsity <= 1)) {
    fail("sparse_", `sparsity must be between 0 and 1, got ${sparsity}`);
  }
  const [rows, columns] = tensor.shape;
  const zeros = Math.ceil(sparsity * rows);
  fillNormal(tensor, 0, options?.std ?? 0.01, options);
  const { data } = copyOf(tensor, "float64").storage;
  for (let column = 0; column < columns; column++) {
    const order = randperm(rows, { generator: options?.generator }).toTypedArray();
    for (let i = 0; i < zeros; i++) data[order[i] * columns + column] = 0;
  }
  return write(tensor, "sparse_", (out) => { out.set(data); });
}
