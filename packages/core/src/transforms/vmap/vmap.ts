// func.vmap: a function of samples as a function of batches.
import { enter, leave, levelsOf } from "../../autograd/batch.ts";
import { insideLevel, type Randomness } from "../../autograd/levels.ts";
import { isThenable } from "../../autograd/synchronous.ts";
import { fail, show } from "../../errors.ts";
import { cat } from "../../ops/join.ts";
import { checkOptions } from "../../ops/op.ts";
import { narrow } from "../../ops/view.ts";
import { getRngState, setRngState } from "../../random/fork.ts";
import { normalizeDim, showShape } from "../../shape/dims.ts";
import type { Level } from "../../storage/batched.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { mapWithDims, type DimTree } from "./dims.ts";

/** Options of `vmap`. */
export interface VmapOptions {
  /**
   * The dimension of the inputs that counts the samples: one for all, or one per argument, nested
   * as the arguments are; `null` for what is the same in all samples. Default 0.
   */
  readonly inDims?: number | readonly DimTree[];
  /**
   * Where that dimension is in the outputs: one for all, or nested as the output is; `null` for
   * what does not depend on the sample. Default 0.
   */
  readonly outDims?: DimTree;
  /** Whether random ops are refused, draw for each sample, or once for all. Default `"error"`. */
  readonly randomness?: Randomness;
  /** Compute so many samples at a time, to save memory. Default: all. */
  readonly chunkSize?: number | null;
}

const modes: readonly unknown[] = ["error", "different", "same"];

/** A call of a function under vmap. */
interface Call {
  readonly f: (...args: never[]) => unknown;
  /** How messages name the call. */
  readonly name: string;
  readonly outDims: DimTree;
  readonly randomness: Randomness;
}

/**
 * The function that applies `f` to all samples of a batch at once: `f` is written for one sample,
 * inputs and outputs of the new function have one dimension more. It composes with gradients:
 * `vmap(grad(f))` gives a gradient per sample, and results can be differentiated.
 * @throws when called, if sizes of the batch differ, or `f` reads values of a sample
 * @example
 * ```ts
 * const perSample = func.vmap((a: Tensor, b: Tensor) => a.dot(b));
 * console.log(perSample(ones([3, 5]), ones([3, 5])).tolist()); // [ 5, 5, 5 ]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.func.vmap.html
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R, options: VmapOptions = {},
): (...args: A) => R {
  if (typeof f !== "function") fail("vmap", `takes a function of tensors, got ${show(f)}`);
  checkOptions("vmap", options, ["inDims", "outDims", "randomness", "chunkSize"]);
  const { inDims = 0, outDims = 0, randomness = "error", chunkSize = null } = options;
  if (!modes.includes(randomness)) {
    fail("vmap", "Only allowed values for randomness are 'error', 'different', or 'same'. Got " +
      show(randomness));
  }
  if (chunkSize !== null && !(Number.isInteger(chunkSize) && chunkSize > 0)) {
    fail("vmap", `chunkSize should be null or greater than 0. (got ${show(chunkSize)})`);
  }
  checkOutDims(f.name || "f", outDims);
  const call: Call = { f: f as Call["f"], name: f.name || "f", outDims, randomness };
  return (...args) => {
    const { size, dims } = batchOf(call, args, inDims);
    return (chunkSize === null || chunkSize >= size ? mapped(call, args, dims, size)
      : inChunks(call, args, dims, size, chunkSize)) as R;
  };
}

function checkOutDims(name: string, outDims: unknown): void {
  mapWithDims(outDims, null, (dim) => {
    if (dim === null || Number.isInteger(dim)) return dim;
    return fail("vmap", `vmap(${name}, …, outDims): \`outDims\` must be a whole number, null or ` +
      "a collection of them representing where in the outputs the vmapped dimension should " +
      `appear, got ${show(dim)}`);
  }, () => fail("vmap", `unusable outDims ${show(outDims)}`));
}

/** The number of samples, and the dimension of each argument that counts them. */
function batchOf(
  { name }: Call, args: readonly unknown[], inDims: unknown,
): { size: number; dims: unknown } {
  const problem = (text: string) => fail("vmap", `vmap(${name}, inDims)(<inputs>): ${text}`);
  if (typeof inDims !== "number" && !Array.isArray(inDims)) {
    problem("expected `inDims` to be a number or a (potentially nested) array matching the " +
      `structure of inputs, got ${show(inDims)}`);
  }
  if (args.length === 0) {
    problem("Got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a " +
      "function with no inputs. The latter is unsupported.");
  }
  const sizes: number[] = [];
  const dims = mapWithDims(args, inDims, (leaf, dim) => {
    if (dim === null) return null;
    if (!Number.isInteger(dim)) {
      return problem(`Got inDim=${show(dim)} for an input but inDim must be either a whole ` +
        "number or null.");
    }
    if (!(leaf instanceof Tensor)) {
      return problem(`Got inDim=${dim} for an input but the input is ${show(leaf)}. We cannot ` +
        "vmap over non-Tensor arguments, please use null as the respective inDim");
    }
    const { ndim } = leaf;
    if (ndim === 0 || (dim as number) < -ndim || (dim as number) >= ndim) {
      return problem(`Got inDim=${dim} for some input, but that input is a Tensor of ` +
        `dimensionality ${ndim} so expected inDim to satisfy -${ndim} <= inDim < ${ndim}.`);
    }
    const axis = normalizeDim("vmap", dim as number, ndim);
    sizes.push(leaf.shape[axis]);
    return axis;
  }, () => problem(`inDims is not compatible with the structure of the inputs: ${show(inDims)} ` +
    `for ${args.length} inputs`));
  if (sizes.length === 0) fail("vmap", "Expected at least one Tensor to vmap over");
  if (sizes.some((size) => size !== sizes[0])) {
    fail("vmap", "Expected all tensors to have the same size in the mapped dimension, got sizes " +
      `${showShape(sizes)} for the mapped dimension`, { sizes });
  }
  return { size: sizes[0], dims };
}

/** The structure with all tensors that have a dimension replaced. */
function mapMapped(
  args: readonly unknown[], dims: unknown, replace: (leaf: Tensor, dim: number) => Tensor,
): unknown[] {
  return mapWithDims(args, dims, (leaf, dim) =>
    dim === null ? leaf : replace(leaf as Tensor, dim as number), never) as unknown[];
}

function never(): never {
  throw new Error("internal: dimensions were made for these arguments");
}

function mapped(call: Call, args: readonly unknown[], dims: unknown, size: number): unknown {
  const { f, name, outDims, randomness } = call;
  return insideLevel(size, randomness, (level) => {
    const inputs = mapMapped(args, dims, (leaf, dim) => enter(leaf, level, dim));
    const output = f(...inputs as never[]);
    if (isThenable(output)) {
      output.then(undefined, () => {}); // its own failure must not surface as unhandled
      fail("vmap", `vmap(${name}, …): \`${name}\` returned a promise; what it does after its ` +
        "first await would not run inside vmap. Await what it needs first");
    }
    return mapWithDims(output, outDims, (leaf, dim) => left(name, leaf, dim, level), () =>
      fail("vmap", `vmap(${name}, …, outDims)(<inputs>): outDims is not compatible with the ` +
        `structure of the outputs: ${show(outDims)} for ${show(output)}`));
  });
}

/** An output as the caller gets it. */
function left(name: string, leaf: unknown, dim: unknown, level: Level): unknown {
  if (dim === null) {
    if (leaf instanceof Tensor && levelsOf([leaf]).includes(level)) {
      fail("vmap", `vmap(${name}, …): \`${name}\` can not return a BatchedTensor when outDim is ` +
        `null: the output of shape ${showShape(leaf.shape)} differs between samples`);
    }
    return leaf;
  }
  if (!(leaf instanceof Tensor)) {
    return fail("vmap", `vmap(${name}, …): \`${name}\` must only return Tensors, got type ` +
      `${leaf === null ? "null" : typeof leaf}. Did you mean to set outDims to null for this ` +
      "output?");
  }
  return leave(leaf, level, normalizeDim("vmap", dim as number, leaf.ndim + 1));
}

/** A batch in parts, one after the other. */
function inChunks(
  call: Call, args: readonly unknown[], dims: unknown, size: number, chunkSize: number,
): unknown {
  const state = call.randomness === "same" ? getRngState() : null;
  const outputs: unknown[] = [];
  for (let start = 0; start < size; start += chunkSize) {
    if (state !== null) setRngState(state);
    const length = Math.min(chunkSize, size - start);
    const part = mapMapped(args, dims, (leaf, dim) => narrow(leaf, dim, start, length));
    outputs.push(mapped(call, part, dims, length));
  }
  const leaves = outputs.map((output) => {
    const list: unknown[] = [];
    mapWithDims(output, null, (leaf) => list.push(leaf), never);
    return list;
  });
  let next = 0;
  return mapWithDims(outputs[0], call.outDims, (leaf, dim) => {
    const parts = leaves.map((list) => list[next]);
    next++;
    return dim === null ? leaf : cat(parts as Tensor[], dim as number);
  }, never);
}
