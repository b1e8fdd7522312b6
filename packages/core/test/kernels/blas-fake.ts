// A stand-in for node:ffi and its libraries: addresses are made up, products are plain loops.
import type { DynamicLibrary, Ffi } from "../../src/kernels/blas/library.ts";

type Native = (...values: (number | bigint)[]) => void;

/** Symbols of each library by its file; others cannot be opened. */
export interface FakeLibraries {
  readonly [file: string]: { readonly [symbol: string]: Native } | undefined;
}

const buffers: ArrayBufferLike[] = [];

/** Every buffer has a terabyte of addresses, so that none is in reach of another. */
const SPACE = 40n;

function addressOf(buffer: ArrayBufferLike): bigint {
  if (!buffers.includes(buffer)) buffers.push(buffer);
  return BigInt(buffers.indexOf(buffer) + 1) << SPACE;
}

/** Floats from an address on. */
export function floatsAt(address: bigint): Float32Array {
  const buffer = buffers[Number(address >> SPACE) - 1];
  if (buffer === undefined) throw new Error(`no memory at ${address}`);
  return new Float32Array(buffer, Number(BigInt.asUintN(Number(SPACE), address)));
}

/** The module, with the libraries that can be opened; `opened` lists what was tried. */
export function fakeFfi(libraries: FakeLibraries): Ffi & { readonly opened: string[] } {
  const opened: string[] = [];
  return {
    opened,
    getRawPointer: addressOf,
    DynamicLibrary: class implements DynamicLibrary {
      readonly symbols: { readonly [symbol: string]: Native };

      constructor(path: string) {
        opened.push(path);
        const symbols = libraries[path];
        if (symbols === undefined) throw new Error(`dlopen failed: ${path}`);
        this.symbols = symbols;
      }

      getFunction(name: string, signature: { readonly arguments: readonly string[] }): Native {
        const native = this.symbols[name];
        if (native === undefined) throw new Error(`undefined symbol: ${name}`);
        return (...values) => {
          if (values.length !== signature.arguments.length) throw new Error("argument count");
          native(...values);
        };
      }
    },
  };
}

/** `cblas_sgemm` for rows of elements, alpha 1 and beta 0; refuses what `cblas.h` forbids. */
export const sgemm: Native = (...values) => {
  const [order, transA, transB, m, n, k, alpha, , lda, , ldb, beta, , ldc] = values.map(Number) as
    [number, number, number, number, number, number, number, number, number, number, number,
      number, number, number];
  const [a, b, out] = [values[7], values[9], values[12]].map((x) => floatsAt(x as bigint)) as
    [Float32Array, Float32Array, Float32Array];
  const isA = transA === 112;
  const isB = transB === 112;
  if (order !== 101 || alpha !== 1 || beta !== 0) throw new Error("not as this stand-in takes it");
  if (lda < (isA ? m : k) || ldb < (isB ? k : n) || ldc < n) throw new Error("leading dimension");
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) {
        sum += a[isA ? p * lda + i : i * lda + p]! * b[isB ? j * ldb + p : p * ldb + j]!;
      }
      out[i * ldc + j] = sum;
    }
  }
};
