// A WebAssembly memory for tests of vector kernels: places for arrays, runs, float32 neighbours.
import { collapse, signature, type Operand } from "../../src/kernels/operand.ts";
import {
  planPointwise, simdKernel, simdPattern,
} from "../../src/kernels/pointwise-simd.ts";
import type { PointwiseProgram } from "../../src/kernels/pointwise.ts";
import { runSteps } from "../../src/kernels/threads/threads.ts";

const memory = new WebAssembly.Memory({ initial: 512 });
let used = 65536;

/** Forgets all arrays. */
export function clear(): void {
  used = 65536;
}

/** A new array in the memory, filled with `value`. */
export function place(kind: "f" | "b", length: number, value = 0): Float32Array | Uint8Array {
  const bytes = kind === "f" ? 4 * length : length;
  const start = used;
  used += Math.ceil(bytes / 16) * 16 + 16;
  const array = kind === "f" ? new Float32Array(memory.buffer, start, length)
    : new Uint8Array(memory.buffer, start, length);
  return array.fill(value);
}

/** Runs a program as vectors; all operands lie in the memory. */
export function runVectors(
  program: PointwiseProgram, shape: readonly number[],
  outputs: readonly Operand[], inputs: readonly Operand[], scalars: readonly number[],
): void {
  const operands = [...outputs, ...inputs];
  const loops = collapse(shape, operands);
  const kernel = simdKernel(program, simdPattern(signature(operands), loops)!, false);
  runSteps(memory, planPointwise(kernel, loops, operands.map(({ data, offset }) =>
    data.byteOffset + offset * data.BYTES_PER_ELEMENT), scalars));
}

/** The program applied to columns of numbers, one per input. */
export function applyVectors(
  program: PointwiseProgram, columns: readonly ArrayLike<number>[],
  scalars: readonly number[] = [],
): Float32Array {
  clear();
  const n = columns[0].length;
  const inputs = columns.map((column) => {
    const data = place("f", n);
    data.set(column);
    return { data, offset: 0, strides: [1] };
  });
  const out = place("f", n) as Float32Array;
  runVectors(program, [n], [{ data: out, offset: 0, strides: [1] }], inputs, scalars);
  return out;
}

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** Distance of neighbouring float32 numbers at a value. */
export function ulp(value: number): number {
  floats[0] = value;
  const exponent = (bits[0] >>> 23) & 255;
  return exponent === 0 ? 2 ** -149 : 2 ** (Math.min(exponent, 254) - 150);
}

/** A float32 number by its bits. */
export function fromBits(pattern: number): number {
  bits[0] = pattern;
  return floats[0];
}

/** The bits of a float32 number. */
export function toBits(value: number): number {
  floats[0] = value;
  return bits[0];
}
