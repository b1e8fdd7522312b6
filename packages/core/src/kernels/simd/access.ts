// How a vector kernel reads and writes its operands: whole vectors, repeated values, single lanes.
import type { Code } from "../../wasm/encoding.ts";
import {
  get, i32, laneMemoryAt, memory, op, set, when,
} from "../../wasm/instructions.ts";

/**
 * How the innermost loop walks an operand: `c`ontiguous, `r`epeated or in `s`teps; float32 in
 * lower case, bool in upper case.
 */
export type Access = "c" | "r" | "s" | "C" | "R" | "S";

/** An operand inside the kernel: locals of its position, step in bytes, and vector. */
export interface Port {
  readonly access: Access;
  readonly position: number;
  readonly step: number;
  readonly value: number;
}

const isBool = (port: Port): boolean => port.access <= "Z";
const isRepeated = (port: Port): boolean => port.access === "r" || port.access === "R";
const isContiguous = (port: Port): boolean => port.access === "c" || port.access === "C";

/** Bytes of an element of the operand. */
export function elementBytes(access: Access): 1 | 4 {
  return access <= "Z" ? 1 : 4;
}

/** Loads what stays the same throughout the innermost loop. */
export function loadRepeated(inputs: readonly Port[]): Code {
  return inputs.filter(isRepeated).map((port) => [
    set(port.value, memory(isBool(port) ? "v128.load8_splat" : "v128.load32_splat", 0,
      get(port.position))),
    fromBytes(port),
  ]);
}

/** Loads the next four elements and moves on. */
export function loadFour(inputs: readonly Port[]): Code {
  return inputs.filter((port) => !isRepeated(port)).map((port) => [
    isContiguous(port)
      ? [set(port.value, memory(isBool(port) ? "v128.load32_zero" : "v128.load", 0,
        get(port.position))), advance(port, 4)]
      : [0, 1, 2, 3].map((i) => loadLane(port, i)),
    fromBytes(port),
  ]);
}

/** Loads the last `rest` (a local, 1 to 3) elements; the other lanes hold anything. */
export function loadRest(inputs: readonly Port[], rest: number): Code {
  const moving = inputs.filter((port) => !isRepeated(port));
  return [forRest(rest, (i) => moving.map((port) => loadLane(port, i))), moving.map(fromBytes)];
}

/** Stores four elements and moves on. */
export function storeFour(outputs: readonly Port[]): Code {
  return outputs.map((port) => {
    if (!isContiguous(port)) return [0, 1, 2, 3].map((i) => storeLane(port, i));
    return [isBool(port)
      ? laneMemoryAt("v128.store32_lane", 0, get(port.position), get(port.value))
      : memory("v128.store", 0, get(port.position), get(port.value)), advance(port, 4)];
  });
}

/** Stores the last `rest` (a local, 1 to 3) elements. */
export function storeRest(outputs: readonly Port[], rest: number): Code {
  return forRest(rest, (i) => outputs.map((port) => storeLane(port, i)));
}

function forRest(rest: number, lane: (i: number) => Code): Code {
  return [lane(0), when(op("i32.gt_u", get(rest), i32(1)), [
    lane(1), when(op("i32.gt_u", get(rest), i32(2)), lane(2))])];
}

function loadLane(port: Port, i: number): Code {
  const load = isBool(port)
    ? laneMemoryAt("v128.load8_lane", i, get(port.position), get(port.value))
    : i === 0 ? memory("v128.load32_zero", 0, get(port.position))
    : laneMemoryAt("v128.load32_lane", i, get(port.position), get(port.value));
  return [set(port.value, load), advance(port, 1)];
}

function storeLane(port: Port, i: number): Code {
  return [laneMemoryAt(isBool(port) ? "v128.store8_lane" : "v128.store32_lane", i,
    get(port.position), get(port.value)), advance(port, 1)];
}

function advance(port: Port, elements: number): Code {
  const bytes = isContiguous(port)
    ? i32(elements * elementBytes(port.access)) : get(port.step);
  return set(port.position, op("i32.add", get(port.position), bytes));
}

/** Makes numbers 0 and 1 of the first four bytes. */
function fromBytes(port: Port): Code {
  if (!isBool(port)) return [];
  return set(port.value, op("f32x4.convert_i32x4_s", op("i32x4.extend_low_i16x8_u",
    op("i16x8.extend_low_i8x16_u", get(port.value)))));
}
