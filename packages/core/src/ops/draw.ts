// Filling tensors with drawn numbers, in the order of their memory.
import type { Differentiable } from "../autograd/node.ts";
import { checkDualWrite } from "../autograd/tangents.ts";
import { bumpVersion, checkInPlace, recordWrite } from "../autograd/in-place.ts";
import { isRecorded } from "../autograd/record.ts";
import { allocate, isFloat, typeNames, type TypedArray } from "../dtype.ts";
import { freshAt, levelsOf } from "../autograd/batch.ts";
import { drawnLevels } from "../autograd/levels.ts";
import { fail, show } from "../errors.ts";
import { Generator, defaultGenerator } from "../random/generator.ts";
import { memoryOrder } from "../shape/memory-order.ts";
import { isBatching } from "../storage/batched.ts";
import { Tensor } from "../tensor/tensor.ts";
import { oneByOne } from "./batching.ts";
import { arranged, copyInto, fresh } from "./memory.ts";
import { checkTensor } from "./op.ts";

/** Writes numbers to an array; `contiguous` says whether they come to lie in one piece. */
export type Fill = (generator: Generator, values: TypedArray, contiguous: boolean) => void;

/**
 * The generator a user gave, or the default one.
 * @throws when it is no generator
 */
export function generatorOf(op: string, generator: unknown): Generator {
  if (generator === undefined) return defaultGenerator;
  if (!(generator instanceof Generator)) {
    fail(op, `generator must be a Generator, got ${show(generator)}`);
  }
  return generator;
}

/**
 * Checks that a random function can draw numbers of this tensor's dtype.
 * @throws when it holds integers or truth values
 */
export function checkFloat(op: string, kernel: string, input: Tensor): void {
  checkTensor(op, "input", input);
  if (!isFloat(input.dtype)) {
    fail(op, `"${kernel}" not implemented for '${typeNames[input.dtype]}': only float32 and ` +
      "float64 can be drawn");
  }
}

/**
 * Makes a random tensor: under vmap once for all samples, or once for each of them in turn.
 * @param inputs what the numbers depend on, handed to `make`
 * @throws inside a level that refuses random ops, or that wants all samples to have the same
 *   numbers while an input differs between them
 */
export function drawForSamples(
  op: string, inputs: readonly Tensor[], make: (inputs: readonly Tensor[]) => Tensor,
): Tensor {
  if (!isBatching) return make(inputs);
  const levels = drawnLevels(op);
  if (levelsOf(inputs).some((level) => !levels.includes(level))) {
    fail(op, "vmap: randomness 'same' is not possible for numbers that depend on a tensor which " +
      "differs between samples: use 'different', or compute them from uniform numbers");
  }
  if (levels.length === 0) return make(inputs);
  const eachSample = freshAt(levels, [], "bool");
  return oneByOne(op, [...inputs, eachSample], (given) => [make(given.slice(0, -1))])[0];
}

/** Fills a tensor without history; for a view, in the order in which its elements lie in memory. */
export function draw(target: Tensor, generator: Generator, fill: Fill): Tensor {
  const count = target.numel();
  if (target.isContiguous()) {
    fill(generator, target.storage.data.subarray(target.offset, target.offset + count), true);
    return target;
  }
  const values = allocate(target.dtype, count);
  fill(generator, values, false);
  const order = memoryOrder(target.strides);
  const shape = order.map((dim) => target.shape[dim]);
  const source = fresh(shape, target.dtype);
  source.storage.data.set(values);
  copyInto(arranged(target, {
    shape, strides: order.map((dim) => target.strides[dim]), offset: target.offset,
  }), source);
  return target;
}

/** Overwrites a tensor as its in-place methods do; gradients of what it held before are zeros. */
export function drawInPlace(name: string, target: Tensor, generator: Generator, fill: Fill): void {
  const op: Differentiable = { name: name.slice(0, -1), inputs: ["input"], rules: [zeroGradient] };
  const recorded = isRecorded(op, [target]);
  checkInPlace(name, target, target.shape, target.dtype, recorded);
  checkDualWrite(name, target, []);
  const before = arranged(target, target);
  before.tangents = target.tangents;
  before.history = target.history;
  before.outputIndex = target.outputIndex;
  if (isBatching) {
    const { shape, dtype } = target;
    const drawn = drawForSamples(name, [], () => draw(fresh(shape, dtype), generator, fill));
    if (levelsOf([drawn]).some((level) => !levelsOf([target]).includes(level))) {
      fail(name, "vmap: Cannot ask for different inplace randomness on an unbatched tensor: it " +
        "is the same in all samples");
    }
    copyInto(target, drawn);
  } else draw(target, generator, fill);
  bumpVersion(target, name);
  recordWrite(op, [before], target, null);
}

const zeroGradient = {
  reads: [],
  gradient: ({ grad }: { readonly grad: Tensor }) => fresh(grad.shape, grad.dtype),
};
