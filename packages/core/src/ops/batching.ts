// Ops on batches: all samples at once where the op can, else one by one and put together again.
import { exposed, freshAt, hidden, levelsOf, strideAt } from "../autograd/batch.ts";
import type { Differentiable, RuleContext } from "../autograd/node.ts";
import { isGradEnabled } from "../autograd/modes.ts";
import { record } from "../autograd/record.ts";
import { fail } from "../errors.ts";
import { batchDims, batched, isBatching, type BatchedRead, type Level }
  from "../storage/batched.ts";
import { sameShape, showShape, type Shape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { arranged, checkShared, copyInto, fresh } from "./memory.ts";

/** Whether a tensor stands for the samples of some level. */
export function isBatched(value: Tensor | number): boolean {
  return isBatching && typeof value !== "number" && batchDims(value.storage).length > 0;
}

/**
 * Runs something that copes with more dimensions in front on all samples at once, not recorded.
 * @param rank the inputs are given at least so many dimensions of their own
 * @param run gives outputs with the same `depth` dimensions in front
 */
export function onWholes(
  inputs: readonly Tensor[], rank: number,
  run: (wholes: readonly Tensor[], depth: number) => readonly Tensor[],
): Tensor[] {
  const levels = levelsOf(inputs);
  return run(inputs.map((input) => exposed(input, levels, rank)), levels.length)
    .map((output) => hidden(output, levels));
}

/**
 * Runs something on each sample in turn, not recorded.
 * @throws when there are no samples, or their outputs differ in shape
 */
export function oneByOne(
  op: string, inputs: readonly Tensor[], run: (inputs: readonly Tensor[]) => readonly Tensor[],
): Tensor[] {
  const levels = levelsOf(inputs);
  const wholes = inputs.map((input) => exposed(input, levels));
  const depth = levels.length;
  let results: Tensor[] = [];
  for (const at of positions(op, levels)) {
    const outputs = run(wholes.map((whole) => sampleAt(whole, at)));
    if (results.length === 0) {
      results = outputs.map(({ shape, dtype }) =>
        fresh([...levels.map(({ size }) => size), ...shape], dtype));
    }
    outputs.forEach((output, i) => {
      checkSameShape(op, output.shape, results[i].shape.slice(depth));
      copyInto(sampleAt(results[i], at), output);
    });
  }
  return results.map((whole) => hidden(whole, levels));
}

/**
 * Runs a write on each sample of its target in turn.
 * @throws when the target is the same in all samples of a level, and an input is not
 */
export function onEachSample(
  target: Tensor, input: Tensor, write: (target: Tensor, input: Tensor) => void,
): void {
  const levels = checkShared(target, [input]);
  const [into, from] = [exposed(target, levels), exposed(input, levels)];
  for (const at of positionsIn(levels)) write(sampleAt(into, at), sampleAt(from, at));
}

function checkSameShape(op: string, shape: Shape, first: Shape): void {
  if (sameShape(shape, first)) return;
  fail(op, "vmap: We do not support batching operators that can output dynamic shape: samples " +
    `give ${showShape(first)} and ${showShape(shape)}`);
}

/** The sample at a position in the leading dimensions. */
function sampleAt(whole: Tensor, at: readonly number[]): Tensor {
  const { shape, strides, offset } = whole;
  return arranged(whole, {
    shape: shape.slice(at.length), strides: strides.slice(at.length),
    offset: at.reduce((sum, i, dim) => sum + i * strides[dim], offset),
  });
}

function positions(op: string, levels: readonly Level[]): number[][] {
  if (levels.some(({ size }) => size === 0)) {
    fail(op, "vmap: this op goes through the samples one by one, and there are none: the " +
      "fallback path does not support vmap over dims of size 0");
  }
  return positionsIn(levels);
}

function positionsIn(levels: readonly Level[]): number[][] {
  return levels.reduce<number[][]>((starts, { size }) =>
    starts.flatMap((start) => Array.from({ length: size }, (_, i) => [...start, i])), [[]]);
}

/** Each sample of a level as a tensor of its own, sharing memory. */
export function samplesOf(input: Tensor, level: Level): Tensor[] {
  const { storage, shape, strides, offset } = input;
  const stride = strideAt(input, level);
  const rest = batched(storage.memory,
    batchDims(storage).filter((one) => one.level !== level));
  const samples = Array.from({ length: level.size }, (_, i) =>
    new Tensor(rest, shape, strides, offset + i * stride));
  record(takingApart, [input], samples, level);
  return samples;
}

/** Tensors of one shape and dtype as the samples of a level. */
export function joined(samples: readonly Tensor[], level: Level): Tensor {
  const [{ shape, dtype }] = samples;
  const result = freshAt([...levelsOf(samples), level].sort((a, b) => a.order - b.order),
    shape, dtype);
  samplesUnrecorded(result, level).forEach((target, i) => copyInto(target, samples[i]));
  record(puttingTogether(samples.length), samples, [result], level);
  return result;
}

function samplesUnrecorded(input: Tensor, level: Level): Tensor[] {
  const { storage, shape, strides, offset } = input;
  return samplesOf(new Tensor(storage, shape, strides, offset), level);
}

const takingApart: Differentiable = {
  name: "vmapSamples", inputs: ["input"],
  rules: [{
    reads: [],
    gradient: ({ grad, grads, attributes }) => joined(
      grads.map((one) => one ?? fresh(grad.shape, grad.dtype)), attributes as Level),
  }],
  forward: ([tangent], inputs, attributes) => {
    const { size } = attributes as Level;
    return tangent === null ? inputs.flatMap(() => new Array<null>(size).fill(null))
      : samplesOf(tangent, attributes as Level);
  },
};

function puttingTogether(count: number): Differentiable {
  const gradients = ({ grad, attributes }: RuleContext) => samplesOf(grad, attributes as Level);
  const inputs = Array.from({ length: count }, (_, i) => `${i}`);
  return {
    name: "vmapJoin", inputs, gradients,
    rules: inputs.map((_, i) => ({
      reads: [], gradient: (context: RuleContext) => gradients(context)[i],
    })),
    forward: (tangents, inputs, attributes) => [joined(tangents.map((tangent, i) => {
      const { shape, dtype } = inputs[i] as Tensor;
      return tangent ?? fresh(shape, dtype);
    }), attributes as Level)],
  };
}

/**
 * Calls a function that reads the values of a batched argument for each sample of that level, and
 * puts its results together again; recorded.
 * @throws what stopped the reading, where the function gives no tensor or was given no batch
 */
export function perSample(
  read: BatchedRead, op: string, call: (...args: never[]) => unknown, args: readonly unknown[],
): unknown {
  const { level } = read;
  if (!levelsOf(tensorsIn(args)).includes(level)) throw read;
  positions(op, [level]);
  const given = args.map((arg) => takenApart(arg, level));
  const [first] = args;
  const writes = op.endsWith("_") && first instanceof Tensor;
  if (writes) checkWrite(op, first, args, level);
  const results = Array.from({ length: level.size }, (_, i) =>
    call(...args.map((arg, k) => given[k] === null ? arg : given[k][i]) as never[]));
  if (writes) return first;
  const tensors = results.filter((result) => result instanceof Tensor);
  if (tensors.length < results.length) throw read;
  for (const { shape } of tensors) checkSameShape(op, shape, tensors[0].shape);
  return joined(tensors, level);
}

/** @throws when a write to each sample alone would miss the others, or the graph */
function checkWrite(op: string, target: Tensor, args: readonly unknown[], level: Level): void {
  if (strideAt(target, level) === 0) {
    fail(op, "vmap: inplace arithmetic is not possible because what is written differs between " +
      "samples, and the tensor written to is the same in all of them. Please use the op without " +
      "underscore");
  }
  if (!isGradEnabled() || tensorsIn(args).every(({ history }) => history === null)) return;
  fail(op, "vmap: positions that differ between samples can't be written to in place while " +
    "gradients are recorded. Please use the op without underscore");
}

function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  return isPlain(value) ? Object.values(value as object).flatMap(tensorsIn) : [];
}

/** What each sample of a level has in place of a value; `null` where that is the same in all. */
function takenApart(value: unknown, level: Level): unknown[] | null {
  if (value instanceof Tensor) {
    const isSame = strideAt(value, level) === 0;
    // what requires a gradient gets one for each sample, to be added up only outside of the level
    return isSame && value.history === null ? null : samplesOf(value, level);
  }
  if (!Array.isArray(value) && !isPlain(value)) return null;
  const entries = Object.entries(value as { readonly [name: string]: unknown });
  const parts = entries.map(([, item]) => takenApart(item, level));
  if (parts.every((part) => part === null)) return null;
  return Array.from({ length: level.size }, (_, i) => {
    const items = entries.map(([name, item], k): [string, unknown] =>
      [name, parts[k] === null ? item : parts[k][i]]);
    return Array.isArray(value) ? items.map(([, item]) => item) : Object.fromEntries(items);
  });
}
