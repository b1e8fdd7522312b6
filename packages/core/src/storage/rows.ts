// Looking up rows by position over storages, in the heap where that pays.
import { itemSize } from "../dtype.ts";
import { planGatherRows } from "../kernels/layout/rows.ts";
import { hasSimd } from "../wasm/features.ts";
import { theHeap } from "./heap.ts";
import { Placed, place, regionOf } from "./place.ts";
import { isSparse } from "./run.ts";
import { Storage } from "./storage.ts";
import { thresholds } from "./thresholds.ts";

/**
 * Copies row `i` of a table, which begins `starts[i]` elements behind its offset, to row `i` of
 * `output`, which is contiguous and has no other use. Gives `false`, having done nothing, where
 * JavaScript is faster.
 */
export function lookUpRows(
  output: Placed, table: Placed, starts: Int32Array, width: number,
): boolean {
  const count = starts.length * width;
  const { storage: { dtype } } = table;
  if (count < thresholds.elements || count === 0 || dtype === "float64" || !hasSimd()) return false;
  let last = 0;
  for (const start of starts) if (start > last) last = start;
  const reached = regionOf(table, [last + width], [1]);
  const heap = theHeap();
  if (heap === null || isSparse(reached, count)) return false;
  const index = new Placed(new Storage("int32", starts), [1], 0);
  const placement = place(heap, [regionOf(output, [count], [1])],
    [reached, regionOf(index, [starts.length])]);
  if (placement === null) return false;
  const bytes = itemSize(dtype) as 1 | 4;
  const [to, from, numbers] = placement.addresses;
  placement.run(() => planGatherRows(1,
    { address: to, stride: width * bytes, outerStride: 0 },
    { address: from, stride: bytes, outerStride: 0 },
    { address: numbers, stride: 4, count: starts.length, isFloat: false }, width, bytes,
    heap.isShared));
  return true;
}
