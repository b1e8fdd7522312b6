// Matrix products over storages, in the heap: by native BLAS where that is in use, else by kernels.
import { variable } from "../expression/expression.ts";
import { blasProduct, type BlasProduct } from "../kernels/blas/blas.ts";
import { pointwiseProgram } from "../kernels/pointwise.ts";
import { planProduct, productWorkspace, type Product, type Strides }
  from "../kernels/product/plan.ts";
import type { Shape } from "../shape/dims.ts";
import { hasSimd } from "../wasm/features.ts";
import { theHeap } from "./heap.ts";
import { place, regionOf, type Placed } from "./place.ts";
import { isSparse, runProgram } from "./run.ts";
import { thresholds } from "./thresholds.ts";

/** Matrices of a batch: the last two dimensions of an operand, at several places. */
export interface Matrices {
  readonly operand: Placed;
  /** Shape of the operand. */
  readonly shape: Shape;
  /** Where each matrix of the batch begins, in elements of the storage. */
  readonly offsets: readonly number[];
}

const addBias =
  pointwiseProgram([variable("output").add(variable("bias"))], ["output", "bias"], []);

/**
 * `out = a · b + bias` for each matrix of a batch, in float32, where that pays: gives `false`,
 * having done nothing, for small products, other dtypes, and without SIMD. `out` is contiguous and
 * has no other use; `bias` has the shape of `out`.
 */
export function runProduct(
  out: Matrices, a: Matrices, b: Matrices, bias: Placed | null = null,
): boolean {
  const m = out.shape[out.shape.length - 2];
  const n = out.shape[out.shape.length - 1];
  const k = a.shape[a.shape.length - 1];
  if (m * n * k * out.offsets.length < thresholds.multiplyAdds || !hasSimd() ||
    !(isSingle(out.operand) && isSingle(a.operand) && isSingle(b.operand)) ||
    bias !== null && !isSingle(bias)) return false;
  const heap = theHeap();
  if (heap === null) return false;
  const blas = blasProduct(heap.memory);
  const isFused = bias !== null && blas === null && isRow(bias.strides);
  const regions = [regionOf(a.operand, a.shape), regionOf(b.operand, b.shape)];
  for (const region of regions) if (isSparse(region, region.count)) return false;
  if (isFused) regions.push(regionOf(bias, out.shape));
  const workspace = productWorkspace(m, n, k, out.offsets.length);
  const placement = place(heap, [regionOf(out.operand, out.shape)], regions, workspace);
  if (placement === null) return false;
  const { addresses } = placement;
  const product: Product = {
    m, n, k, batch: batchOf(out, a, b, addresses),
    out: stridesOf(out), a: stridesOf(a), b: stridesOf(b), bias: isFused ? addresses[3] : 0,
    relu: false, workspace: placement.workspace, shared: heap.isShared,
  };
  placement.run(() => blas !== null && runBlas(blas, product) ? [] : planProduct(product));
  if (bias !== null && !isFused) {
    runProgram(addBias, out.shape, [out.operand], [out.operand, bias], []);
  }
  return true;
}

function isSingle({ storage }: Placed): boolean {
  return storage.dtype === "float32";
}

/** Whether a bias is the same for all rows, and its elements are neighbours. */
function isRow(strides: readonly number[]): boolean {
  const last = strides.length - 1;
  return strides[last] === 1 && strides.every((step, dim) => dim === last || step === 0);
}

/** Addresses of the matrices of a batch; those of the operands are given. */
function batchOf(
  out: Matrices, a: Matrices, b: Matrices, [outAt, aAt, bAt]: readonly number[],
): Product["batch"] {
  return out.offsets.map((offset, i) => ({
    out: outAt + 4 * (offset - out.operand.offset),
    a: aAt + 4 * (a.offsets[i] - a.operand.offset),
    b: bAt + 4 * (b.offsets[i] - b.operand.offset),
  }));
}

/** Steps of the last two dimensions, in bytes. */
function stridesOf({ operand: { strides } }: Matrices): Strides {
  return [4 * strides[strides.length - 2], 4 * strides[strides.length - 1]];
}

/** Gives `false` for strides that BLAS does not take: those of all matrices are the same. */
function runBlas(blas: BlasProduct, { m, n, k, batch, out, a, b }: Product): boolean {
  return k > 0 && batch.every((at) =>
    blas(m, n, k, at.a, a[0] / 4, a[1] / 4, at.b, b[0] / 4, b[1] / 4, at.out, out[0] / 4));
}
