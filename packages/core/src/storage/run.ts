// Running pointwise programs over storages: in WebAssembly where that pays, else in JavaScript.
import { itemSize } from "../dtype.ts";
import { collapse } from "../kernels/operand.ts";
import { runPointwise, type PointwiseProgram } from "../kernels/pointwise.ts";
import { planCopy } from "../kernels/layout/copy.ts";
import { planPointwise, simdKernel, simdPattern } from "../kernels/pointwise-simd.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { hasSimd } from "../wasm/features.ts";
import { theHeap } from "./heap.ts";
import { forHost, place, regionOf, type Placed, type Region } from "./place.ts";
import { thresholds } from "./thresholds.ts";

/** Elements in memory per element used beyond which copying costs more than it gains. */
const SPARSEST = 8;

/**
 * Runs a program over `shape`; see `runPointwise`. Which path runs depends on sizes, dtypes and the
 * engine, never on where the values happen to lie.
 */
export function runProgram(
  program: PointwiseProgram, shape: Shape,
  outputs: readonly Placed[], inputs: readonly Placed[], scalars: readonly number[],
): void {
  const count = numel(shape);
  if (count >= thresholds.elements && hasSimd() &&
    runInHeap(program, shape, count, outputs, inputs, scalars)) return;
  forHost(outputs);
  runPointwise(program, shape, outputs, inputs, scalars);
}

function runInHeap(
  program: PointwiseProgram, shape: Shape, count: number,
  outputs: readonly Placed[], inputs: readonly Placed[], scalars: readonly number[],
): boolean {
  const operands = outputs.concat(inputs);
  const loops = collapse(shape, operands);
  if ((loops.shape.at(-1) ?? 1) < thresholds.innermost) return false;
  const pattern = simdPattern(classesOf(operands), loops);
  if (pattern === null) return false;
  const heap = theHeap();
  if (heap === null) return false;
  const regions = operands.map((operand, k) => regionOf(operand, loops.shape, loops.strides[k]));
  if (regions.some((region) => isSparse(region, count))) return false;
  const placement = place(heap, regions.slice(0, outputs.length), regions.slice(outputs.length));
  if (placement === null) return false;
  placement.run(() => planPointwise(
    simdKernel(program, pattern, heap.isShared), loops, placement.addresses, scalars));
  return true;
}

/** Copies elements between storages of one dtype, which may be one storage. */
export function runCopy(
  program: PointwiseProgram, shape: Shape, output: Placed, input: Placed,
): void {
  const count = numel(shape);
  const isDirect = count >= thresholds.elements && hasSimd() &&
    output.storage.dtype !== "float64" && output.storage !== input.storage;
  if (isDirect && copyInHeap(shape, count, output, input)) return;
  runProgram(program, shape, [output], [input], []);
}

function copyInHeap(shape: Shape, count: number, output: Placed, input: Placed): boolean {
  const [target, source] = [regionOf(output, shape), regionOf(input, shape)];
  if (isSparse(target, count) || isSparse(source, count)) return false;
  const heap = theHeap();
  const placement = heap === null ? null : place(heap, [target], [source]);
  if (heap === null || placement === null) return false;
  const bytes = itemSize(output.storage.dtype) as 1 | 4;
  const inBytes = (strides: readonly number[]) => strides.map((step) => step * bytes);
  placement.run(() => planCopy({
    shape, out: placement.addresses[0], outStrides: inBytes(output.strides),
    in: placement.addresses[1], inStrides: inBytes(input.strides),
  }, bytes, heap.isShared));
  return true;
}

/** Whether elements lie so far apart that copying what is between costs too much. */
export function isSparse({ from, to }: Region, count: number): boolean {
  return to - from > SPARSEST * count;
}

/** One letter for each operand's dtype, as `signature` gives it. */
export function classesOf(operands: readonly Placed[]): string {
  let letters = "";
  for (const { storage: { dtype } } of operands) letters += dtype[0] === "f"
    ? (itemSize(dtype) === 4 ? "f" : "d") : dtype[0];
  return letters;
}
