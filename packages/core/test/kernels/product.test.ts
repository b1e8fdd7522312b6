// The product over the heap against the float64 reference: sizes, strides, batches, bias, relu.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCRATCH_BYTES, type HeapKernel, type Step } from "../../src/kernels/heap-kernel.ts";
import { matmul, type Matrix } from "../../src/kernels/matmul.ts";
import { planProduct, productWorkspace, type Product, type Strides }
  from "../../src/kernels/product/plan.ts";
import { Generator } from "../../src/random/generator.ts";
import { hasRelaxedMultiplyAdd, useDeterministicAlgorithms } from "../../src/wasm/features.ts";

/** How a matrix lies: in which order, with gaps of so many elements, or one line repeated. */
interface Lay {
  readonly byColumns: boolean;
  readonly gap: number;
  readonly repeated: "rows" | "columns" | "none";
}

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
  readonly a: Lay;
  readonly b: Lay;
  readonly out: Lay;
  readonly isBSame: boolean;
  readonly hasBias: boolean;
  readonly relu: boolean;
  readonly shared: boolean;
  /** Whether a or b comes last in the memory. */
  readonly isALast: boolean;
}

const plain: Lay = { byColumns: false, gap: 0, repeated: "none" };
const sized = (m: number, n: number, k: number, rest: Partial<Case> = {}): Case => ({
  m, n, k, batch: 1, a: plain, b: plain, out: plain, isBSame: false, hasBias: false, relu: false,
  shared: false, isALast: false, ...rest,
});

/** Strides in elements, and the elements that one matrix spans. */
function lie(rows: number, columns: number, { byColumns, gap, repeated }: Lay) {
  const inner = gap + 1;
  const outer = (byColumns ? rows : columns) * inner + gap;
  const [row, column] = byColumns ? [inner, outer] : [outer, inner];
  const strides: Strides = [repeated === "rows" ? 0 : row, repeated === "columns" ? 0 : column];
  return { strides, span: (byColumns ? columns : rows) * outer };
}

const SCRATCH = 64;
const BASE = SCRATCH + SCRATCH_BYTES + 64;

/** A memory with the kernels that were started over it. */
function start(shared: boolean, pages: number) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  const runs = new Map<HeapKernel, (...args: number[]) => void>();
  const run = (steps: readonly Step[], isReversed = false): void => {
    for (const { kernel, calls } of steps) {
      const call = runs.get(kernel) ?? new WebAssembly.Instance(
        new WebAssembly.Module(kernel.bytes), { env: { memory } }).exports.run as () => void;
      runs.set(kernel, call);
      for (const args of isReversed ? [...calls].reverse() : calls) {
        call(...kernel.usesScratch ? [SCRATCH] : [], ...args);
      }
    }
  };
  return { floats: new Float32Array(memory.buffer), words: new Uint32Array(memory.buffer), run };
}

/** Small memories for small cases: each is searched for changes. */
const machines = [20, 128].map((pages) => ({ pages, shared: start(true, pages),
  unshared: start(false, pages) }));

/**
 * The heap of one case: everything but the operands holds NaN, which no result may pick up; a or b
 * ends where the memory does, so that a read beyond it is refused.
 */
function place(one: Case) {
  const { m, n, k, batch } = one;
  const isSmall = batch * (m * n + m * k + k * n) < 7000;
  const { pages, shared, unshared } = machines[isSmall ? 0 : 1]!;
  const { floats, words, run } = one.shared ? shared : unshared;
  const [a, b, out] = [lie(m, k, one.a), lie(k, n, one.b), lie(m, n, one.out)];
  const workspaceBytes = productWorkspace(m, n, k, batch);
  const bytes = { a: 4 * a.span * batch, b: 4 * b.span * batch, out: 4 * out.span * batch };
  const at = { workspace: BASE, bias: BASE + workspaceBytes + 20, out: 0, a: 0, b: 0 };
  at.out = at.bias + 4 * n + 20;
  const [middle, last] = one.isALast ? ["b", "a"] as const : ["a", "b"] as const;
  at[middle] = at.out + bytes.out + 20;
  at[last] = pages * 65536 - bytes[last];
  expect(at[middle] + bytes[middle], "the case fits").toBeLessThan(at[last]);
  floats.fill(NaN);
  const generator = new Generator(1000 * m + 10 * n + k);
  const fill = (start: number, rows: number, columns: number, [row, column]: Strides) => {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        floats[start / 4 + i * row + j * column] = 2 * generator.uniform24() - 1;
      }
    }
  };
  fill(at.bias, 1, n, [n, 1]);
  const addresses = Array.from({ length: batch }, (_, i) => ({ a: at.a + 4 * i * a.span,
    b: at.b + (one.isBSame ? 0 : 4 * i * b.span), out: at.out + 4 * i * out.span }));
  for (const each of addresses) {
    fill(each.a, m, k, a.strides);
    fill(each.b, k, n, b.strides);
  }
  const inBytes = ([row, column]: Strides): Strides => [4 * row, 4 * column];
  const product: Product = { m, n, k, batch: addresses, out: inBytes(out.strides),
    a: inBytes(a.strides), b: inBytes(b.strides), bias: one.hasBias ? at.bias : 0, relu: one.relu,
    workspace: at.workspace, shared: one.shared };
  return { floats, words, run, product, at, workspaceBytes };
}

/** Where the elements of all results lie, in words. */
function* elements({ m, n, batch, out: [row, column] }: Product) {
  for (const [index, { out }] of batch.entries()) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) yield { index, i, j, word: (out + i * row + j * column) / 4 };
    }
  }
}

/** Float64 products of a batch from the given floats. */
function reference({ m, n, k, batch, a, b }: Product, data: Float32Array): Float64Array[] {
  const matrix = (address: number, [row, column]: Strides): Matrix =>
    ({ data, offset: address / 4, rowStride: row / 4, columnStride: column / 4 });
  return batch.map((each) => {
    const result = new Float64Array(m * n);
    matmul({ data: result, offset: 0, rowStride: n, columnStride: 1 },
      matrix(each.a, a), matrix(each.b, b), m, n, k);
    return result;
  });
}

/** Runs a case and holds it against the laws. */
function check(one: Case): void {
  const { n, k, hasBias, relu } = one;
  const { floats, words, run, product, at, workspaceBytes } = place(one);
  const before = words.slice();
  const steps = planProduct(product);
  run(steps);
  const first = words.slice(at.out / 4);
  // Neither out nor scratch is cleared: a call may be done twice, after any other of its step.
  run(steps, true);
  const exact = reference(product, floats);
  const absolute = floats.slice();
  for (let i = at.out / 4; i < absolute.length; i++) absolute[i] = Math.abs(absolute[i]!);
  const sizes = reference(product, absolute);
  // One rounding for each product and sum, and one for the bias: γ_{k+1} Σ|a||b|, u = 2⁻²⁴.
  const unit = (k + 1) * 2 ** -24;
  for (const { index, i, j, word } of elements(product)) {
    const bias = hasBias ? floats[at.bias / 4 + j]! : 0;
    const value = exact[index]![i * n + j]! + bias;
    const error = Math.abs(floats[word]! - (relu ? Math.max(value, 0) : value));
    const allowed = unit / (1 - unit) * (sizes[index]![i * n + j]! + Math.abs(bias));
    if (!(error <= allowed)) expect(error, `element ${i}, ${j}`).toBeLessThanOrEqual(allowed);
    if (words[word] !== first[word - at.out / 4]) expect.fail(`element ${i}, ${j} depends on the order`);
    words[word] = before[word]!;
  }
  for (const [start, length] of [[SCRATCH, SCRATCH_BYTES], [at.workspace, workspaceBytes]]) {
    words.set(before.subarray(start! / 4, (start! + length!) / 4), start! / 4);
  }
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== before[i]) expect.fail(`word ${i} was written: ${JSON.stringify(at)}`);
  }
}

const lay = fc.record({ byColumns: fc.boolean(), gap: fc.integer({ min: 0, max: 2 }),
  repeated: fc.constantFrom("none", "none", "none", "rows", "columns") }) as fc.Arbitrary<Lay>;
const size = fc.integer({ min: 1, max: 40 });
const drawn: fc.Arbitrary<Case> = fc.record({ m: size, n: size, k: fc.integer({ min: 0, max: 40 }),
  batch: fc.constantFrom(1, 1, 2, 5), a: lay, b: lay,
  out: lay.map((each): Lay => ({ ...each, repeated: "none" })), isBSame: fc.boolean(),
  hasBias: fc.boolean(), relu: fc.boolean(), shared: fc.boolean(),
  isALast: fc.boolean() });

const orders = [false, true].flatMap((byA) => [false, true].map((byB) => ({
  a: { ...plain, byColumns: byA }, b: { ...plain, byColumns: byB } })));

describe.each([
  ["with fused multiply-add, where the engine has it", false], ["deterministic", true],
])("%s", (_, deterministic) => {
  beforeAll(() => useDeterministicAlgorithms(deterministic));
  afterAll(() => useDeterministicAlgorithms(false));

  test("any sizes, strides and batches stay within the bound and touch nothing else", () => {
    fc.assert(fc.property(drawn, check), { numRuns: 200 });
  });

  test.each([[97, 113, 255], [95, 129, 256], [193, 31, 257], [103, 105, 513], [64, 1025, 33],
    [700, 10, 257], [10, 700, 257], [61, 64, 300]])(
    "blocks end anywhere: %i × %i × %i, all orders", (m, n, k) => {
      for (const order of orders) {
        check(sized(m, n, k, { ...order, hasBias: true, isALast: order.a.byColumns }));
      }
    });

  test.each([[1, 1500, 400], [1500, 1, 400], [2, 1037, 301], [1037, 3, 301], [1, 35, 7]])(
    "few rows or columns: %i × %i × %i, all orders", (m, n, k) => {
      for (const order of orders) {
        check(sized(m, n, k, { ...order, hasBias: true, relu: true, isALast: m > n }));
      }
    });

  test("a vector that steps through memory", () => {
    check(sized(1, 200, 300, { a: { ...plain, gap: 2 }, b: { ...plain, byColumns: true } }));
    check(sized(200, 1, 300, { b: { ...plain, gap: 2 } }));
  });

  test("batches of large matrices, of one b, and of many small ones", () => {
    check(sized(110, 120, 130, { batch: 3 }));
    check(sized(110, 120, 300, { batch: 5, isBSame: true, relu: true }));
    check(sized(7, 9, 11, { batch: 200 }));
  });

  test("without rounding, the result is exact wherever blocks end", () => {
    const { floats, run, product, at } = place(sized(131, 77, 600));
    const [m, n, k] = [131, 77, 600];
    for (let i = 0; i < m * k; i++) floats[at.a / 4 + i] = (i % 7) - 3;
    for (let i = 0; i < k * n; i++) floats[at.b / 4 + i] = (i % 11) - 5;
    run(planProduct(product));
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += (((i * k + p) % 7) - 3) * (((p * n + j) % 11) - 5);
        expect(floats[at.out / 4 + i * n + j]).toBe(sum);
      }
    }
  });
});

test("deterministic sums are one chain over k, rounded after each product and sum", () => {
  useDeterministicAlgorithms(true);
  try {
    expect(hasRelaxedMultiplyAdd()).toBe(false);
    for (const [m, n, k] of [[5, 7, 9], [100, 110, 300]] as const) {
      const { floats, run, product, at } = place(sized(m, n, k));
      run(planProduct(product));
      for (let i = 0; i < m; i += 3) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < k; p++) {
            sum = Math.fround(sum + Math.fround(
              floats[at.a / 4 + i * k + p]! * floats[at.b / 4 + p * n + j]!));
          }
          expect(floats[at.out / 4 + i * n + j]).toBe(sum);
        }
      }
    }
  } finally {
    useDeterministicAlgorithms(false);
  }
});

test("relu keeps NaN and turns negative sums to zero", () => {
  for (const [m, n] of [[8, 9], [1, 9], [9, 1]] as const) {
    const { floats, run, product, at } = place(sized(m, n, 4, { relu: true }));
    floats.fill(-1, at.a / 4, at.a / 4 + 4 * m);
    floats.fill(1, at.b / 4, at.b / 4 + 4 * n);
    floats[at.a / 4] = NaN;
    run(planProduct(product));
    expect(floats[at.out / 4]).toBeNaN();
    expect(floats[at.out / 4 + m * n - 1]).toBe(m === 1 ? NaN : 0);
  }
});

test("an empty product has no steps, small ones have one call, MNIST's sixteen", () => {
  const calls = (one: Case) => planProduct(place(one).product).map((step) => step.calls.length);
  expect(calls(sized(0, 5, 3))).toEqual([]);
  expect(calls(sized(5, 0, 3))).toEqual([]);
  expect(calls(sized(64, 64, 64))).toEqual([1]);
  expect(calls(sized(64, 10, 256))).toEqual([1]);
  expect(productWorkspace(64, 64, 64, 1)).toBe(0);
  const [packing, tiles] = calls(sized(256, 256, 784));
  expect(packing).toBeGreaterThan(1);
  expect(tiles).toBe(16);
});
