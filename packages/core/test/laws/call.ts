// Calling an op on drawn arguments: outputs, cotangents and vector-Jacobian products.
import { Generator, Tensor, grad, type DType } from "../../src/index.ts";
import { numel, type Op, type Signature } from "../../src/internal.ts";
import {
  isDrawn, laidOut, mapTensors, tensorsIn, type Call, type Drawn, type MemoryLayout,
} from "./draw.ts";

/** Any entry of the table. */
export type AnyOp = Op<Signature>;

/** Ops whose purpose is to stop gradients. */
const stops: ReadonlySet<string> = new Set(["detach", "detach_"]);

/** How to build the tensors of a call. */
export interface Form {
  /** Dtype of the float tensors. Default `float64`. */
  readonly dtype?: DType;
  /** Default `contiguous`. */
  readonly memory?: MemoryLayout;
  /** Whether the float tensors require a gradient. Default `true`. */
  readonly requiresGrad?: boolean;
}

/** The arguments of a call. */
export interface Built {
  readonly args: readonly unknown[];
  /** The tensors among them, in order. */
  readonly tensors: readonly Tensor[];
  /** Those that can require a gradient. */
  readonly leaves: readonly Tensor[];
}

/** Tensors from drawn data. */
export function build(
  call: Call, { dtype = "float64", memory = "contiguous", requiresGrad = true }: Form = {},
): Built {
  const tensors: Tensor[] = [];
  const args = mapTensors(call.args, isDrawn, (drawn) => {
    const made = laidOut(drawn, drawn.drawn === "float" ? dtype : drawn.drawn, memory);
    if (requiresGrad && drawn.drawn === "float") made.requiresGrad = true;
    tensors.push(made);
    return made;
  }) as unknown[];
  return { args, tensors, leaves: tensors.filter((made) => made.isFloatingPoint()) };
}

/** The data of the tensors that can require a gradient, in the order of `leaves`. */
export function floatsIn(call: Call): Drawn[] {
  return tensorsIn(call.args, isDrawn).filter(({ drawn }) => drawn === "float");
}

/** The call with other values in its `index`-th float tensor. */
export function withValues(call: Call, index: number, values: readonly number[]): Call {
  let next = 0;
  const args = mapTensors(call.args, isDrawn, (drawn) =>
    drawn.drawn === "float" && next++ === index ? { ...drawn, values } : drawn);
  return { ...call, args: args as unknown[] };
}

/** Whether an op writes into its first argument. */
export function writes({ definition: { name } }: AnyOp): boolean {
  return name.endsWith("_");
}

/** Whether gradients are meant to end at an op. */
export function stopsGradients({ definition: { name } }: AnyOp): boolean {
  return stops.has(name);
}

/** Calls a function and gives its tensors: one, several, or none where it gives something else. */
export function outputsOf(
  call: (...args: unknown[]) => unknown, args: readonly unknown[],
): Tensor[] {
  const result = call(...args);
  if (result instanceof Tensor) return [result];
  if (typeof result !== "object" || result === null || !(Symbol.iterator in result)) return [];
  return [...result as Iterable<unknown>].filter((item) => item instanceof Tensor);
}

/** Calls an op. What writes into a leaf that requires a gradient is given a copy of it. */
export function apply(op: AnyOp, args: readonly unknown[]): Tensor[] {
  const [first, ...others] = args;
  const given = writes(op) && first instanceof Tensor && first.requiresGrad
    ? [first.clone(), ...others] : args;
  return outputsOf(op as unknown as (...args: unknown[]) => unknown, given);
}

/** Whether an op rounds float64 inputs to float32, so that differences see steps. */
export function rounds(outputs: readonly Tensor[]): boolean {
  return outputs.some(({ dtype }) => dtype === "float32");
}

/** Random tensors like the given ones: the same numbers for the same seed, whatever the dtype. */
export function randomLike(like: readonly Tensor[], seed: number): Tensor[] {
  const generator = new Generator(seed);
  return like.map(({ shape, dtype }) => {
    const values = Array.from({ length: numel(shape) },
      () => Math.fround(2 * generator.uniform24() - 1));
    return laidOut({ drawn: "float", shape, values }, dtype);
  });
}

/** The outputs through which gradients flow. */
export function differentiable(outputs: readonly Tensor[]): Tensor[] {
  return outputs.filter((output) => output.requiresGrad);
}

/**
 * Gradients of `outputs` for cotangents drawn with `seed`; zeros where nothing depends on a leaf.
 * @param cotangents made by `randomLike(differentiable(outputs), seed)` unless given
 */
export function vjp(
  outputs: readonly Tensor[], leaves: readonly Tensor[], seed: number,
  { createGraph = false, cotangents }: {
    readonly createGraph?: boolean; readonly cotangents?: readonly Tensor[];
  } = {},
): Tensor[] {
  const roots = differentiable(outputs);
  if (leaves.length === 0) return [];
  if (roots.length === 0) return zerosLike(leaves);
  return grad(roots, leaves, {
    gradOutputs: cotangents ?? randomLike(roots, seed), createGraph, materializeGrads: true,
  }) as Tensor[];
}

function zerosLike(like: readonly Tensor[]): Tensor[] {
  return like.map(({ shape, dtype }) =>
    laidOut({ drawn: "float", shape, values: Array<number>(numel(shape)).fill(0) }, dtype));
}
