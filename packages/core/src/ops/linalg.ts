// Products of vectors and matrices of fixed ranks, sums with them, and contractions.
import { typeNames } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { broadcastsTo } from "../shape/broadcast.ts";
import { allDims, normalizeDim, numel, showShape, type Shape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./binary.ts";
import { checkFactor } from "./dtype-checks.ts";
import { matmul, type Product } from "./matmul.ts";
import { oneDtype } from "./one-dtype.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { pointwise } from "./pointwise.ts";
import { real } from "./sample.ts";
import { permute, reshape } from "./view.ts";

/** Factors of a sum with a product: `beta · input + alpha · product`. */
export interface AddProductOptions {
  /** Factor of `input`; where it is 0, NaN and infinities in `input` are ignored. Default 1. */
  readonly beta?: number;
  /** Factor of the product. Default 1. */
  readonly alpha?: number;
}

/** A tensor plus a product of two others. */
export type AddProduct =
  (input: Tensor, a: Tensor, b: Tensor, options?: AddProductOptions) => Tensor;

/** Which dimensions `tensordot` sums over: a number of them, or those of either tensor. */
export type ContractedDims = number | readonly [readonly number[], readonly number[]];

/** Product of two matrices `[m, k] · [k, n] → [m, n]`, without broadcasting. */
export const mm: Op<Product> = composite({
  name: "mm",
  call(input: Tensor, other: Tensor) {
    oneDtype("mm", { input, other });
    if (input.ndim !== 2) fail("mm", `self must be a matrix, got ${shown(input)}`);
    if (other.ndim !== 2) fail("mm", `mat2 must be a matrix, got ${shown(other)}`);
    return matmul(input, other);
  },
  samples: [
    [real([2, 3]), real([3, 4])], [real([1, 2]), real([2, 1])], [real([2, 0]), real([0, 3])],
  ],
  rejects: [
    { args: [real([2, 3]), real([4, 5])], message: "mat1 and mat2 shapes cannot be multiplied" },
    { args: [real([1, 2, 3]), real([3, 5])], message: "self must be a matrix" },
    { args: [real([2, 3]), real([3])], message: "mat2 must be a matrix" },
  ],
});

/** Products of matrices, one by one: `[b, m, k] · [b, k, n] → [b, m, n]`. */
export const bmm: Op<Product> = composite({
  name: "bmm",
  call(input: Tensor, other: Tensor) {
    oneDtype("bmm", { input, other });
    if (input.ndim !== 3) fail("bmm", `batch1 must be a 3D tensor, got ${shown(input)}`);
    if (other.ndim !== 3) fail("bmm", `batch2 must be a 3D tensor, got ${shown(other)}`);
    const [batch, , inner] = input.shape;
    if (other.shape[0] !== batch || other.shape[1] !== inner) {
      fail("bmm", "Expected size for first two dimensions of batch2 tensor to be: " +
        `[${batch}, ${inner}] but got: [${other.shape[0]}, ${other.shape[1]}].`);
    }
    return matmul(input, other);
  },
  samples: [[real([2, 3, 4]), real([2, 4, 2])], [real([0, 2, 3]), real([0, 3, 2])]],
  rejects: [
    { args: [real([2, 3, 4]), real([3, 4, 5])], message: "first two dimensions of batch2 tensor" },
    { args: [real([2, 3]), real([2, 3, 5])], message: "batch1 must be a 3D tensor" },
  ],
});

/** Product of a matrix and a vector: `[m, k] · [k] → [m]`. */
export const mv: Op<Product> = composite({
  name: "mv",
  call(input: Tensor, vec: Tensor) {
    oneDtype("mv", { input, vec });
    checkMatrixVector("mv", input, vec);
    return matmul(input, vec);
  },
  samples: [[real([2, 3]), real([3])], [real([2, 0]), real([0])]],
  rejects: [
    { args: [real([2, 3]), real([2])], message: "size mismatch, got 2, 2x3,2" },
    { args: [real([3]), real([3])], message: "vector + matrix @ vector expected" },
  ],
});

function checkMatrixVector(op: string, mat: Tensor, vec: Tensor, rank = 1): void {
  if (mat.ndim !== 2 || vec.ndim !== 1 || rank > 1) {
    fail(op, `vector + matrix @ vector expected, got ${rank}, ${mat.ndim}, ${vec.ndim}`);
  }
  const [m, k] = mat.shape;
  if (k !== vec.shape[0]) fail(op, `size mismatch, got ${m}, ${m}x${k},${vec.shape[0]}`);
}

/** Sum of the products of two vectors: `[n] · [n] → []`. */
export const dot: Op<Product> = composite({
  name: "dot",
  call(input: Tensor, other: Tensor) {
    checkTensor("dot", "input", input);
    checkTensor("dot", "other", other);
    if (input.ndim !== 1 || other.ndim !== 1) {
      fail("dot", `1D tensors expected, but got ${input.ndim}D and ${other.ndim}D tensors`);
    }
    if (input.dtype !== other.dtype) {
      fail("dot", "expected both vectors to have same dtype, but found " +
        `${typeNames[input.dtype]} and ${typeNames[other.dtype]}`);
    }
    if (input.shape[0] !== other.shape[0]) {
      const [n, m] = [input.shape[0], other.shape[0]];
      fail("dot", `inconsistent tensor size, expected tensor [${n}] and src [${m}] to have the ` +
        `same number of elements, but got ${n} and ${m} elements respectively`);
    }
    return matmul(input, other);
  },
  samples: [[real([3]), real([3])], [real([0]), real([0])]],
  rejects: [
    { args: [real([3]), real([4])], message: "inconsistent tensor size" },
    { args: [real([3, 1]), real([3])], message: "1D tensors expected, but got 2D and 1D tensors" },
  ],
});

/** All products of an element of one vector and one of another: `[n], [m] → [n, m]`. */
export const outer: Op<Product> = composite({
  name: "outer",
  call(input: Tensor, other: Tensor) {
    for (const [name, vector] of [["self", input], ["vec2", other]] as const) {
      checkTensor("outer", name, vector);
      if (vector.ndim !== 1) {
        fail("outer", `Expected 1-D argument ${name}, but got ${vector.ndim}-D`);
      }
    }
    return mul(reshape(input, [input.shape[0], 1]), other);
  },
  samples: [[real([2]), real([3])], [real([0]), real([2])]],
  rejects: [{ args: [real([2, 1]), real([3])], message: "Expected 1-D argument self" }],
});

type AddScaled = (input: Tensor, other: Tensor, options?: AddProductOptions) => Tensor;

/** `beta · input + alpha · other`, in one pass. */
const addScaled: Op<AddScaled> = pointwise({
  name: "addScaled", inputs: ["input", "other"], scalars: { beta: 1, alpha: 1 },
  expression: ({ input, other, beta, alpha }) =>
    beta.eq(0).select(0, input.mul(beta)).add(other.mul(alpha)),
  gradients: { input: ({ grad, beta }) => grad.mul(beta) },
  samples: [[real([2, 3]), real([2, 3]), { beta: 2, alpha: 0.5 }]],
});

function addProduct(
  op: string, input: Tensor, product: Tensor, options: AddProductOptions | undefined,
): Tensor {
  for (const name of ["beta", "alpha"] as const) {
    checkFactor(op, name, [input, product], options?.[name] ?? 1);
  }
  return addScaled(input, product, options);
}

/** Checks the input of a sum with a product of shape `shape`. */
function checkAddend(op: string, input: Tensor, shape: Shape): void {
  if (broadcastsTo(input.shape, shape)) return;
  const extra = shape.length - input.ndim;
  if (extra < 0) {
    fail(op, `the number of sizes provided (${shape.length}) must be greater or equal to the ` +
      `number of dimensions in the tensor (${input.ndim})`);
  }
  const dim = shape.findIndex((size, i) =>
    i >= extra && input.shape[i - extra] !== 1 && input.shape[i - extra] !== size);
  fail(op, `The expanded size of the tensor (${shape[dim]}) must match the existing size ` +
    `(${input.shape[dim - extra]}) at non-singleton dimension ${dim}.  ` +
    `Target sizes: ${showShape(shape)}.  Tensor sizes: ${showShape(input.shape)}`);
}

/** `beta · input + alpha · (mat1 · mat2)`; `input` broadcasts to `[m, n]`. */
export const addmm: Op<AddProduct> = composite({
  name: "addmm",
  call(input: Tensor, mat1: Tensor, mat2: Tensor, options?: AddProductOptions) {
    oneDtype("addmm", { input, mat1, mat2 });
    if (mat1.ndim !== 2) fail("addmm", `mat1 must be a matrix, got ${mat1.ndim}-D tensor`);
    if (mat2.ndim !== 2) fail("addmm", `mat2 must be a matrix, got ${mat2.ndim}-D tensor`);
    checkAddend("addmm", input, [mat1.shape[0], mat2.shape[1]]);
    return addProduct("addmm", input, matmul(mat1, mat2), options);
  },
  samples: [
    [real([2, 4]), real([2, 3]), real([3, 4])],
    [real([4]), real([2, 3]), real([3, 4]), { beta: 0.5, alpha: -2 }],
    [real([]), real([2, 3]), real([3, 1]), { beta: 0 }],
  ],
  rejects: [
    { args: [real([3]), real([2, 3]), real([3, 4])], message: "must match the existing size (3)" },
    { args: [real([3]), real([2, 3]), real([2, 3])], message: "shapes cannot be multiplied" },
    { args: [real([1]), real([2, 3]), real([3])], message: "mat2 must be a matrix, got 1-D" },
  ],
});

/** `beta · input + alpha · (mat · vec)`; `input` broadcasts to `[m]`. */
export const addmv: Op<AddProduct> = composite({
  name: "addmv",
  call(input: Tensor, mat: Tensor, vec: Tensor, options?: AddProductOptions) {
    oneDtype("addmv", { input, mat, vec });
    checkMatrixVector("addmv", mat, vec, input.ndim);
    checkAddend("addmv", input, [mat.shape[0]]);
    return addProduct("addmv", input, matmul(mat, vec), options);
  },
  samples: [[real([2]), real([2, 3]), real([3])],
    [real([1]), real([2, 3]), real([3]), { beta: 0.5, alpha: 2 }]],
  rejects: [
    { args: [real([3]), real([2, 3]), real([3])], message: "must match the existing size (3)" },
    { args: [real([2]), real([2, 3]), real([4])], message: "size mismatch, got 2, 2x3,4" },
  ],
});

/** `beta · input + alpha · (batch1 · batch2)`; `input` broadcasts to `[b, m, n]`. */
export const baddbmm: Op<AddProduct> = composite({
  name: "baddbmm",
  call(input: Tensor, batch1: Tensor, batch2: Tensor, options?: AddProductOptions) {
    oneDtype("baddbmm", { input, batch1, batch2 });
    const product = bmm(batch1, batch2);
    checkAddend("baddbmm", input, product.shape);
    return addProduct("baddbmm", input, product, options);
  },
  samples: [[real([2, 3, 2]), real([2, 3, 4]), real([2, 4, 2])],
    [real([3, 1]), real([2, 3, 4]), real([2, 4, 2]), { beta: 0.5, alpha: 2 }]],
  rejects: [
    { args: [real([3]), real([2, 3, 4]), real([2, 4, 2])], message: "must match the existing" },
    { args: [real([1]), real([3, 4]), real([2, 4, 2])], message: "batch1 must be a 3D tensor" },
  ],
});

/** Sums of products over the last dimension of both: `[…a, n], […b, n] → […a, …b]`. */
export const inner: Op<Product> = composite({
  name: "inner",
  call(input: Tensor, other: Tensor) {
    oneDtype("inner", { input, other });
    if (input.ndim === 0 || other.ndim === 0) return mul(input, other);
    if (input.shape[input.ndim - 1] !== other.shape[other.ndim - 1]) {
      fail("inner", "inner() the last dimension must match on both input tensors but got shapes " +
        `${showShape(input.shape)} and ${showShape(other.shape)}`);
    }
    return contract(input, other, [input.ndim - 1], [other.ndim - 1]);
  },
  samples: [[real([3]), real([3])], [real([2, 3]), real([4, 3])], [real([]), real([2])]],
  rejects: [{ args: [real([2, 3]), real([2])], message: "the last dimension must match" }],
});

/**
 * Sums of products over some dimensions of both: the last of `input` with the first of `other`
 * (`dims` of them, by default 2), or those listed for either.
 * @throws when sizes of dimensions that are summed together differ
 * @see https://pytorch.org/docs/stable/generated/torch.tensordot.html
 */
export const tensordot: Op<(input: Tensor, other: Tensor, dims?: ContractedDims) => Tensor> =
  composite({
    name: "tensordot",
    call(input: Tensor, other: Tensor, dims: ContractedDims = 2) {
      oneDtype("tensordot", { input, other });
      const [a, b] = contractedDims(dims, input, other);
      a.forEach((dim, i) => {
        const sizes = [input.shape[dim], other.shape[b[i]]];
        if (sizes[0] === sizes[1]) return;
        fail("tensordot", "contracted dimensions need to match, but first has size " +
          `${sizes[0]} in dim ${dim} and second has size ${sizes[1]} in dim ${b[i]}`);
      });
      return contract(input, other, a, b);
    },
    samples: [
      [real([2, 3, 4]), real([3, 4, 2])], [real([2, 3]), real([3]), 1], [real([2]), real([3]), 0],
      [real([2, 3, 4]), real([3, 5, 2]), [[1, 0], [0, -1]]],
    ],
    rejects: [
      { args: [real([2, 3]), real([2, 4]), 1], message: "contracted dimensions need to match" },
      { args: [real([2]), real([2]), -1], message: "expects dims >= 0, but got dims=-1" },
      { args: [real([2]), real([2]), [[0], []]], message: "should have same length" },
    ],
  });

function contractedDims(
  dims: ContractedDims, input: Tensor, other: Tensor,
): readonly [readonly number[], readonly number[]] {
  if (typeof dims === "number") {
    if (!Number.isInteger(dims) || dims < 0 || dims > Math.min(input.ndim, other.ndim)) {
      fail("tensordot", `tensordot expects dims >= 0, but got dims=${dims} for tensors of ` +
        `${input.ndim} and ${other.ndim} dimensions`);
    }
    return [allDims(input.ndim).slice(input.ndim - dims), allDims(dims)];
  }
  if (!Array.isArray(dims) || dims.length !== 2 || !dims.every(Array.isArray)) {
    fail("tensordot", `dims must be a number or two arrays, got ${show(dims)}`);
  }
  const [a, b] = [input, other].map(({ ndim }, i) =>
    (dims[i] as readonly number[]).map((dim) => normalizeDim("tensordot", dim, ndim)));
  if (a.length !== b.length) {
    fail("tensordot", `both dimension lists should have same length, got ${show(dims)}`);
  }
  if (new Set(a).size < a.length || new Set(b).size < b.length) {
    fail("tensordot", `a dim appears multiple times in the list of dims ${show(dims)}`);
  }
  return [a, b];
}

/** Sums over dimensions `a` of the left and `b` of the right operand, as one matrix product. */
function contract(
  left: Tensor, right: Tensor, a: readonly number[], b: readonly number[],
): Tensor {
  const keptA = allDims(left.ndim).filter((dim) => !a.includes(dim));
  const keptB = allDims(right.ndim).filter((dim) => !b.includes(dim));
  const sizesA = keptA.map((dim) => left.shape[dim]);
  const sizesB = keptB.map((dim) => right.shape[dim]);
  const count = numel(a.map((dim) => left.shape[dim]));
  const product = matmul(
    reshape(permute(left, [...keptA, ...a]), [numel(sizesA), count]),
    reshape(permute(right, [...b, ...keptB]), [count, numel(sizesB)]));
  return reshape(product, [...sizesA, ...sizesB]);
}

function shown(tensor: Tensor): string {
  return `shape ${showShape(tensor.shape)}`;
}
