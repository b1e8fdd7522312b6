// How reductions read and write their operands, at a distance from a position that stays.
import type { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import {
  get, i32, laneMemoryAt, memory, op, set, shuffle, when,
} from "../../wasm/instructions.ts";
import { elementBytes, type Access } from "../simd/access.ts";
import { loadHalf } from "./instructions.ts";

/** An operand inside a kernel: parameters and locals by number. */
export interface Port {
  /** How the lanes of a vector lie in memory. */
  readonly access: Access;
  readonly position: number;
  /** Bytes from a lane to the next. */
  readonly step: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Which elements of a port: `vector` is a constant, `rest` a local with the number of lanes. */
export interface Place { readonly vector: number; readonly rest: number | null }

const isBool = ({ access }: Port): boolean => access <= "Z";
const isContiguous = ({ access }: Port): boolean => access === "c" || access === "C";
const isRepeated = ({ access }: Port): boolean => access === "r" || access === "R";

/** A new port of an operand whose parameters start at `parameter`. */
export function port(f: FunctionBuilder, access: Access, step: number): Port {
  const [value, low, high] = f.many(3, "v128");
  return { access, step, position: f.local("i32"), value, low, high };
}

/** Loads a vector, as float32 into `value`, as float64 into `low` and `high`, or both. */
export function load(
  from: Port, place: Place, forms: { readonly narrow: boolean; readonly wide: boolean },
): Code {
  const { access, position, value, low, high } = from;
  const promoted = (operand: Code) => op("f64x2.promote_low_f32x4", operand);
  if (access === "c" && place.rest === null && !forms.narrow) {
    // Loading two halves is free of shuffles: sums are 1.6× as fast.
    return [0, 8].map((by) => set(by === 0 ? low : high,
      promoted(loadHalf(16 * place.vector + by, get(position)))));
  }
  return [loadNarrow(from, place), forms.wide ? [
    set(low, promoted(get(value))),
    set(high, promoted(shuffle([2, 3, 2, 3], get(value), get(value)))),
  ] : []];
}

function loadNarrow(from: Port, { vector, rest }: Place): Code {
  const { position, value } = from;
  const bytes = elementBytes(from.access);
  let code: Code;
  if (isRepeated(from)) {
    code = set(value, memory(isBool(from) ? "v128.load8_splat" : "v128.load32_splat", 0,
      get(position)));
  } else if (isContiguous(from) && rest === null) {
    code = set(value, memory(isBool(from) ? "v128.load32_zero" : "v128.load",
      4 * bytes * vector, get(position)));
  } else {
    const lane = (i: number): Code => set(value, isBool(from)
      ? laneMemoryAt("v128.load8_lane", i, laneAddress(from, i), get(value))
      : i === 0 ? memory("v128.load32_zero", 0, get(position))
      : laneMemoryAt("v128.load32_lane", i, laneAddress(from, i), get(value)));
    code = eachLane(rest, lane);
  }
  return [code, isBool(from) ? set(value, op("f32x4.convert_i32x4_s",
    op("i32x4.extend_low_i16x8_u", op("i16x8.extend_low_i8x16_u", get(value))))) : []];
}

/** Stores the vector in a local: numbers, integers, or truth values in the first four bytes. */
export function store(to: Port, { vector, rest }: Place, vectorLocal: number): Code {
  const bytes = elementBytes(to.access);
  if (isContiguous(to) && rest === null) {
    return isBool(to)
      ? laneMemoryAt("v128.store32_lane", 0, at(to.position, 4 * vector), get(vectorLocal))
      : memory("v128.store", 4 * bytes * vector, get(to.position), get(vectorLocal));
  }
  return eachLane(rest, (i) => storeLane(to, i, vectorLocal));
}

/** Stores one lane. */
export function storeLane(to: Port, i: number, vectorLocal: number): Code {
  return laneMemoryAt(isBool(to) ? "v128.store8_lane" : "v128.store32_lane", i,
    laneAddress(to, i), get(vectorLocal));
}

/** Moves a position on by some elements. */
export function advance(moved: Port, elements: number): Code {
  if (isRepeated(moved)) return [];
  return set(moved.position, op("i32.add", get(moved.position), isContiguous(moved)
    ? i32(elements * elementBytes(moved.access)) : op("i32.mul", get(moved.step), i32(elements))));
}

/** A local plus a constant. */
export function at(local: number, bytes: number): Code {
  return bytes === 0 ? get(local) : op("i32.add", get(local), i32(bytes));
}

function laneAddress(of: Port, i: number): Code {
  if (isContiguous(of)) return at(of.position, i * elementBytes(of.access));
  return i === 0 ? get(of.position)
    : op("i32.add", get(of.position), op("i32.mul", get(of.step), i32(i)));
}

function eachLane(rest: number | null, lane: (i: number) => Code): Code {
  if (rest === null) return [0, 1, 2, 3].map(lane);
  return [lane(0), when(op("i32.gt_u", get(rest), i32(1)), [
    lane(1), when(op("i32.gt_u", get(rest), i32(2)), lane(2))])];
}
