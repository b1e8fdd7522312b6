// BLAS of the system: what is chosen, what is rejected and what is told, by a stand-in for
// node:ffi; where Node has the real one and a library is installed, the real one too.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LIBRARIES, openFirst } from "../../src/kernels/blas/library.ts";
import type { BlasProduct, Ffi } from "../../src/kernels/blas/library.ts";
import { fakeFfi, floatsAt, sgemm } from "./blas-fake.ts";

const realBuiltins = process.getBuiltinModule;
const realEnvironment = process.env.CHAINRULE_BLAS;

/** A fresh copy of the module, which has read no environment, in a Node with this `node:ffi`. */
async function loadBlas(ffi: Ffi | undefined, environment?: string) {
  if (environment === undefined) delete process.env.CHAINRULE_BLAS;
  else process.env.CHAINRULE_BLAS = environment;
  const builtins = vi.fn(() => ffi);
  process.getBuiltinModule = builtins as unknown as typeof process.getBuiltinModule;
  vi.resetModules();
  const blas = await import("../../src/kernels/blas/blas.ts");
  const features = await import("../../src/wasm/features.ts");
  return { ...blas, ...features, builtins };
}

const restore = () => {
  process.getBuiltinModule = realBuiltins;
  if (realEnvironment === undefined) delete process.env.CHAINRULE_BLAS;
  else process.env.CHAINRULE_BLAS = realEnvironment;
};

afterEach(restore);

const memoryOf = (pages: number) =>
  new WebAssembly.Memory({ initial: pages, maximum: 64, shared: true });

const ours = LIBRARIES.linux!;

describe("opening a library", () => {
  test("the first that computes correctly is taken, and no further one is opened", () => {
    const ffi = fakeFfi({ second: { cblas_sgemm: sgemm }, third: { cblas_sgemm: sgemm } });
    expect(openFirst(ffi, ["first", "second", "third"]).library).toBe("second");
    expect(ffi.opened).toEqual(["first", "second"]);
  });

  test("missing libraries and missing symbols are told one by one", () => {
    const ffi = fakeFfi({ empty: {} });
    expect(() => openFirst(ffi, ["absent", "empty"]))
      .toThrow("absent: dlopen failed: absent; empty: undefined symbol: cblas_sgemm");
  });

  const changed = (change: (values: (number | bigint)[]) => void) =>
    (...values: (number | bigint)[]) => {
      change(values);
      sgemm(...values);
    };
  const afterwards = (change: (out: Float32Array, m: number, n: number, ldc: number) => void) =>
    (...values: (number | bigint)[]) => {
      sgemm(...values);
      const [m, n, ldc] = [values[3], values[4], values[13]].map(Number) as
        [number, number, number];
      change(floatsAt(values[12] as bigint), m, n, ldc);
    };
  const isLarge = (values: (number | bigint)[]) => Number(values[3]) > 64;
  const finite = (x: number) => Number.isFinite(x) ? x : 0;
  const wrong = {
    "ignores that a is transposed":
      changed((v) => { if (v[1] === 112) [v[1], v[8]] = [111, Number(v[8]) + Number(v[5])]; }),
    "ignores that b is transposed":
      changed((v) => { if (v[2] === 112) [v[2], v[10]] = [111, Number(v[10]) + Number(v[4])]; }),
    "leaves out the last of k": changed((v) => { v[5] = Number(v[5]) - 1; }),
    "leaves out the last row": changed((v) => { v[3] = Number(v[3]) - 1; }),
    "is wrong for large sizes alone": changed((v) => { if (isLarge(v)) v[5] = Number(v[5]) - 1; }),
    "does nothing": () => {},
    "writes between the rows": afterwards((out, m, _, ldc) => { if (m > 1) out[ldc - 1] = 0; }),
    "writes beyond the end": afterwards((out, m, n, ldc) => { out[(m - 1) * ldc + n] = 0; }),
    "is off by one in one element": afterwards((out) => { out[0]! += 1; }),
    "makes 0 of 0 · ∞": afterwards((out, _, n) => {
      for (let j = 0; j < n; j++) out[j] = finite(out[j]!);
    }),
  };
  test.each(Object.entries(wrong))("a library that %s is rejected", (_, cblas_sgemm) => {
    expect(() => openFirst(fakeFfi({ file: { cblas_sgemm } }), ["file"]))
      .toThrow("file: cblas_sgemm is wrong: ");
  });

  test("a library that adds to what was there is rejected, with the product that tells", () => {
    const cblas_sgemm = (...values: (number | bigint)[]) => {
      const out = floatsAt(values[12] as bigint);
      const before = out[0]!;
      sgemm(...values);
      out[0]! += 0 * before;
    };
    expect(() => openFirst(fakeFfi({ file: { cblas_sgemm } }), ["file"]))
      .toThrow(/^file: cblas_sgemm is wrong: NaN for -?\d+ in \[1, 1\] · \[1, 1\]$/);
  });

  test.each([
    ["openblas_set_num_threads", 3], ["MKL_Set_Num_Threads", 3], ["bli_thread_set_num_threads", 3n],
  ])("the number of threads goes to %s", (name, expected) => {
    const set = vi.fn();
    const ffi = fakeFfi({ file: { cblas_sgemm: sgemm, [name]: set } });
    openFirst(ffi, ["file"]).setThreads(3);
    expect(set.mock.calls).toEqual([[expected]]);
  });

  test("a library without a setting for threads takes the number without effect", () => {
    expect(openFirst(fakeFfi({ file: { cblas_sgemm: sgemm } }), ["file"]).setThreads(3))
      .toBeUndefined();
  });
});

/** Places integers, asks for the product and compares with a loop; tells whether it was taken. */
function productIsExact(
  product: BlasProduct, memory: WebAssembly.Memory, [m, n, k]: readonly [number, number, number],
  [aRow, aColumn]: readonly [number, number], [bRow, bColumn]: readonly [number, number],
  outRow: number,
): boolean {
  const floats = new Float32Array(memory.buffer);
  for (let i = 0; i < floats.length; i++) floats[i] = (i * 5) % 7 - 3;
  const b = 4096;
  const out = 8192;
  const after = floats.slice();
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) {
        sum += floats[1 + i * aRow + p * aColumn]! * floats[b + p * bRow + j * bColumn]!;
      }
      after[out + i * outRow + j] = sum;
    }
  }
  const before = floats.slice();
  const isTaken = product(m, n, k, 4, aRow, aColumn, b * 4, bRow, bColumn, out * 4, outRow);
  const expected = isTaken ? after : before;
  const differing = floats.findIndex((value, i) => value !== expected[i]);
  if (differing >= 0) expect(floats[differing], `float ${differing}`).toBe(expected[differing]);
  return isTaken;
}

const size = fc.integer({ min: 1, max: 20 });
const sizes = fc.tuple(size, size, size);
const gap = fc.integer({ min: 0, max: 3 });

/** Laws of any product, made by a stand-in or a real library. */
function productLaws(open: () => { productOver: (memory: WebAssembly.Memory) => BlasProduct }) {
  const memory = memoryOf(1);
  let product: BlasProduct;
  beforeEach(() => { product = open().productOver(memory); });

  const lines = (rows: number, columns: number, byColumns: boolean, extra: number) =>
    byColumns ? [1, rows + extra] as const : [columns + extra, 1] as const;

  test("rows and columns in any order, with gaps, are multiplied in place", () => {
    fc.assert(fc.property(sizes, fc.boolean(), fc.boolean(), gap, gap, gap,
      ([m, n, k], transA, transB, gapA, gapB, gapOut) => {
        const a = lines(m, k, transA, gapA);
        const b = lines(k, n, transB, gapB);
        expect(productIsExact(product, memory, [m, n, k], a, b, n + gapOut)).toBe(true);
      }));
  });

  test("the stride of a dimension of size 1 does not matter", () => {
    const any = fc.integer({ min: 0, max: 9 });
    fc.assert(fc.property(size, any, any, any, (n, first, second, third) => {
      const ofRow = [first, 1] as const;
      expect(productIsExact(product, memory, [1, n, 5], ofRow, [n, 1], second)).toBe(true);
      expect(productIsExact(product, memory, [n, 1, 5], [5, 1], [1, second], 1 + third)).toBe(true);
      expect(productIsExact(product, memory, [n, 4, 1], [1, first], [second, 1], 4)).toBe(true);
    }));
  });

  const refused: [string, readonly [number, number], readonly [number, number], number][] = [
    ["a without a stride of 1", [6, 2], [4, 1], 4], ["b without a stride of 1", [3, 1], [8, 2], 4],
    ["a row for all rows of a", [0, 1], [4, 1], 4], ["a column for all of b", [3, 1], [1, 0], 4],
    ["overlapping rows of a", [2, 1], [4, 1], 4],
    ["overlapping rows of the result", [3, 1], [4, 1], 3],
    ["rows of b in reverse", [3, 1], [-4, 1], 4],
  ];
  test.each(refused)("%s: refused, and nothing is written", (_, a, b, outRow) => {
    expect(productIsExact(product, memory, [5, 4, 3], a, b, outRow)).toBe(false);
  });

  test.each([true, false])("a memory may grow between products (shared: %s)", (shared) => {
    const growing = new WebAssembly.Memory({ initial: 1, maximum: 64, shared });
    const multiply = open().productOver(growing);
    expect(productIsExact(multiply, growing, [3, 4, 5], [5, 1], [4, 1], 4)).toBe(true);
    growing.grow(30);
    expect(productIsExact(multiply, growing, [3, 4, 5], [5, 1], [4, 1], 4)).toBe(true);
  });
}

describe("products by the stand-in", () => {
  productLaws(() => openFirst(fakeFfi({ file: { cblas_sgemm: sgemm } }), ["file"]));
});

/** The real library, where Node has node:ffi and one is installed. */
const real = (() => {
  try {
    const ffi = realBuiltins?.("node:ffi") as unknown as Ffi | undefined;
    return ffi && openFirst(ffi, LIBRARIES[process.platform] ?? []);
  } catch {
    return undefined;
  }
})();

describe.skipIf(real === undefined)("products by the library of this system", () => {
  productLaws(() => real!);
});

describe("what is in use", () => {
  const platform = Object.getOwnPropertyDescriptor(process, "platform")!;
  const pretend = (value: string) =>
    Object.defineProperty(process, "platform", { ...platform, value });
  beforeEach(() => { pretend("linux"); });
  afterEach(() => { Object.defineProperty(process, "platform", platform); });

  const memory = memoryOf(1);
  const good = { cblas_sgemm: sgemm };

  test("nothing, and node:ffi is not even loaded, unless it was asked for", async () => {
    const ffi = fakeFfi({ [ours[0]!]: good });
    const { blasProduct, blasDiagnostics, builtins } = await loadBlas(ffi);
    expect(blasProduct(memory)).toBeNull();
    expect(blasDiagnostics())
      .toEqual({ inUse: false, reason: "off: ask with useBlas(true) or CHAINRULE_BLAS=auto" });
    expect(builtins).not.toHaveBeenCalled();
  });

  test("CHAINRULE_BLAS=auto takes the first library there is, at the first product", async () => {
    const ffi = fakeFfi({ [ours[1]!]: good, [ours[2]!]: good });
    const { blasProduct, blasDiagnostics } = await loadBlas(ffi, "auto");
    expect(ffi.opened).toEqual([]);
    const product = blasProduct(memory);
    expect(product).toBeTypeOf("function");
    expect(blasProduct(memory)).toBe(product);
    expect(blasProduct(memoryOf(1))).not.toBe(product);
    expect(ffi.opened).toEqual(ours.slice(0, 2));
    expect(blasDiagnostics())
      .toEqual({ inUse: true, library: ours[1], reason: "CHAINRULE_BLAS=auto" });
  });

  test("CHAINRULE_BLAS names a library", async () => {
    const { blasDiagnostics } = await loadBlas(fakeFfi({ "/my/blas.so": good }), "/my/blas.so");
    expect(blasDiagnostics())
      .toEqual({ inUse: true, library: "/my/blas.so", reason: "CHAINRULE_BLAS=/my/blas.so" });
  });

  test("what the environment asks for in vain is told by the diagnostics alone", async () => {
    const ffi = fakeFfi({});
    const { blasProduct, blasDiagnostics } = await loadBlas(ffi, "/my/blas.so");
    expect(blasProduct(memory)).toBeNull();
    expect(blasProduct(memory)).toBeNull();
    expect(ffi.opened).toEqual(["/my/blas.so"]);
    expect(blasDiagnostics()).toEqual({
      inUse: false,
      reason: "CHAINRULE_BLAS=/my/blas.so: /my/blas.so: dlopen failed: /my/blas.so",
    });
  });

  test("without node:ffi: silent for the environment, an error for useBlas", async () => {
    const { useBlas, blasProduct, blasDiagnostics } = await loadBlas(undefined, "auto");
    expect(blasProduct(memory)).toBeNull();
    const missing = "node:ffi is missing: it takes Node 26 or newer";
    expect(blasDiagnostics().reason).toContain(`CHAINRULE_BLAS=auto: ${missing}`);
    expect(() => useBlas(true)).toThrow(`useBlas: no BLAS can be used: ${missing}`);
    expect(() => useBlas("/my/blas.so")).toThrow(missing);
  });

  test.each(["a Node without getBuiltinModule", "a browser"])("%s: silent", async (where) => {
    const { blasProduct, blasDiagnostics, useBlas } = await loadBlas(undefined, "auto");
    if (where === "a browser") vi.stubGlobal("process", undefined);
    else process.getBuiltinModule = undefined as unknown as typeof process.getBuiltinModule;
    try {
      expect(blasProduct(memory)).toBeNull();
      expect(blasDiagnostics().inUse).toBe(false);
      expect(() => useBlas()).toThrow("useBlas: no BLAS can be used: node:ffi is missing");
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test("useBlas overrules the environment, and useBlas(false) switches off", async () => {
    const ffi = fakeFfi({ [ours[0]!]: good, "/my/blas.so": good });
    const { useBlas, blasProduct, blasDiagnostics } = await loadBlas(ffi, "auto");
    useBlas("/my/blas.so");
    expect(blasDiagnostics())
      .toEqual({ inUse: true, library: "/my/blas.so", reason: 'useBlas("/my/blas.so")' });
    useBlas(false);
    expect(blasProduct(memory)).toBeNull();
    expect(blasDiagnostics()).toEqual({ inUse: false, reason: "switched off by useBlas(false)" });
    useBlas();
    expect(blasDiagnostics())
      .toEqual({ inUse: true, library: ours[0], reason: "useBlas(true)" });
    expect(ffi.opened).toEqual(["/my/blas.so", ours[0]]);
  });

  test("a useBlas that fails changes nothing", async () => {
    const { useBlas, blasDiagnostics } = await loadBlas(fakeFfi({ good, empty: {} }));
    useBlas("good");
    expect(() => useBlas("empty"))
      .toThrow("useBlas: no BLAS can be used: empty: undefined symbol: cblas_sgemm");
    expect(blasDiagnostics()).toEqual({ inUse: true, library: "good", reason: 'useBlas("good")' });
  });

  test.each([[7, "7"], [null, "null"], ["", '""']])("useBlas refuses %s", async (choice, shown) => {
    const { useBlas } = await loadBlas(fakeFfi({}));
    expect(() => useBlas(choice as string))
      .toThrow(`useBlas: takes true, false, "auto" or the path of a library, got ${shown}`);
  });

  test("a platform without known libraries: auto says so, a path works", async () => {
    const { useBlas } = await loadBlas(fakeFfi({ good }));
    pretend("aix");
    expect(() => useBlas(true)).toThrow("no library is known for aix");
    useBlas("good");
  });

  test("useDeterministicAlgorithms switches it off for as long as it is on", async () => {
    const { useBlas, blasProduct, blasDiagnostics, useDeterministicAlgorithms } =
      await loadBlas(fakeFfi({ good }));
    useBlas("good");
    useDeterministicAlgorithms(true);
    expect(blasProduct(memory)).toBeNull();
    expect(blasDiagnostics())
      .toEqual({ inUse: false, library: "good", reason: "useDeterministicAlgorithms(true)" });
    useDeterministicAlgorithms(false);
    expect(blasProduct(memory)).toBeTypeOf("function");
  });

  test("threads are set in the library in use and in those chosen later", async () => {
    const [first, second] = [vi.fn(), vi.fn()];
    const { useBlas, setBlasThreads } = await loadBlas(fakeFfi({
      first: { ...good, openblas_set_num_threads: first },
      second: { ...good, openblas_set_num_threads: second },
    }));
    useBlas("first");
    expect(first).not.toHaveBeenCalled();
    setBlasThreads(2);
    expect(first.mock.calls).toEqual([[2]]);
    useBlas("second");
    expect(second.mock.calls).toEqual([[2]]);
  });
});
