// Matrix products over storages, in the heap: by native BLAS where that is in use, else by kernels.
import { variable } from "../expression/expression.ts";
import { blasProduct } from "../kernels/blas/blas.ts";
import type { Step } from "../kernels/heap-kernel.ts";
import { pointwiseProgram } from "../kernels/pointwise.ts";
import { planProduct, productWorkspace, type Strides } from "../kernels/product/plan.ts";
import type { Shape } from "../shape/dims.ts";
import { hasSimd } from "../wasm/features.ts";
import { theHeap, type Heap } from "./heap.ts";
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
  const [m, n] = out.shape.slice(-2);
  const k = a.shape[a.shape.length - 1];
  const all = bias === null ? [out, a, b] : [out, a, b, { operand: bias }];
  if (m * n * k * out.offsets.length < thresholds.multiplyAdds || !hasSimd() ||
    all.some(({ operand }) => operand.storage.dtype !== "float32")) return false;
  const heap = theHeap();
  if (heap === null) return false;
  const blas = blasProduct(heap.memory);
  const isFused = bias !== null && blas === null && bias.strides.at(-1) === 1 &&
    bias.strides.slice(0, -1).every((step) => step === 0);
  const regions = [a, b].map(({ operand, shape }) => regionOf(operand, shape));
  if (regions.some((region) => isSparse(region, region.count))) return false;
  if (isFused) regions.push(regionOf(bias, out.shape));
  const workspace = productWorkspace(m, n, k, out.offsets.length);
  const placement = place(heap, [regionOf(out.operand, out.shape)], regions, workspace);
  if (placement === null) return false;
  const at = [out, a, b].map(({ operand, offsets }, i) =>
    offsets.map((offset) => placement.addresses[i] + (offset - operand.offset) * 4));
  const product = { m, n, k, out: at[0], a: at[1], b: at[2],
    strides: [out, a, b].map(stridesOf), bias: isFused ? placement.addresses[3] : 0 };
  placement.run(() => blas !== null && runBlas(blas, product) ? []
    : stepsOf(heap, product, placement.workspace()));
  if (bias !== null && !isFused) {
    runProgram(addBias, out.shape, [out.operand], [out.operand, bias], []);
  }
  return true;
}

interface Addressed {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly out: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** Steps in elements of out, a and b. */
  readonly strides: readonly Strides[];
  readonly bias: number;
}

function stridesOf({ operand: { strides } }: Matrices): Strides {
  return [strides[strides.length - 2], strides[strides.length - 1]];
}

/** Gives `false` for strides that BLAS does not take: those of all matrices are the same. */
function runBlas(
  blas: NonNullable<ReturnType<typeof blasProduct>>,
  { m, n, k, out, a, b, strides: [[outRow], [aRow, aColumn], [bRow, bColumn]] }: Addressed,
): boolean {
  return k > 0 && out.every((address, i) =>
    blas(m, n, k, a[i], aRow, aColumn, b[i], bRow, bColumn, address, outRow));
}

function stepsOf(
  heap: Heap, { m, n, k, out, a, b, strides, bias }: Addressed, workspace: number,
): readonly Step[] {
  const [outSteps, aSteps, bSteps] = strides.map(([row, column]): Strides =>
    [row * 4, column * 4]);
  return planProduct({
    m, n, k, batch: out.map((address, i) => ({ out: address, a: a[i], b: b[i] })),
    out: outSteps, a: aSteps, b: bSteps, bias, workspace, shared: heap.isShared,
  });
}
