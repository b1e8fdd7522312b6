// Running reductions over storages: in WebAssembly where that pays, else in JavaScript.
import { collapse } from "../kernels/operand.ts";
import { prepareReduction } from "../kernels/reduce-simd/plan.ts";
import { runReduction, type Reduction } from "../kernels/reduce.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { hasSimd } from "../wasm/features.ts";
import { theHeap } from "./heap.ts";
import { forHost, place, regionOf, type Placed } from "./place.ts";
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
  const kept: number[] = [];
  let total = 1;
  for (let dim = 0; dim < shape.length; dim++) {
    if (dims.includes(dim)) total *= shape[dim];
    else kept.push(dim);
  }
  const regions = operands.map((operand) => regionOf(operand, shape));
  if (regions.some((region) => isSparse(region, numel(shape)))) return false;
  const heap = theHeap();
  if (heap === null) return false;
  const prepared = prepareReduction(program, {
    outer: collapse(shape, operands, kept), inner: collapse(shape, operands, dims), classes,
    total, shared: heap.isShared,
  });
  if (prepared === null) return false;
  const placement = place(heap, regions.slice(0, outputs.length), regions.slice(outputs.length),
    prepared.workspaceBytes);
  if (placement === null) return false;
  placement.run(() => prepared.steps({
    scalars, addresses: placement.addresses, workspace: placement.workspace(),
  }));
  return true;
}
