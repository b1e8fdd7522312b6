// What the engine can do, found out by asking it to validate a module.
import { FunctionBuilder } from "./assembler.ts";
import { fail, show } from "../errors.ts";
import type { Code } from "./encoding.ts";
import { memory, op, set, get, zeros } from "./instructions.ts";

/** Whether WebAssembly with 128-bit SIMD is in use: it can be compiled here, synchronously. */
export function hasSimd(): boolean {
  return allowed && (simd ??= compiles((value) => value));
}

let allowed = true;

/** Runs `body` with WebAssembly allowed or not, to compare the paths. */
export function withSimd<T>(isAllowed: boolean, body: () => T): T {
  const before = allowed;
  allowed = isAllowed;
  try {
    return body();
  } finally {
    allowed = before;
  }
}

let simd: boolean | undefined;

/**
 * Whether the relaxed multiply-add of vectors is in use: it rounds once where the processor can
 * and twice elsewhere, so results depend on the machine.
 */
export function hasRelaxedMultiplyAdd(): boolean {
  return !deterministic && hasSimd() &&
    (relaxed ??= compiles((value) => op("f32x4.relaxed_madd", value, value, value)));
}

let relaxed: boolean | undefined;
let deterministic = false;

/**
 * Makes results the same on every machine, at the price of speed in matrix products.
 * @throws when `mode` is not `true` or `false`
 * @see https://pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html
 */
export function useDeterministicAlgorithms(mode: boolean): void {
  if (typeof mode !== "boolean") {
    fail("useDeterministicAlgorithms", `takes true or false, got ${show(mode)}`);
  }
  deterministic = mode;
}

/** Whether results are to be the same on every machine. */
export function areDeterministicAlgorithmsEnabled(): boolean {
  return deterministic;
}

/** Whether the engine compiles a module that computes a vector in this way. */
function compiles(compute: (value: Code) => Code): boolean {
  try {
    const f = new FunctionBuilder(["i32"]);
    const value = f.local("v128");
    const bytes = f.module([
      set(value, zeros), memory("v128.store", 0, get(0), compute(get(value)))]);
    new WebAssembly.Module(bytes); // a content security policy may forbid compiling
    return true;
  } catch {
    return false;
  }
}
