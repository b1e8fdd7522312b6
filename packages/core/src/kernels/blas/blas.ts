// Whether products go to a BLAS of the system: opt-in, for Node 26 and newer; silent elsewhere.
import { fail, show } from "../../errors.ts";
import { areDeterministicAlgorithmsEnabled } from "../../wasm/features.ts";
import { LIBRARIES, openFirst } from "./library.ts";
import type { Blas, BlasProduct, Ffi } from "./library.ts";

export type { BlasProduct } from "./library.ts";

/** What computes large products, and why. */
export interface BlasDiagnostics {
  /** Whether products go to a BLAS of the system. */
  readonly inUse: boolean;
  /** Its file. */
  readonly library?: string;
  /** Who asked for it, or why it is not in use. */
  readonly reason: string;
}

interface State {
  readonly blas: Blas | null;
  readonly reason: string;
  /** The products of the memory asked for last. */
  last?: { readonly memory: WebAssembly.Memory; readonly product: BlasProduct };
}

/** Undefined until the environment has been read. */
let state: State | undefined;
let threads: number | undefined;

/** Libraries by what was asked for; they stay open, as some do not survive being closed. */
const opened = new Map<string, Blas>();

/**
 * Sends large float32 products to a BLAS of the system: `true` or "auto" looks for OpenBLAS, MKL,
 * BLIS or Accelerate, a path names a library that has `cblas_sgemm`, `false` goes back to
 * WebAssembly. Without a call, the environment variable `CHAINRULE_BLAS` (`auto` or a path) is
 * read at the first product, and what fails then is told by the diagnostics alone.
 *
 * Needs Node 26 or newer, which warns that `node:ffi` is experimental. Results may depend on the
 * machine and on the number of threads: `useDeterministicAlgorithms` switches it off.
 * @throws ChainruleError when no such library can be used; what was in use before stays
 */
export function useBlas(choice: string | boolean = true): void {
  if ((typeof choice !== "boolean" && typeof choice !== "string") || choice === "") {
    fail("useBlas", `takes true, false, "auto" or the path of a library, got ${show(choice)}`);
  }
  if (choice === false) {
    state = { blas: null, reason: "switched off by useBlas(false)" };
    return;
  }
  const name = choice === true ? "auto" : choice;
  try {
    state = { blas: open(name), reason: `useBlas(${show(choice)})` };
  } catch (error) {
    fail("useBlas", `no BLAS can be used: ${(error as Error).message}`, { choice });
  }
}

/** Products over a memory by the BLAS in use; null where WebAssembly is to compute them. */
export function blasProduct(memory: WebAssembly.Memory): BlasProduct | null {
  const current = state ??= fromEnvironment();
  if (current.blas === null || areDeterministicAlgorithmsEnabled()) return null;
  if (current.last?.memory !== memory) {
    current.last = { memory, product: current.blas.productOver(memory) };
  }
  return current.last.product;
}

/** Which BLAS is in use, or why none is. */
export function blasDiagnostics(): BlasDiagnostics {
  const { blas, reason } = state ??= fromEnvironment();
  if (blas === null) return { inUse: false, reason };
  return areDeterministicAlgorithmsEnabled()
    ? { inUse: false, library: blas.library, reason: "useDeterministicAlgorithms(true)" }
    : { inUse: true, library: blas.library, reason };
}

/** Threads of a product, for the BLAS in use and for every one chosen later. */
export function setBlasThreads(count: number): void {
  threads = count;
  state?.blas?.setThreads(count);
}

function fromEnvironment(): State {
  const name = globalThis.process?.env?.CHAINRULE_BLAS;
  if (!name) return { blas: null, reason: "off: ask with useBlas(true) or CHAINRULE_BLAS=auto" };
  const reason = `CHAINRULE_BLAS=${name}`;
  try {
    return { blas: open(name), reason };
  } catch (error) {
    return { blas: null, reason: `${reason}: ${(error as Error).message}` };
  }
}

function open(name: string): Blas {
  let blas = opened.get(name);
  if (blas === undefined) {
    const ffi = loadFfi();
    const files = name === "auto" ? LIBRARIES[process.platform] : [name];
    if (files === undefined) throw new Error(`no library is known for ${process.platform}`);
    blas = openFirst(ffi, files);
    opened.set(name, blas);
  }
  if (threads !== undefined) blas.setThreads(threads);
  return blas;
}

/** `node:ffi`; loading it makes Node print an ExperimentalWarning. */
function loadFfi(): Ffi {
  const module: unknown = globalThis.process?.getBuiltinModule?.("node:ffi");
  if (module === undefined) {
    throw new Error("node:ffi is missing: it takes Node 26 or newer (its first releases need " +
      "--experimental-ffi)");
  }
  return module as Ffi;
}
