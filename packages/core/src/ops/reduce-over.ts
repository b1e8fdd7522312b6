// Running a reduction kernel over some dimensions of a tensor, and spreading its result again.
import type { DType } from "../dtype.ts";
import { runReduction, type Reduction } from "../kernels/reduce.ts";
import { normalizeDims, reducedShape, type Dims, type Shape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { fresh } from "./memory.ts";
import { checkOptions, checkTensor } from "./op.ts";
import { expand, reshape } from "./view.ts";

/** Options of reductions. */
export interface ReduceOptions {
  /** Keep reduced dimensions, with size 1. Default `false`. */
  readonly keepdim?: boolean;
}

/** What a reduction runs over. */
export interface Over { readonly dims: readonly number[]; readonly keepdim: boolean }

/** Runs a reduction of one input; gives one tensor per result. */
export function reduceOver(
  program: Reduction, input: Tensor, { dims, keepdim }: Over, dtypes: readonly DType[],
): Tensor[] {
  const { shape, strides, offset } = input;
  const kept = shape.map((_, i) => i).filter((i) => !dims.includes(i));
  const results = dtypes.map((dtype) => fresh(reducedShape(shape, dims, keepdim), dtype));
  runReduction(program, kept.map((i) => shape[i]), dims.map((i) => shape[i]),
    results.map((result) => result.storage.data),
    [{ data: input.storage.data, offset, outerStrides: kept.map((i) => strides[i]),
      innerStrides: dims.map((i) => strides[i]) }]);
  return results;
}

/** A reduced tensor spread over the shape that was reduced. */
export function restore(reduced: Tensor, shape: Shape, { dims, keepdim }: Over): Tensor {
  const full = keepdim ? reduced : reshape(reduced, reducedShape(shape, dims, true));
  return expand(full, shape);
}

/** Checks the usual arguments of a reduction. */
export function prepareReduction(
  op: string, input: Tensor, dim: Dims, options: ReduceOptions | undefined,
): { inputs: Tensor[]; attributes: Over } {
  checkTensor(op, "input", input);
  checkOptions(op, options, ["keepdim"]);
  const dims = normalizeDims(op, dim, input.ndim);
  return { inputs: [input], attributes: { dims, keepdim: options?.keepdim ?? false } };
}
