// Running reductions over storages: in WebAssembly where that pays, else in JavaScript.
import { collapse } from "../kernels/operand.ts";
import { prepareReduction, type PreparedReduction } from "../kernels/reduce-simd/plan.ts";
import { runReduction, type Reduction } from "../kernels/reduce.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { hasSimd } from "../wasm/features.ts";
import { theHeap } from "./heap.ts";
import { forHost, place, regionOf, type Placed, type Region } from "./place.ts";
import { classesOf, isSparse } from "./run.ts";
import { thresholds } from "./thresholds.ts";

/**
 * Runs a reduction over `dims` of `shape`; see `runReduction`. Which path runs depends on sizes,
 * dtypes and the engine, never on where the values happen to lie.
 */
export function reduceStorages(
  program: Reduction, shape: Shape, dims: readonly number[],
  outputs: readonly Placed[], inputs: readonly Placed[], scalars: readonly number[] = none,
): void {
  const count = numel(shape);
  if (count >= thresholds.elements && count > 0 && hasSimd() &&
    reduceInHeap(program, shape, dims, outputs, inputs, scalars)) return;
  forHost(outputs);
  runReduction(program, shape, dims, outputs, inputs, scalars);
}

const none: readonly number[] = [];

function reduceInHeap(
  program: Reduction, shape: Shape, dims: readonly number[],
  outputs: readonly Placed[], inputs: readonly Placed[], scalars: readonly number[],
): boolean {
  const operands = outputs.concat(inputs);
  const classes = classesOf(operands);
  if (classes.includes("d")) return false;
  const count = numel(shape);
  const regions = new Array<Region>(operands.length);
  for (let k = 0; k < operands.length; k++) {
    regions[k] = regionOf(operands[k], shape);
    if (isSparse(regions[k], count)) return false;
  }
  const heap = theHeap();
  if (heap === null) return false;
  const prepared = preparedFor(program, { shape, dims, operands, classes, shared: heap.isShared });
  if (prepared === null) return false;
  const placement = place(heap, regions.slice(0, outputs.length), regions.slice(outputs.length),
    prepared.workspaceBytes);
  if (placement === null) return false;
  const { addresses, workspace } = placement;
  placement.run(() => prepared.steps({ scalars, addresses, workspace }));
  return true;
}

/** All that the plan of a reduction depends on, besides the program. */
interface Situation {
  readonly shape: Shape;
  readonly dims: readonly number[];
  readonly operands: readonly Placed[];
  readonly classes: string;
  readonly shared: boolean;
}

/** Plans of each program, by `keyOf`: making one takes 20 µs, finding it again 0.5. */
const plans = new WeakMap<Reduction, Map<string, PreparedReduction | null>>();

/** Plans of a program that are kept at most, and calls of one that is. */
const MOST_PLANS = 64;
const MOST_CALLS = 64;

function preparedFor(program: Reduction, situation: Situation): PreparedReduction | null {
  let known = plans.get(program);
  if (known === undefined) plans.set(program, known = new Map());
  const key = keyOf(situation);
  let prepared = known.get(key);
  if (prepared === undefined) {
    prepared = prepare(program, situation);
    if (known.size === MOST_PLANS) known.clear();
    if (prepared === null || prepared.callCount <= MOST_CALLS) known.set(key, prepared);
  }
  return prepared;
}

function keyOf({ shape, dims, operands, classes, shared }: Situation): string {
  let key = shared ? classes : `${classes}.`;
  for (let dim = 0; dim < shape.length; dim++) key += `,${shape[dim]}`;
  for (let i = 0; i < dims.length; i++) key += `/${dims[i]}`;
  for (let k = 0; k < operands.length; k++) {
    const { strides } = operands[k];
    for (let dim = 0; dim < strides.length; dim++) key += `,${strides[dim]}`;
  }
  return key;
}

function prepare(
  program: Reduction, { shape, dims, operands, classes, shared }: Situation,
): PreparedReduction | null {
  const kept: number[] = [];
  let total = 1;
  for (let dim = 0; dim < shape.length; dim++) {
    if (dims.includes(dim)) total *= shape[dim];
    else kept.push(dim);
  }
  return prepareReduction(program, {
    outer: collapse(shape, operands, kept), inner: collapse(shape, operands, dims), classes,
    total, shared,
  });
}
