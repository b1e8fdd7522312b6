// Instructions that reductions need besides those of wasm/instructions.ts.
import type { Code } from "../../wasm/encoding.ts";
import { unsigned } from "../../wasm/encoding.ts";
import { Lanes, type LaneShape } from "../../wasm/lanes.ts";

const numbers = {
  "f64x2.splat": 0x14, "i32x4.lt_s": 0x39, "i32x4.gt_s": 0x3b,
  "f64x2.eq": 0x47, "f64x2.ne": 0x48, "f64x2.lt": 0x49, "f64x2.gt": 0x4a, "f64x2.le": 0x4b,
  "f64x2.ge": 0x4c, "f64x2.abs": 0xec, "f64x2.neg": 0xed, "f64x2.sqrt": 0xef,
  "f64x2.min": 0xf4, "f64x2.max": 0xf5, "i32x4.trunc_sat_f64x2_s_zero": 0xfc,
} as const;

/** Name of a vector instruction of this file. */
export type MoreVectors = keyof typeof numbers;

/** An instruction behind the code of its operands. */
export function more(name: MoreVectors, ...operands: Code[]): Code {
  return [operands, 0xfd, unsigned(numbers[name])];
}

/** The result of an instruction over lanes. */
export function lanesOf(
  name: MoreVectors, shape: LaneShape, first: Lanes, ...others: Lanes[]
): Lanes {
  const nodes = [first, ...others].map(({ node }) => node);
  const key = `${name}:${nodes.map(({ id }) => id).join(",")}`;
  return new Lanes(first.graph, first.graph.node(key, nodes, more(name)), shape);
}

/** `v128.load64_zero`: two float32 numbers. */
export function loadHalf(offset: number, address: Code): Code {
  return [address, 0xfd, 0x5d, 2, unsigned(offset)];
}
