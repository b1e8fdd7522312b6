// How a matrix product is divided into calls: by its sizes alone, so that threads change nothing.
import { hasRelaxedMultiplyAdd } from "../../wasm/features.ts";
import { SCRATCH_BYTES, type Call, type Step } from "../heap-kernel.ts";
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

/** Multiply-adds from which a product is divided: about 35 µs. */
const SMALLEST_DIVIDED = 2 ** 20;

/** What a matrix costs besides its multiply-adds, in multiply-adds: about 0.1 µs. */
const OVERHEAD = 4096;

/** Rows and columns of a call at most, so that its panels stay in the second-level cache. */
const BLOCK_M = 96;
const BLOCK_N = 1024;

/** Columns up to which rows of a are read where they lie: packing them is not repaid. */
const FEW_COLUMNS = 16;

/** Elements of a up to which the same holds: they stay in the first-level cache. */
const SMALL_A = 4096;

/** Elements of b that one call packs. */
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
  /** Matrices per call, each packed by the call itself, or 0: packed before, in the workspace. */
  readonly group: number;
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
  const group = isInCall ? Math.max(1, Math.floor(SMALLEST_DIVIDED / (work + OVERHEAD))) : 0;
  return { m, n, k, isSwapped, isDirect, group, offsets: isInCall ? inCall
    : offsetsOf(Math.min(m, BLOCK_M), Math.min(n, BLOCK_N), k, isDirect) };
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
  return way.group > 0 ? 0 : slots(way.n, k, batch) * packedBytes(way.n, k);
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
  return way.group > 0 ? [together(oriented, way)] : rounds(oriented, way);
}

/** A product with its strides as the kernel sees them. */
interface Oriented extends Product {
  readonly biasStrides?: Strides;
}

/** `outᵀ = bᵀ aᵀ`. */
function swapped(product: Product): Oriented {
  const turned = ([row, column]: Strides): Strides => [column, row];
  return {
    ...product, m: product.n, n: product.m,
    batch: product.batch.map(({ out, a, b }) => ({ out, a: b, b: a })),
    out: turned(product.out), a: turned(product.b), b: turned(product.a), biasStrides: [4, 0],
  };
}

/** What is the same for all calls of a product. */
function settings(product: Oriented, way: Route): Partial<Record<Parameter, number>> {
  const [biasRow, biasColumn] = product.biasStrides ?? [0, 4];
  return {
    count: 1, outNext: 0, aNext: 0, bNext: 0, packs: 0,
    outRow: product.out[0], outColumn: product.out[1], aRow: product.a[0], aColumn: product.a[1],
    bRow: product.b[0], bColumn: product.b[1], m: product.m, n: product.n, k: product.k,
    bias: product.bias ?? 0, biasRow, biasColumn, relu: product.relu ? 1 : 0, ...way.offsets,
  };
}

const callOf = (values: Partial<Record<Parameter, number>>): Call =>
  parameters.map((name) => values[name]!);

/** Whole matrices, several per call where they are small: runs of equal distances. */
function together(product: Oriented, way: Route): Step {
  const { batch } = product;
  const base = { ...settings(product, way), packs: 1 };
  const calls: Call[] = [];
  for (let i = 0; i < batch.length;) {
    const { out, a, b } = batch[i]!;
    const end = Math.min(batch.length, i + way.group);
    const outNext = i + 1 < end ? batch[i + 1]!.out - out : 0;
    const aNext = i + 1 < end ? batch[i + 1]!.a - a : 0;
    const bNext = i + 1 < end ? batch[i + 1]!.b - b : 0;
    let count = 1;
    while (i + count < end && batch[i + count]!.out === out + count * outNext &&
      batch[i + count]!.a === a + count * aNext && batch[i + count]!.b === b + count * bNext) {
      count++;
    }
    calls.push(callOf({ ...base, count, out, a, b, outNext, aNext, bNext }));
    i += count;
  }
  return { kernel: kernelOf(product, way), calls };
}

function kernelOf(product: Product, way: Route) {
  return productKernel(hasRelaxedMultiplyAdd(), way.isDirect, product.shared);
}

/** Panels of b, packed in one step, and blocks of out in the next, for a part of the batch. */
function rounds(product: Oriented, way: Route): Step[] {
  const { n, k, batch, workspace } = product;
  const perRound = slots(n, k, batch.length);
  const base = settings(product, way);
  const blocks = division(product.m, n, k, way.isDirect);
  const steps: Step[] = [];
  for (let first = 0; first < batch.length; first += perRound) {
    const panels = new Map<number, number>();
    const calls: Call[] = [];
    for (const { out, a, b } of batch.slice(first, first + perRound)) {
      if (!panels.has(b)) panels.set(b, workspace + panels.size * packedBytes(n, k));
      for (const { row, column, m, n } of blocks) {
        calls.push(callOf({ ...base, m, n,
          out: out + row * base.outRow! + column * base.outColumn!, a: a + row * base.aRow!,
          b: panels.get(b)! + 4 * column * k,
          bias: base.bias === 0 ? 0
            : base.bias! + row * base.biasRow! + column * base.biasColumn! }));
      }
    }
    steps.push({ kernel: packingKernel(product.shared), calls: [...panels].flatMap(([b, to]) =>
      packingCalls(product, b, to)) }, { kernel: kernelOf(product, way), calls });
  }
  return steps;
}

/** The panels of one b, several per call. */
function packingCalls({ n, k, b: [row, column] }: Product, b: number, to: number): Call[] {
  const columns = WIDE * Math.max(1, Math.ceil(PACKED_PER_CALL / (WIDE * Math.max(1, k))));
  return Array.from({ length: Math.ceil(n / columns) }, (_, i) => {
    const first = i * columns;
    return [b + first * column, column, row, Math.min(columns, n - first), k, to + 4 * first * k];
  });
}

interface Block {
  readonly row: number;
  readonly column: number;
  readonly m: number;
  readonly n: number;
}

/** Blocks of out: at least four where that leaves enough rows, of nearly equal size. */
function division(m: number, n: number, k: number, isDirect: boolean): Block[] {
  const parts = Math.max(1, Math.min(8, Math.round(m * n * k / SMALLEST_DIVIDED)));
  const columnParts = Math.ceil(n / BLOCK_N);
  const rowParts = Math.max(isDirect ? 1 : Math.ceil(m / BLOCK_M), Math.ceil(parts / columnParts));
  const tile = rowsOfTile(hasRelaxedMultiplyAdd());
  const rows = tile * Math.ceil(m / (tile * rowParts));
  const columns = WIDE * Math.ceil(n / (WIDE * columnParts));
  const blocks: Block[] = [];
  for (let row = 0; row < m; row += rows) {
    for (let column = 0; column < n; column += columns) {
      blocks.push({ row, column, m: Math.min(rows, m - row), n: Math.min(columns, n - column) });
    }
  }
  return blocks;
}
