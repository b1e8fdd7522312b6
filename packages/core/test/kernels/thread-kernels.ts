// Small kernels for tests of threads, and memories to run them in. Cells are 16 bytes.
import type { HeapKernel } from "../../src/kernels/heap-kernel.ts";
import { FunctionBuilder } from "../../src/wasm/assembler.ts";
import { flatten, sized, text, type Code } from "../../src/wasm/encoding.ts";
import { get, i32, loopWhile, memory, op, set, v128 } from "../../src/wasm/instructions.ts";

/** First address that tests use. */
export const BASE = 65536;

/** A memory with room for 60,000 cells behind `BASE`. */
export function createMemory(shared = true): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 16, maximum: 1024, shared });
}

/** The first number of each of `count` cells. */
export function cells({ buffer }: WebAssembly.Memory, start: number, count: number): number[] {
  const words = new Int32Array(buffer);
  return Array.from({ length: count }, (_, i) => words[start / 4 + 4 * i]);
}

const splat = (value: number) => v128(new Uint8Array(new Int32Array(4).fill(value).buffer));
const one = splat(1);

/** `run(from, to, rounds)`: `to = from + 1`, then as many rounds of doing nothing. */
export function incrementKernel(shared = true, needsScalars = false): HeapKernel {
  return addKernel(1, shared, needsScalars);
}

/** The same with `to = from + value`. */
export function addKernel(value: number, shared = true, needsScalars = false): HeapKernel {
  return kernelOf(3, shared, { needsScalars, usesScratch: false }, () => [
    memory("v128.store", 0, get(1), op("i32x4.add", memory("v128.load", 0, get(0)), splat(value))),
    wait(2),
  ]);
}

/** The same kernel with so many more bytes of code, in a section that engines skip. */
export function padded(kernel: HeapKernel, bytes: number): HeapKernel {
  const section = flatten([0, sized([text("padding"), new Uint8Array(bytes)])]);
  return { ...kernel, bytes: Uint8Array.from([...kernel.bytes, ...section]) };
}

/**
 * `run(scratch, from, to, rounds)`: `to = from + 1` by way of scratch memory, with a pause there;
 * the second number of the cell becomes the address of the scratch memory.
 */
export const detourKernel = kernelOf(4, true, { needsScalars: false, usesScratch: true }, () => [
  memory("v128.store", 0, get(0), memory("v128.load", 0, get(1))),
  wait(3),
  memory("v128.store", 0, get(2), op("i32x4.add", memory("v128.load", 0, get(0)), one)),
  [op("i32.add", get(2), i32(4)), get(0), 0x36, 2, 0], // i32.store
]);

/** `run(scratch, home, from, to, rounds)`: the same, but without end if scratch is not `home`. */
export const stuckKernel = kernelOf(5, true, { needsScalars: false, usesScratch: true }, () => [
  loopWhile(op("i32.ne", get(0), get(1))),
  memory("v128.store", 0, get(3), op("i32x4.add", memory("v128.load", 0, get(2)), one)),
  wait(4),
]);

/** `run(to, rounds)`: a float32 series of so many terms, which depends on the order of adding. */
export function seriesKernel(): HeapKernel {
  const f = new FunctionBuilder(["i32", "i32", "f32"]);
  const [sum, term] = f.many(2, "v128");
  return kernel(f, true, { needsScalars: false, usesScratch: false }, [
    set(term, op("f32x4.splat", get(2))),
    loopWhile(get(1),
      set(sum, op("f32x4.add", get(sum), get(term))),
      set(term, op("f32x4.mul", get(term), op("f32x4.splat", get(2)))),
      set(1, op("i32.sub", get(1), i32(1)))),
    memory("v128.store", 0, get(0), get(sum)),
  ]);
}

type Needs = Pick<HeapKernel, "needsScalars" | "usesScratch">;

function kernelOf(parameters: number, shared: boolean, needs: Needs, body: () => Code): HeapKernel {
  return kernel(new FunctionBuilder(new Array(parameters).fill("i32")), shared, needs, body());
}

function kernel(f: FunctionBuilder, shared: boolean, needs: Needs, body: Code): HeapKernel {
  return { bytes: f.module(body, shared), ...needs };
}

/** Counts a parameter down to −1. */
function wait(parameter: number): Code {
  return loopWhile(op("i32.ne", get(parameter), i32(-1)),
    set(parameter, op("i32.sub", get(parameter), i32(1))));
}
