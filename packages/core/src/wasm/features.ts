// What the engine can do, found out by asking it to validate a module.
import { FunctionBuilder } from "./assembler.ts";
import { memory, set, get, zeros } from "./instructions.ts";

/** Whether WebAssembly with 128-bit SIMD is in use: it can be compiled here, synchronously. */
export function hasSimd(): boolean {
  return allowed && (simd ??= probe());
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

function probe(): boolean {
  try {
    const f = new FunctionBuilder(["i32"]);
    const value = f.local("v128");
    const bytes = f.module([set(value, zeros), memory("v128.store", 0, get(0), get(value))]);
    new WebAssembly.Module(bytes); // a content security policy may forbid compiling
    return true;
  } catch {
    return false;
  }
}
