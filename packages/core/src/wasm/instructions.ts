// Instructions of WebAssembly under the names of its specification.
import { float32Bytes, signed, unsigned, type Code } from "./encoding.ts";

/** Types of values. */
export const types = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;

/** Name of a type of values. */
export type ValueType = keyof typeof types;

const plain = {
  "i32.eqz": 0x45, "i32.eq": 0x46, "i32.ne": 0x47, "i32.lt_u": 0x49, "i32.add": 0x6a,
  "i32.sub": 0x6b, "i32.mul": 0x6c, "i32.shl": 0x74,
} as const;

const simd = {
  "f32x4.splat": 0x13, "f32x4.add": 0xe4, "f32x4.sub": 0xe5, "f32x4.mul": 0xe6,
} as const;

const simdMemory = { "v128.load": 0x00, "v128.load32_splat": 0x09, "v128.store": 0x0b } as const;

/** An instruction without immediate operands, behind the code of its operands. */
export function op(name: keyof typeof plain | keyof typeof simd, ...operands: Code[]): Code {
  if (name in plain) return [operands, plain[name as keyof typeof plain]];
  return [operands, 0xfd, unsigned(simd[name as keyof typeof simd])];
}

/** A vector load or store at an address plus a constant offset in bytes. */
export function memory(
  name: keyof typeof simdMemory, offset: number, ...operands: Code[]
): Code {
  const alignment = name === "v128.load32_splat" ? 2 : 4;
  return [operands, 0xfd, unsigned(simdMemory[name]), unsigned(alignment), unsigned(offset)];
}

/** `i32.const`. */
export const i32 = (value: number): Code => [0x41, signed(value)];

/** `f32.const`. */
export const f32 = (value: number): Code => [0x43, float32Bytes(value)];

/** `v128.const` of four zeros. */
export const zeros: Code = [0xfd, unsigned(0x0c), Array.from({ length: 16 }, () => 0)];

/** `local.get`. */
export const get = (local: number): Code => [0x20, unsigned(local)];

/** `local.set`. */
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];

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
export function when(condition: Code, body: Code, otherwise: Code): Code {
  return [condition, 0x04, 0x40, body, 0x05, otherwise, 0x0b];
}
