// What calls of a product compute, read from their numbers alone, and how they share the work.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Call, Step } from "../../src/kernels/heap-kernel.ts";
import { parameters, type Parameter } from "../../src/kernels/product/kernel.ts";
import { planProduct, productWorkspace, type Product, type Strides }
  from "../../src/kernels/product/plan.ts";

type Named = Record<Parameter, number>;

const named = (call: Call): Named =>
  Object.fromEntries(parameters.map((name, i) => [name, call[i]])) as Named;

/** Addresses of the first elements of two lines, steps along them, bias: what makes an element. */
const element = (x: number, xStep: number, y: number, yStep: number, rest: readonly unknown[]) =>
  [[x, xStep].join("+"), [y, yStep].join("+")].sort().concat(rest.join()).join(" ");

/** Where column `i` of packed columns is found: panels of eight, the last one of four if it can. */
function lane(panels: number, columns: number, k: number, i: number): string {
  const panel = Math.floor(i / 8);
  return `${panels + 32 * panel * k}: ${i % 8} of ${columns - 8 * panel > 4 ? 8 : 4}`;
}

/** What makes each element that the steps compute, by its address; none may be computed twice. */
function computed(steps: readonly Step[]): Map<number, string> {
  const lanes = new Map<string, [address: number, step: number, k: number]>();
  const elements = new Map<number, string>();
  const add = (address: number, value: string) => {
    if (elements.has(address)) expect.fail(`${address} is computed twice`);
    elements.set(address, value);
  };
  for (const call of steps.flatMap(({ calls }) => calls)) {
    if (call.length === 6) {
      const [from, lineStep, step, columns, k, to] = call as [...number[]] & { 5: number };
      for (let i = 0; i < columns; i++) {
        lanes.set(lane(to, columns, k, i), [from + i * lineStep, step, k]);
      }
    } else if (call.length === 12) vectorElements(call, add);
    else productElements(named(call), lanes, add);
  }
  return elements;
}

type Add = (address: number, value: string) => void;

function vectorElements(call: Call, add: Add): void {
  const [matrix, lineStep, step, lines, k, vector, vectorStep, out, outStep, bias, biasStep, relu] =
    call as number[];
  for (let i = 0; i < lines; i++) {
    add(out + i * outStep, element(matrix + i * lineStep, step, vector, vectorStep,
      [k, bias === 0 ? 0 : bias + i * biasStep, relu]));
  }
}

function productElements(
  call: Named, lanes: ReadonlyMap<string, readonly [number, number, number]>, add: Add,
): void {
  const { m, n, k } = call;
  for (let index = 0; index < call.count; index++) {
    const b = call.b + index * call.bNext;
    for (let j = 0; j < n; j++) {
      const [column, step, steps] = call.packs === 1 ? [b + j * call.bColumn, call.bRow, k]
        : lanes.get(lane(b, n, k, j)) ?? [NaN, NaN, NaN];
      for (let i = 0; i < m; i++) {
        add(call.out + index * call.outNext + i * call.outRow + j * call.outColumn,
          element(call.a + index * call.aNext + i * call.aRow, call.aColumn, column, step,
            [steps, call.bias && call.bias + i * call.biasRow + j * call.biasColumn, call.relu]));
      }
    }
  }
}

/** The same from the definition of a product. */
function defined({ m, n, k, batch, out, a, b, bias = 0, relu }: Product): Map<number, string> {
  const elements = new Map<number, string>();
  for (const at of batch) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        elements.set(at.out + i * out[0] + j * out[1], element(at.a + i * a[0], a[1],
          at.b + j * b[1], b[0], [k, bias && bias + 4 * j, relu ? 1 : 0]));
      }
    }
  }
  return elements;
}

interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch?: number;
  /** Whether columns of a, b and out are neighbours in memory, not rows. */
  readonly byColumns?: readonly [a: boolean, b: boolean, out: boolean];
  readonly isBSame?: boolean;
  /** Whether one matrix of the batch lies apart from the others. */
  readonly hasGap?: boolean;
  readonly hasBias?: boolean;
  readonly relu?: boolean;
}

function productOf(
  { m, n, k, batch = 1, byColumns = [false, false, false], isBSame, hasGap, hasBias, relu }: Case,
): Product {
  const strides = (rows: number, columns: number, turned: boolean): Strides =>
    turned ? [4, 4 * rows] : [4 * columns, 4];
  const gap = (i: number) => hasGap === true && i >= batch / 2 ? 400 : 0;
  return {
    m, n, k, a: strides(m, k, byColumns[0]), b: strides(k, n, byColumns[1]),
    out: strides(m, n, byColumns[2]), bias: hasBias ? 65536 : 0, relu, shared: true,
    workspace: 2 ** 20, batch: Array.from({ length: batch }, (_, i) => ({
      out: 2 ** 28 + 4 * i * m * n, a: 2 ** 29 + 4 * i * m * k + gap(i),
      b: 2 ** 30 + (isBSame ? 0 : 4 * i * k * n),
    })),
  };
}

function checkElements(one: Case): void {
  const product = productOf(one);
  const [made, exact] = [computed(planProduct(product)), defined(product)];
  expect(made.size).toBe(exact.size);
  for (const [address, value] of exact) {
    if (made.get(address) !== value) expect(made.get(address), `at ${address}`).toBe(value);
  }
}

const counts = (one: Case) => planProduct(productOf(one)).map(({ calls }) => calls.length);

test("each element is made once, of its row, its column and its bias", () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 120 }));
  fc.assert(fc.property(fc.record({
    m: size, n: size, k: size, batch: fc.constantFrom(1, 1, 2, 5, 9),
    byColumns: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), isBSame: fc.boolean(),
    hasGap: fc.boolean(), hasBias: fc.boolean(), relu: fc.boolean(),
  }), checkElements), { numRuns: 60 });
});

test.each<Case>([
  { m: 256, n: 256, k: 784, byColumns: [false, true, false], hasBias: true, relu: true },
  { m: 256, n: 10, k: 256, byColumns: [false, true, false], hasBias: true },
  { m: 10, n: 256, k: 256, byColumns: [true, false, false], hasBias: true },
  { m: 20, n: 2100, k: 300, hasBias: true }, // blocks of columns
  { m: 1, n: 700, k: 800, hasBias: true, relu: true },
  { m: 110, n: 120, k: 130, batch: 3, isBSame: true },
  { m: 6, n: 1500, k: 2000, batch: 3 }, // two rounds
])("the same for %o", (one) => {
  const product = productOf(one);
  expect(computed(planProduct(product))).toEqual(defined(product));
});

test("panels fill the workspace that was asked for, and no more", () => {
  for (const [m, n, k, batch] of [[256, 250, 784, 1], [10, 256, 256, 1], [90, 100, 110, 3]]) {
    const [packing] = planProduct(productOf({ m, n, k, batch }));
    const ends = packing.calls.map(([, , , columns, steps, to]) =>
      to + 16 * steps * Math.ceil(columns / 4));
    expect(Math.max(...ends) - 2 ** 20).toBe(productWorkspace(m, n, k, batch));
  }
});

describe("two threads get the same", () => {
  test.each<[Case, number[]]>([
    [{ m: 64, n: 64, k: 64 }, [1]],
    [{ m: 16, n: 16, k: 16, batch: 50 }, [2]],
    [{ m: 128, n: 10, k: 256 }, [1, 2]],
    [{ m: 256, n: 10, k: 256 }, [1, 2]],
    [{ m: 10, n: 256, k: 256 }, [1, 2]],
    [{ m: 256, n: 256, k: 10 }, [1, 2]],
    [{ m: 128, n: 128, k: 128 }, [1, 4]],
    [{ m: 256, n: 256, k: 256 }, [2, 16]],
    [{ m: 256, n: 256, k: 784 }, [4, 16]],
    [{ m: 784, n: 256, k: 256 }, [2, 16]],
    [{ m: 2000, n: 256, k: 256 }, [2, 22]], // at most 96 rows
    [{ m: 32, n: 32, k: 32, batch: 65 }, [6]],
    [{ m: 128, n: 128, k: 128, batch: 8 }, [8]],
  ])("%j", (one, expected) => expect(counts(one)).toEqual(expected));

  test("rows, packed columns and matrices of calls differ by one tile at most", () => {
    const differ = (sizes: readonly number[]) => Math.max(...sizes) - Math.min(...sizes);
    fc.assert(fc.property(
      fc.integer({ min: 64, max: 900 }), fc.integer({ min: 64, max: 900 }), (m, n) => {
        const [packing, tiles] = planProduct(productOf({ m, n, k: 256 }));
        expect(differ(packing.calls.map(([, , , columns]) => columns))).toBeLessThanOrEqual(15);
        expect(differ(tiles.calls.map((call) => named(call).m))).toBeLessThanOrEqual(11);
        const [{ calls }] = planProduct(productOf({ m: 20, n: 20, k: 20, batch: m }));
        expect(differ(calls.map((call) => named(call).count))).toBeLessThanOrEqual(1);
      }));
  });
});
