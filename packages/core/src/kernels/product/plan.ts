// How a matrix product is divided into calls: by its sizes alone, so that threads change nothing.
import { hasRelaxedMultiplyAdd } from "../../wasm/features.ts";
import { SCRATCH_BYTES, type Call, type HeapKernel, type Step } from "../heap-kernel.ts";
import { BLOCK_K, parameters, productKernel, ZERO_BYTES, type Parameter } from "./kernel.ts";
import { packedBytes, packingKernel, WIDE } from "./panels.ts";
import { rowsOfTile } from "./tile.ts";
import { planVector } from "./vector.ts";

/** Bytes from a row to the next and from a column to the next; zero repeats an element. */
export type Strides = readonly [row: number, column: number];

/** `out[m, n] = a[m, k] · b[k, n] + bias[n]`, then relu, for each matrix of a batch. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Addresses in the heap. `out` shares no memory with anything else. */
  readonly batch: readonly { readonly out: number; readonly a: number; readonly b: number }[];
  readonly out: Strides;
  readonly a: Strides;
  readonly b: Strides;
  /** Address of `n` neighbours that are added to every row; 0: none. */
  readonly bias?: number;
  readonly relu?: boolean;
  /** Address of `productWorkspace` bytes, divisible by 16. */
  readonly workspace: number;
  /** Whether the memory is shared. */
  readonly shared: boolean;
}

/**
 * Multiply-adds from which a product is divided, and those of a call then at most. Above 2¹⁸ two
 * threads take 0.6 to 0.75 of the time, below they gain nothing; one thread loses 1 % at most.
 */
const SMALLEST_DIVIDED = 5 * 2 ** 16;
const WORK_PER_CALL = 2 ** 19;

/**
 * Calls that a matrix is divided into because of its work: with 8, two threads waited for each
 * other 2 to 5 % longer on a busy machine.
 */
const MOST_PARTS = 16;

/** What a matrix costs besides its multiply-adds, in multiply-adds: about 0.1 µs. */
const OVERHEAD = 4096;

/** Rows and columns of a call at most, so that its panels stay in the second-level cache. */
const BLOCK_M = 96;
const BLOCK_N = 1024;

/** Columns up to which rows of a are read where they lie: packing them is not repaid. */
const FEW_COLUMNS = 16;

/** Elements of a up to which the same holds: they stay in the first-level cache. */
const SMALL_A = 4096;

/** Elements of b from which packing is divided, and those of a call then at most. */
const SMALLEST_PACKED = 2 ** 16;
const PACKED_PER_CALL = 2 ** 16;

/** Panels of a batch are packed in rounds of at most this size. */
const ROUND_BYTES = 2 ** 24;

/** Parts of the scratch memory: panels of a, sums between blocks of k, panels of b. */
interface Offsets {
  readonly panelsOfA: number;
  readonly partial: number;
  readonly panelsOfB: number;
}

/** A product from the point of view of the kernel, and how it runs. */
interface Route {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Whether `outᵀ = bᵀ aᵀ` is computed instead: what has few columns needs little packing. */
  readonly isSwapped: boolean;
  readonly isDirect: boolean;
  /** Calls for whole matrices, which pack b themselves, or 0: b is packed before. */
  readonly calls: number;
  readonly offsets: Offsets;
}

function route(rows: number, columns: number, k: number, batch: number): Route {
  const isSwapped = rows < columns && rows <= FEW_COLUMNS;
  const [m, n] = isSwapped ? [columns, rows] : [rows, columns];
  const isDirect = n <= FEW_COLUMNS || m * k <= SMALL_A;
  const work = m * n * k;
  const inCall = offsetsOf(m, n, k, isDirect);
  const fits = inCall.panelsOfB + packedBytes(n, k) <= SCRATCH_BYTES;
  const isInCall = fits && (work < SMALLEST_DIVIDED || batch > 3);
  const calls = isInCall
    ? Math.min(batch, evenParts(batch * (work + OVERHEAD), SMALLEST_DIVIDED, WORK_PER_CALL)) : 0;
  return { m, n, k, isSwapped, isDirect, calls, offsets: isInCall ? inCall
    : offsetsOf(Math.min(m, BLOCK_M), Math.min(n, BLOCK_N), k, isDirect) };
}

/** Parts of `largest` at most; from `smallest` on an even number, which two threads can share. */
function evenParts(work: number, smallest: number, largest: number): number {
  return work < smallest ? 1 : 2 * Math.ceil(work / (2 * largest));
}

/** Where part `i` of so many begins, all nearly equal and made of whole units but the last one. */
function border(i: number, parts: number, length: number, unit: number): number {
  return Math.min(length, unit * Math.floor(i * Math.ceil(length / unit) / parts));
}

/** Where the panels of a, the sums between blocks of k and the panels of b lie in the scratch. */
function offsetsOf(m: number, n: number, k: number, isDirect: boolean): Offsets {
  const panelsOfA = ZERO_BYTES;
  // The largest tile has six rows; packing may touch 8 bytes behind the last panel.
  const partial = panelsOfA + (isDirect ? 0 : 4 * (m + 5) * Math.min(k, BLOCK_K) + 16);
  const panelsOfB = partial + (isDirect || k <= BLOCK_K ? 0 : 4 * m * (n + WIDE - 1));
  const aligned = (bytes: number) => Math.ceil(bytes / 16) * 16;
  return { panelsOfA, partial: aligned(partial), panelsOfB: aligned(panelsOfB) };
}

/** Matrices of b whose panels are in the workspace at the same time. */
function slots(n: number, k: number, batch: number): number {
  return Math.min(batch, Math.max(1, Math.floor(ROUND_BYTES / packedBytes(n, k))));
}

/** Bytes of workspace that `planProduct` needs. */
export function productWorkspace(m: number, n: number, k: number, batch: number): number {
  if (m * n * k * batch === 0) return 0;
  const way = route(m, n, k, batch);
  return way.calls > 0 ? 0 : slots(way.n, k, batch) * packedBytes(way.n, k);
}

/**
 * The steps of a product; none where there is nothing to compute.
 *
 * Every element of `out` is one chain over k, computed within one call: neither threads nor the
 * division into calls can change it.
 */
export function planProduct(product: Product): Step[] {
  const { m, n, k, batch } = product;
  if (m * n * batch.length === 0) return [];
  const vector = planVector(product);
  if (vector !== null) return [vector];
  const way = route(m, n, k, batch.length);
  const oriented = way.isSwapped ? swapped(product) : product;
  return way.calls > 0 ? [together(oriented, way)] : rounds(oriented, way);
}

/** A product with its strides as the kernel sees them. */
interface Oriented extends Product {
  readonly biasStrides?: Strides;
}

/** `outᵀ = bᵀ aᵀ`. */
function swapped({ m, n, k, batch, out, a, b, bias, relu, workspace, shared }: Product): Oriented {
  const turned = ([row, column]: Strides): Strides => [column, row];
  return {
    m: n, n: m, k, batch: batch.map((each) => ({ out: each.out, a: each.b, b: each.a })),
    out: turned(out), a: turned(b), b: turned(a), bias, biasStrides: [4, 0],
    relu, workspace, shared,
  };
}

/**
 * A call for the first matrix, in the order of `parameters`. Others are copies with some numbers
 * exchanged: a record by name takes 1 µs for each call, on Node 20 even 6.
 */
function callOf(product: Oriented, { calls, offsets }: Route): number[] {
  const { m, n, k, out, a, b, bias = 0, biasStrides = [0, 4], relu } = product;
  const first = product.batch[0]!;
  return [
    1, first.out, first.a, first.b, 0, 0, 0,
    out[0], out[1], a[0], a[1], b[0], b[1],
    m, n, k,
    bias, biasStrides[0], biasStrides[1],
    relu ? 1 : 0,
    calls > 0 ? 1 : 0,
    offsets.panelsOfA, offsets.partial, offsets.panelsOfB,
  ];
}

const position = (name: Parameter): number => parameters.indexOf(name);

/** Positions in a call of what calls of one product differ in. */
const at = {
  count: position("count"), out: position("out"), a: position("a"), b: position("b"),
  outNext: position("outNext"), aNext: position("aNext"), bNext: position("bNext"),
  m: position("m"), n: position("n"),
  bias: position("bias"), biasRow: position("biasRow"), biasColumn: position("biasColumn"),
};

function kernelOf({ shared }: Product, { isDirect }: Route): HeapKernel {
  return productKernel(hasRelaxedMultiplyAdd(), isDirect, shared);
}

/** Whole matrices, several per call where they are small: runs of equal distances. */
function together(product: Oriented, way: Route): Step {
  const { batch } = product;
  const base = callOf(product, way);
  const calls: Call[] = [];
  for (let part = 0, i = 0; part < way.calls; part++) {
    const end = border(part + 1, way.calls, batch.length, 1);
    while (i < end) {
      const first = batch[i]!;
      const second = i + 1 < end ? batch[i + 1]! : first;
      const outNext = second.out - first.out;
      const aNext = second.a - first.a;
      const bNext = second.b - first.b;
      let count = 1;
      while (i + count < end && batch[i + count]!.out === first.out + count * outNext &&
        batch[i + count]!.a === first.a + count * aNext &&
        batch[i + count]!.b === first.b + count * bNext) count++;
      const call = base.slice();
      call[at.count] = count;
      call[at.out] = first.out;
      call[at.a] = first.a;
      call[at.b] = first.b;
      call[at.outNext] = outNext;
      call[at.aNext] = aNext;
      call[at.bNext] = bNext;
      calls.push(call);
      i += count;
    }
  }
  return { kernel: kernelOf(product, way), calls };
}

/** Panels of b, packed in one step, and blocks of out in the next, for a part of the batch. */
function rounds(product: Oriented, way: Route): Step[] {
  const { n, k, batch, workspace } = product;
  const perRound = slots(n, k, batch.length);
  const steps: Step[] = [];
  for (let first = 0; first < batch.length; first += perRound) {
    const packed: number[] = [];
    const packing: Call[] = [];
    const calls: Call[] = [];
    for (const { out, a, b } of batch.slice(first, first + perRound)) {
      const known = packed.indexOf(b);
      const panels = workspace + (known < 0 ? packed.length : known) * packedBytes(n, k);
      if (known < 0) {
        packed.push(b);
        packingCalls(packing, product, b, panels);
      }
      blockCalls(calls, product, way, out, a, panels);
    }
    steps.push({ kernel: packingKernel(product.shared), calls: packing },
      { kernel: kernelOf(product, way), calls });
  }
  return steps;
}

/** Adds the calls that pack the panels of one b. */
function packingCalls(
  calls: Call[], { n, k, b: [row, column] }: Product, b: number, to: number,
): void {
  const wanted = evenParts(n * k, SMALLEST_PACKED, PACKED_PER_CALL);
  const parts = Math.min(wanted, Math.ceil(n / WIDE));
  for (let i = 0, first = 0; i < parts; i++) {
    const next = border(i + 1, parts, n, WIDE);
    calls.push([b + first * column, column, row, next - first, k, to + 4 * first * k]);
    first = next;
  }
}

/** Adds the calls that compute one matrix, divided by rows and, where they are many, columns. */
function blockCalls(
  calls: Call[], product: Oriented, way: Route, out: number, a: number, panels: number,
): void {
  const { m, n, k } = product;
  const tile = rowsOfTile(hasRelaxedMultiplyAdd());
  const parts = Math.min(MOST_PARTS, evenParts(m * n * k, SMALLEST_DIVIDED, WORK_PER_CALL));
  const columnParts = Math.ceil(n / BLOCK_N);
  const least = way.isDirect ? 1 : Math.ceil(m / BLOCK_M);
  const wanted = Math.max(least, Math.ceil(parts / columnParts));
  const rowParts = Math.min(Math.ceil(m / tile), wanted === 1 ? 1 : 2 * Math.ceil(wanted / 2));
  const base = callOf(product, way);
  const bias = base[at.bias]!;
  for (let i = 0, row = 0; i < rowParts; i++) {
    const below = border(i + 1, rowParts, m, tile);
    for (let j = 0, column = 0; j < columnParts; j++) {
      const right = border(j + 1, columnParts, n, WIDE);
      const call = base.slice();
      call[at.out] = out + row * product.out[0] + column * product.out[1];
      call[at.a] = a + row * product.a[0];
      call[at.b] = panels + 4 * column * k;
      call[at.m] = below - row;
      call[at.n] = right - column;
      if (bias !== 0) {
        call[at.bias] = bias + row * base[at.biasRow]! + column * base[at.biasColumn]!;
      }
      calls.push(call);
      column = right;
    }
    row = below;
  }
}
