// A BLAS of the system, opened through Node's `node:ffi`: float32 products in place on a memory.
import { problemOfProduct } from "./verify.ts";

/** What is used of `node:ffi`; @see https://nodejs.org/api/ffi.html */
export interface Ffi {
  readonly DynamicLibrary: new (path: string) => DynamicLibrary;
  /** Address of the first byte. */
  getRawPointer(source: ArrayBufferLike): bigint;
}

/** A shared library; `getFunction` throws where it lacks the symbol. */
export interface DynamicLibrary {
  getFunction(name: string, signature: Signature): NativeFunction;
}

type NativeType = "int32" | "int64" | "float32" | "pointer";
type NativeFunction = (...values: (number | bigint)[]) => void;

interface Signature {
  readonly arguments: readonly NativeType[];
  readonly return: "void";
}

/**
 * `out[m, n] = a[m, k] · b[k, n]` in float32, in place; gives `false`, having done nothing, for
 * strides no BLAS takes: of a and of b, one must be 1 and the other must not let lines overlap.
 * `a`, `b` and `out` are byte addresses, strides count elements, the columns of `out` lie side by
 * side, and m, n and k are at least 1. Error ≤ γ_k Σ|a||b| with u = 2⁻²⁴.
 */
export type BlasProduct = (
  m: number, n: number, k: number,
  a: number, aRowStride: number, aColumnStride: number,
  b: number, bRowStride: number, bColumnStride: number,
  out: number, outRowStride: number,
) => boolean;

/** A library whose products came out right. */
export interface Blas {
  /** Its file, as it was given to the system's loader. */
  readonly library: string;
  /** Products over one memory, which may grow. */
  readonly productOver: (memory: WebAssembly.Memory) => BlasProduct;
  /** Number of threads of a product; without effect where the library has no such setting. */
  readonly setThreads: (count: number) => void;
}

/** Constants of `cblas.h`. */
const ROW_MAJOR = 101;
const AS_IT_IS = 111;
const TRANSPOSED = 112;

const SGEMM: Signature = {
  arguments: ["int32", "int32", "int32", "int32", "int32", "int32", "float32", "pointer", "int32",
    "pointer", "int32", "float32", "pointer", "int32"],
  return: "void",
};

/** How OpenBLAS, MKL and BLIS are told the number of threads. */
const THREAD_SETTERS: readonly (readonly [string, NativeType])[] = [
  ["openblas_set_num_threads", "int32"],
  ["MKL_Set_Num_Threads", "int32"],
  ["bli_thread_set_num_threads", "int64"],
];

/**
 * Files to try for "auto", best first. Accelerate is a part of macOS. Not `libcblas.so.3` or
 * `libblas.so.3`: they may be Netlib's, at a tenth of the speed of our own product
 * (`bench/blas.js`).
 */
export const LIBRARIES: { readonly [platform: string]: readonly string[] | undefined } = {
  linux: ["libopenblas.so.0", "libopenblas.so", "libmkl_rt.so.2", "libmkl_rt.so", "libblis.so.4",
    "libblis.so"],
  darwin: ["/System/Library/Frameworks/Accelerate.framework/Accelerate"],
  win32: ["libopenblas.dll", "openblas.dll", "mkl_rt.2.dll", "mkl_rt.dll"],
};

/**
 * Opens the first of `files` that is a BLAS and computes correctly.
 * @throws Error with what was wrong with each
 */
export function openFirst(ffi: Ffi, files: readonly string[]): Blas {
  const problems: string[] = [];
  for (const file of files) {
    try {
      return open(ffi, file);
    } catch (error) {
      problems.push(`${file}: ${(error as Error).message}`);
    }
  }
  throw new Error(problems.join("; "));
}

function open(ffi: Ffi, file: string): Blas {
  const library = new ffi.DynamicLibrary(file);
  const sgemm = library.getFunction("cblas_sgemm", SGEMM);
  const productOver = (memory: WebAssembly.Memory) => makeProduct(ffi, sgemm, memory);
  const problem = problemOfProduct(productOver);
  if (problem !== null) throw new Error(problem);
  return { library: file, productOver, setThreads: threadSetter(library) };
}

function threadSetter(library: DynamicLibrary): Blas["setThreads"] {
  for (const [name, type] of THREAD_SETTERS) {
    try {
      const set = library.getFunction(name, { arguments: [type], return: "void" });
      return (count) => set(type === "int64" ? BigInt(count) : count);
    } catch {
      continue; // another library's name
    }
  }
  return () => {};
}

function makeProduct(ffi: Ffi, sgemm: NativeFunction, memory: WebAssembly.Memory): BlasProduct {
  let buffer: ArrayBufferLike | undefined;
  let base = 0n;
  return (m, n, k, a, aRow, aColumn, b, bRow, bColumn, out, outRow) => {
    let transA = AS_IT_IS;
    let lda = leading(m, k, aRow, aColumn);
    if (lda === 0) [transA, lda] = [TRANSPOSED, leading(k, m, aColumn, aRow)];
    let transB = AS_IT_IS;
    let ldb = leading(k, n, bRow, bColumn);
    if (ldb === 0) [transB, ldb] = [TRANSPOSED, leading(n, k, bColumn, bRow)];
    const ldc = leading(m, n, outRow, 1);
    if (lda === 0 || ldb === 0 || ldc === 0) return false;
    // Growth replaces the buffer and, of a memory that is not shared, may move it.
    if (buffer !== memory.buffer) base = ffi.getRawPointer(buffer = memory.buffer);
    sgemm(ROW_MAJOR, transA, transB, m, n, k, 1, base + BigInt(a), lda, base + BigInt(b), ldb,
      0, base + BigInt(out), ldc);
    return true;
  };
}

/** Elements from row to row where each row is contiguous, as BLAS wants them; else 0. */
function leading(rows: number, columns: number, rowStride: number, columnStride: number): number {
  if (columnStride !== 1 && columns > 1) return 0;
  if (rows === 1) return columns;
  return rowStride >= columns ? rowStride : 0;
}
