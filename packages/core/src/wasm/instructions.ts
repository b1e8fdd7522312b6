// Instructions of WebAssembly under the names of its specification.
import { float32Bytes, signed, unsigned, type Code } from "./encoding.ts";

/** Types of values. */
export const types = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

/** Name of a type of values. */
export type ValueType = keyof typeof types;

const plain = {
  "i32.eqz": 0x45, "i32.eq": 0x46, "i32.ne": 0x47, "i32.lt_u": 0x49, "i32.gt_u": 0x4b,
  "i32.add": 0x6a, "i32.sub": 0x6b, "i32.mul": 0x6c, "i32.and": 0x71, "i32.shl": 0x74,
  "i32.shr_u": 0x76, "f32.add": 0x92, "select": 0x1b,
  "f32.demote_f64": 0xb6, "f64.promote_f32": 0xbb,
} as const;

const simd = {
  "i8x16.narrow_i16x8_u": 0x66, "i16x8.narrow_i32x4_u": 0x86,
  "i16x8.extend_low_i8x16_u": 0x89, "i32x4.extend_low_i16x8_u": 0xa9,
  "v128.not": 0x4d, "v128.and": 0x4e, "v128.andnot": 0x4f, "v128.or": 0x50, "v128.xor": 0x51,
  "v128.bitselect": 0x52, "v128.any_true": 0x53,
  "i32x4.splat": 0x11, "i32x4.trunc_sat_f32x4_s": 0xf8, "i64x2.lt_s": 0xd8,
  "i32x4.eq": 0x37, "i32x4.ne": 0x38, "i32x4.add": 0xae, "i32x4.sub": 0xb1, "i32x4.mul": 0xb5,
  "i64x2.add": 0xce, "i64x2.sub": 0xd1,
  "f32x4.splat": 0x13, "f32x4.eq": 0x41, "f32x4.ne": 0x42, "f32x4.lt": 0x43, "f32x4.gt": 0x44,
  "f32x4.le": 0x45, "f32x4.ge": 0x46, "f32x4.ceil": 0x67, "f32x4.floor": 0x68,
  "f32x4.trunc": 0x69, "f32x4.nearest": 0x6a, "f32x4.abs": 0xe0, "f32x4.neg": 0xe1,
  "f32x4.sqrt": 0xe3, "f32x4.add": 0xe4, "f32x4.sub": 0xe5, "f32x4.mul": 0xe6,
  "f32x4.div": 0xe7, "f32x4.min": 0xe8, "f32x4.max": 0xe9, "f32x4.pmin": 0xea,
  "f32x4.pmax": 0xeb, "f32x4.convert_i32x4_s": 0xfa, "f32x4.demote_f64x2_zero": 0x5e,
  "f32x4.relaxed_madd": 0x105,
  "f64x2.add": 0xf0, "f64x2.sub": 0xf1, "f64x2.mul": 0xf2, "f64x2.div": 0xf3,
  "f64x2.pmin": 0xf6, "f64x2.pmax": 0xf7,
  "f64x2.promote_low_f32x4": 0x5f, "f64x2.convert_low_i32x4_s": 0xfe,
} as const;

const shifts = {
  "i32x4.shl": 0xab, "i32x4.shr_s": 0xac, "i32x4.shr_u": 0xad, "i64x2.shl": 0xcb,
} as const;

const lanes = { "f32x4.extract_lane": 0x1f, "f32x4.replace_lane": 0x20 } as const;

const scalarMemory = {
  "i32.load": [0x28, 2], "f32.load": [0x2a, 2], "i32.load8_u": [0x2d, 0],
  "i32.store": [0x36, 2], "f32.store": [0x38, 2], "i32.store8": [0x3a, 0],
} as const;

/** Number and alignment (as a power of two) of the memory instructions. */
const simdMemory = {
  "v128.load": [0x00, 4], "v128.load8_splat": [0x07, 0], "v128.load32_splat": [0x09, 2],
  "v128.store": [0x0b, 4], "v128.load32_zero": [0x5c, 2],
} as const;

const laneMemory = {
  "v128.load8_lane": [0x54, 0], "v128.load32_lane": [0x56, 2],
  "v128.store8_lane": [0x58, 0], "v128.store32_lane": [0x5a, 2],
} as const;

/** Name of a vector instruction whose operands are all vectors. */
export type VectorName = keyof typeof simd;

/** The code of every instruction without immediate operands. */
const encoded = new Map<string, Code>([
  ...Object.entries(plain),
  ...Object.entries(simd).map(([name, code]): [string, Code] => [name, prefixed(code)]),
]);

/** A vector instruction's number behind the prefix of them all. */
function prefixed(code: number): Code {
  return [0xfd, unsigned(code)].flat();
}

/** An instruction without immediate operands, behind the code of its operands. */
export function op(name: keyof typeof plain | VectorName, ...operands: Code[]): Code {
  const code = encoded.get(name)!;
  return operands.length === 0 ? code : [operands, code];
}

/** Whether there is a vector instruction of this name. */
export function isVectorName(name: string): name is VectorName {
  return name in simd;
}

/** Shifts every lane by a constant number of bits. */
export function shift(name: keyof typeof shifts, bits: number, operand: Code): Code {
  return [operand, i32(bits), 0xfd, unsigned(shifts[name])];
}

/** Reads or replaces one lane. */
export function lane(name: keyof typeof lanes, index: number, ...operands: Code[]): Code {
  return [operands, 0xfd, unsigned(lanes[name]), index];
}

/** `i8x16.shuffle` by 32-bit lanes: 0 to 3 of the first operand, 4 to 7 of the second. */
export function shuffle(order: readonly number[], first: Code, second: Code): Code {
  return [first, second, 0xfd, 0x0d,
    order.map((index) => [4 * index, 4 * index + 1, 4 * index + 2, 4 * index + 3])];
}

/** `i8x16.shuffle` by bytes: 0 to 15 of the first operand, 16 to 31 of the second. */
export function shuffleBytes(order: readonly number[], first: Code, second: Code): Code {
  return [first, second, 0xfd, 0x0d, order];
}

/** A load or store of one number at an address plus a constant offset in bytes. */
export function scalarMemoryAt(
  name: keyof typeof scalarMemory, offset: number, ...operands: Code[]
): Code {
  const [code, alignment] = scalarMemory[name];
  return [operands, code, alignment, unsigned(offset)];
}

/** `memory.copy`: target, source, number of bytes. */
export const memoryCopy = (target: Code, source: Code, bytes: Code): Code =>
  [target, source, bytes, 0xfc, 0x0a, 0, 0];

/** `i32.trunc_sat_f32_s`. */
export const truncated = (operand: Code): Code => [operand, 0xfc, 0x00];

/** A vector load or store at an address plus a constant offset in bytes. */
export function memory(
  name: keyof typeof simdMemory, offset: number, ...operands: Code[]
): Code {
  const [code, alignment] = simdMemory[name];
  return [operands, 0xfd, unsigned(code), alignment, unsigned(offset)];
}

/** A load into, or a store of, one lane: operands are the address and the vector. */
export function laneMemoryAt(
  name: keyof typeof laneMemory, index: number, address: Code, value: Code,
): Code {
  const [code, alignment] = laneMemory[name];
  return [address, value, 0xfd, unsigned(code), alignment, 0, index];
}

/** `i32.const`. */
export const i32 = (value: number): Code => [0x41, signed(value)];

/** `f32.const`. */
export const f32 = (value: number): Code => [0x43, float32Bytes(value)];

/** `v128.const` of 16 bytes. */
export const v128 = (bytes: Uint8Array): Code => [0xfd, 0x0c, bytes];

/** `v128.const` of four zeros. */
export const zeros: Code = v128(new Uint8Array(16));

/** `local.get`. */
export const get = (local: number): Code => [0x20, unsigned(local)];

/** `local.set`. */
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];

/** `local.tee`: sets a local and leaves its value on the stack. */
export const tee = (local: number, value: Code): Code => [value, 0x22, unsigned(local)];

/** `call` of a function by number. */
export const call = (index: number, ...operands: Code[]): Code =>
  [operands, 0x10, unsigned(index)];

/** A loop that runs its body again while `condition` holds at its end. */
export function loopWhile(condition: Code, ...body: Code[]): Code {
  return [0x03, 0x40, body, condition, 0x0d, unsigned(0), 0x0b];
}

/** A block; `br_if` of depth 0 directly inside leaves it. */
export function block(...body: Code[]): Code {
  return [0x02, 0x40, body, 0x0b];
}

/** Leaves the block that is `depth` levels out if the condition holds. */
export function brIf(depth: number, condition: Code): Code {
  return [condition, 0x0d, unsigned(depth)];
}

/** Runs `body` if the condition holds, `otherwise` if not. */
export function when(condition: Code, body: Code, otherwise?: Code): Code {
  return [condition, 0x04, 0x40, body, otherwise === undefined ? [] : [0x05, otherwise], 0x0b];
}
