// Reductions and scans: accumulations, written as expressions, over some dimensions.
import { constant, variable, type Expression } from "../expression/expression.ts";
import { canGenerateCode } from "../expression/javascript.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { classOf, collapse, signature, type Operand } from "./operand.ts";
import { buildBlocks } from "./reduce-blocks.ts";
import { buildLines, buildRows } from "./reduce-source.ts";

/** The running values of an accumulation, as variables of its expressions. */
export const accumulator = (k: number) => variable(`accumulator${k}`);

/** Position of an element within the reduced dimensions, row-major. */
export const position = variable("position");

/** Number of elements that are reduced to one. */
export const count = variable("count");

/** One walk over the reduced elements. */
export interface Pass {
  /** First values of the accumulators that this pass adds, of those of earlier passes. */
  readonly initial: readonly (Expression | number)[];
  /** Their next values at an element. */
  readonly steps: readonly Expression[];
  /** What is stored at every element, after the step. */
  readonly stores?: readonly Expression[];
}

/** Passes with float64 accumulators, and the results made of these. */
export interface Reduction {
  readonly inputs: readonly string[];
  /** Names of plain numbers. */
  readonly scalars: readonly string[];
  readonly passes: readonly Required<Pass>[];
  readonly results: readonly Expression[];
  /** Compiled kernels by `codeOf`. */
  readonly kernels: Map<number, Kernel>;
}

/** A compiled reduction. The last of the outer loops may have any stride, also for the outputs. */
export type Kernel = (
  outer: Shape, outerStrides: readonly (readonly number[])[],
  inner: Shape, innerStrides: readonly (readonly number[])[],
  operands: readonly Operand[], scalars: readonly number[], total: number,
) => void;

/** A reduction in one pass; the expressions see inputs, accumulators, position and count. */
export function reduction(
  parts: Pick<Reduction, "inputs" | "results"> & Pass & { readonly scalars?: readonly string[] },
): Reduction {
  const { inputs, results, scalars, ...pass } = parts;
  return passes({ inputs, scalars, results, passes: [pass] });
}

/** A reduction in several passes: each sees the accumulators of those before it. */
export function passes(parts: {
  readonly inputs: readonly string[]; readonly scalars?: readonly string[];
  readonly passes: readonly Pass[]; readonly results?: readonly Expression[];
}): Reduction {
  return {
    inputs: parts.inputs, scalars: parts.scalars ?? [], results: parts.results ?? [],
    passes: parts.passes.map(({ initial, steps, stores = [] }) => ({
      initial: initial.map((value) => typeof value === "number" ? constant(value) : value),
      steps, stores,
    })),
    kernels: new Map(),
  };
}

/**
 * Runs `program` once per element of the kept dimensions, over all elements of `dims` (sorted).
 * All strides refer to `shape`. `outputs` are the results, then what the passes store.
 */
export function runReduction(
  program: Reduction, shape: Shape, dims: readonly number[],
  outputs: readonly Operand[], inputs: readonly Operand[], scalars: readonly number[] = none,
): void {
  const operands = [...outputs, ...inputs]; // concat takes three times as long
  const kept = new Array<number>(shape.length - dims.length);
  let total = 1;
  for (let dim = 0, next = 0; dim < shape.length; dim++) {
    if (dims.includes(dim)) total *= shape[dim];
    else if (shape[dim] === 0) return;
    else kept[next++] = dim;
  }
  const inner = collapse(shape, operands, dims);
  const outer = collapse(shape, operands, kept);
  const first = outputs.length;
  const rows = inner.shape.length > 0 && outer.shape.length > 0 &&
    numel(shape) >= FEWEST && prefersRows(outer.shape, outer.strides[first], inner.strides[first]);
  const build = !canGenerateCode() ? buildBlocks : rows ? buildRows : buildLines;
  const code = codeOf(operands, builders.indexOf(build));
  let kernel = program.kernels.get(code);
  if (kernel === undefined) {
    kernel = build(program, signature(operands));
    program.kernels.set(code, kernel);
  }
  kernel(outer.shape, outer.strides, inner.shape, inner.strides, operands, scalars, total);
}

const none: readonly number[] = [];

/** Elements below which arrays of accumulations side by side take longer than they save. */
const FEWEST = 160;

const builders = [buildLines, buildRows, buildBlocks];

/** What a kernel is compiled for, as a number: faster to look up than `signature`. */
function codeOf(operands: readonly Operand[], builder: number): number {
  let code = builder;
  for (let k = 0; k < operands.length; k++) {
    code = code * 4 + classOf(operands[k].data);
  }
  return code;
}

/** Whether neighbours in memory belong to different results, and there are several of them. */
function prefersRows(
  outer: Shape, outerStrides: readonly number[], innerStrides: readonly number[],
): boolean {
  const step = Math.abs(outerStrides[outer.length - 1]);
  return outer[outer.length - 1] >= 8 && step > 0 &&
    step < Math.abs(innerStrides[innerStrides.length - 1]);
}
