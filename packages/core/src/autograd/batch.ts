// Tensors that stand for a batch, and how one is entered and left. The graph knows the shape of one
// sample; batch dimensions are a matter of memory alone.
import { batchDims, batched, type BatchDim, type Level } from "../storage/batched.ts";
import { Storage } from "../storage/storage.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { contiguousStrides } from "../shape/layout.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { DType } from "../dtype.ts";
import { arithmetic } from "./arithmetic.ts";
import { isInside } from "./levels.ts";
import type { Differentiable, OutputType } from "./node.ts";
import { record } from "./record.ts";
import { joinFamily, restrict } from "./views.ts";

const none: readonly never[] = [];

/** The levels that some of these tensors are batched at, outermost first. */
export function levelsOf(tensors: Iterable<Tensor | number>): readonly Level[] {
  let levels: readonly Level[] = none;
  for (const tensor of tensors) {
    if (typeof tensor === "number") continue;
    for (const { level } of batchDims(tensor.storage)) {
      if (!levels.includes(level)) levels = [...levels, level];
    }
  }
  return levels.length < 2 ? levels : levels.toSorted((a, b) => a.order - b.order);
}

/** Elements between samples of a level; 0 for a tensor that is the same in all of them. */
export function strideAt({ storage }: Tensor, level: Level): number {
  return batchDims(storage).find((dim) => dim.level === level)?.stride ?? 0;
}

/**
 * The elements of all samples: `[…levels, …shape]`, not recorded. Sizes of 1 are put before the
 * shape where it has fewer than `rank` dimensions.
 */
export function exposed(
  tensor: Tensor, levels: readonly Level[] = levelsOf([tensor]), rank = tensor.ndim,
): Tensor {
  const { storage, shape, strides, offset } = tensor;
  const missing = Math.max(rank - shape.length, 0);
  return new Tensor(storage.memory,
    [...levels.map(({ size }) => size), ...new Array<number>(missing).fill(1), ...shape],
    [...levels.map((level) => strideAt(tensor, level)), ...new Array<number>(missing).fill(0),
      ...strides], offset);
}

/** The reverse of `exposed`: leading dimensions become those of levels. */
export function hidden(whole: Tensor, levels: readonly Level[]): Tensor {
  const dims = levels.map((level, i): BatchDim => ({ level, stride: whole.strides[i] }));
  return new Tensor(batched(whole.storage, dims), whole.shape.slice(levels.length),
    whole.strides.slice(levels.length), whole.offset);
}

/** New tensor of zeros for each sample of all levels, without history. */
export function freshAt(levels: readonly Level[], shape: Shape, dtype: DType): Tensor {
  const whole = [...levels.map(({ size }) => size), ...shape];
  return hidden(new Tensor(Storage.zeros(dtype, numel(whole)), whole, contiguousStrides(whole)),
    levels);
}

/** A tensor that nothing is batched in, seen as the same in all samples of another's levels. */
export function spreadLike(tensor: Tensor, like: Tensor): Tensor {
  const dims = batchDims(like.storage).map(({ level }) => ({ level, stride: 0 }));
  return dims.length === 0 ? tensor
    : new Tensor(batched(tensor.storage, dims), tensor.shape, tensor.strides, tensor.offset);
}

/** One dimension of a tensor, and the level whose samples lie along it. */
interface Place { readonly level: Level; readonly dim: number }

/** The tensor of which each sample gets a part: dimension `dim` is that of a level. */
export function enter(input: Tensor, level: Level, dim: number): Tensor {
  const dims = [...batchDims(input.storage), { level, stride: input.strides[dim] }];
  const result = new Tensor(batched(input.storage.memory, dims), input.shape.toSpliced(dim, 1),
    input.strides.toSpliced(dim, 1), input.offset);
  joinFamily(result, input);
  restrict(result, { kind: "vmap" });
  record(entering, [input], [result], { level, dim } satisfies Place);
  return result;
}

/** What all samples have, along a new dimension `dim`; repeated where it is the same in all. */
export function leave(input: Tensor, level: Level, dim: number): Tensor {
  const dims = batchDims(input.storage).filter((one) => one.level !== level);
  const result = new Tensor(batched(input.storage.memory, dims),
    input.shape.toSpliced(dim, 0, level.size),
    input.strides.toSpliced(dim, 0, strideAt(input, level)), input.offset);
  if (input.base !== null) {
    joinFamily(result, input);
    restrict(result, { kind: "vmap" });
  }
  record(leaving, [input], [result], { level, dim } satisfies Place);
  return result;
}

/** An op with one input that is linear, so that it is its own tangent. */
function linearOp(
  name: string, apply: (input: Tensor, place: Place) => Tensor,
  transpose: (grad: Tensor, place: Place) => Tensor,
): Differentiable {
  return {
    name, inputs: ["input"],
    rules: [{
      reads: [], gradient: ({ grad, attributes }) => transpose(grad, attributes as Place),
    }],
    forward: ([tangent], _, attributes) => [tangent && apply(tangent, attributes as Place)],
  };
}

const entering = linearOp("vmapEnter", (input, { level, dim }) => enter(input, level, dim),
  (grad, { level, dim }) => leave(grad, level, dim));

const leaving = linearOp("vmapLeave", (input, { level, dim }) => leave(input, level, dim),
  (grad, { level, dim }) => enter(grad, level, dim));

/**
 * A gradient as it is delivered: what is the same in all samples of a level was used in each, so
 * that their gradients add up. Code inside a level is left its own sample's.
 */
export function settled(gradient: Tensor, { levels }: OutputType): Tensor {
  let result = gradient;
  for (const { level } of batchDims(gradient.storage)) {
    if (isInside(level) || levels?.includes(level)) continue;
    result = arithmetic.sumToSize(leave(result, level, 0), gradient.shape);
  }
  return result;
}
