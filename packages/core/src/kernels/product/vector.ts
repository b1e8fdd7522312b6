// The product of a matrix and a vector in WebAssembly: the matrix is read once, where it lies.
import { FunctionBuilder } from "../../wasm/assembler.ts";
import type { Code } from "../../wasm/encoding.ts";
import { hasRelaxedMultiplyAdd } from "../../wasm/features.ts";
import { get, i32, laneMemoryAt, loopWhile, memory, op, set, shuffle, when, zeros }
  from "../../wasm/instructions.ts";
import { SCRATCH_BYTES, type Call, type HeapKernel, type Step } from "../heap-kernel.ts";
import { clamped } from "./panels.ts";
import type { Product } from "./plan.ts";

/** Parameters behind the scratch address; a line is what makes one element of out. */
const parameters = ["matrix", "lineStride", "stepStride", "lines", "k", "vector", "vectorStride",
  "out", "outStride", "bias", "biasStride", "relu"] as const;

type Parameter = typeof parameters[number];
type Locals = Record<Parameter | "scratch", number>;

/** Elements of the matrix that one call reads; lines per call are a multiple of 32. */
const ELEMENTS_PER_CALL = 2 ** 18;

/** Elements of each matrix of a batch below which the product kernel does several per call. */
const SMALL = 2 ** 13;

const increase = (local: number, by: Code): Code => set(local, op("i32.add", get(local), by));
const decrease = (local: number, by: number): Code =>
  set(local, op("i32.sub", get(local), i32(by)));
const atLeast = (local: number, count: number): Code => op("i32.gt_u", get(local), i32(count - 1));
/** Runs the body while at least `count` are left, and takes them away. */
const each = (left: number, count: number, ...body: Code[]): Code =>
  when(atLeast(left, count), loopWhile(atLeast(left, count), body, decrease(left, count)));

/** `sum + x y`. */
function multiplyAdd(isFused: boolean, x: Code, y: Code, sum: Code): Code {
  return isFused ? op("f32x4.relaxed_madd", x, y, sum)
    : op("f32x4.add", sum, op("f32x4.mul", x, y));
}

/** By number, as those of products. */
const kernels: HeapKernel[] = [];

/**
 * `out = bias + matrix · vector`, then relu if asked for.
 *
 * Method: `dots`, for lines of neighbours: eight partial sums per line, four lines at a time.
 * Otherwise steps are of neighbours and each element is one chain over k. Error ≤ γ_k Σ|a||b|.
 */
export function vectorKernel(isFused: boolean, dots: boolean, shared: boolean): HeapKernel {
  const index = (isFused ? 1 : 0) + (dots ? 2 : 0) + (shared ? 4 : 0);
  return kernels[index] ??= build(isFused, dots, shared);
}

function build(isFused: boolean, dots: boolean, shared: boolean): HeapKernel {
  const f = new FunctionBuilder(
    Array.from({ length: parameters.length + 1 }, () => "i32" as const));
  const p = Object.fromEntries(["scratch", ...parameters].map((name, i) => [name, i])) as Locals;
  const body = dots ? dotProducts(f, p, isFused) : combinations(f, p, isFused);
  return { bytes: f.module(body, shared), needsScalars: false, usesScratch: true };
}

/** Four dot products at a time; lines that do not exist coincide with the last one. */
function dotProducts(f: FunctionBuilder, p: Locals, isFused: boolean): Code {
  const sums = f.many(8, "v128");
  const x = f.local("v128");
  const pointers = f.many(4, "i32");
  const [left, y, at] = f.many(3, "i32") as [number, number, number];
  /** One vector of each line, added to the even or odd sums. */
  const step = (load: "v128.load" | "v128.load32_zero", part: number): Code => [
    set(x, memory(load, 16 * part, get(y))),
    pointers.map((pointer, i) => set(sums[2 * i + part]!, multiplyAdd(isFused,
      memory(load, 16 * part, get(pointer)), get(x), get(sums[2 * i + part]!)))),
  ];
  const advance = (by: number) => [...pointers, y].map((pointer) => increase(pointer, i32(by)));
  return [
    when(op("i32.ne", get(p.vectorStride), i32(4)), [
      gather(f, p), set(p.vector, get(p.scratch)),
    ]),
    loopWhile(get(p.lines),
      pointers.map((pointer, i) => set(pointer, i === 0 ? get(p.matrix)
        : op("i32.add", get(pointers[i - 1]!), clamped(p.lineStride, p.lines, i)))),
      sums.map((sum) => set(sum, zeros)),
      set(y, get(p.vector)), set(left, get(p.k)),
      each(left, 8, step("v128.load", 0), step("v128.load", 1), advance(32)),
      each(left, 4, step("v128.load", 0), advance(16)),
      each(left, 1, step("v128.load32_zero", 0), advance(4)),
      total(sums, x),
      finish(p, x, sums[0]!, at),
      increase(p.matrix, op("i32.mul", get(p.lineStride), i32(4))),
      increase(p.out, op("i32.mul", get(p.outStride), i32(4))),
      increase(p.bias, op("i32.mul", get(p.biasStride), i32(4))),
      when(atLeast(p.lines, 5), decrease(p.lines, 4), set(p.lines, i32(0)))),
  ];
}

/** Copies the vector to the scratch memory as neighbours. */
function gather(f: FunctionBuilder, p: Locals): Code {
  const value = f.local("v128");
  const [from, to, left] = f.many(3, "i32") as [number, number, number];
  return [
    set(from, get(p.vector)), set(to, get(p.scratch)), set(left, get(p.k)),
    each(left, 1,
      set(value, memory("v128.load32_zero", 0, get(from))),
      laneMemoryAt("v128.store32_lane", 0, get(to), get(value)),
      increase(from, get(p.vectorStride)), increase(to, i32(4))),
  ];
}

/** The total of each pair of sums into one lane of `result`, by a transposition. */
function total(sums: readonly number[], result: number): Code {
  const [a, b, c, d, e, g] = sums as [number, number, number, number, number, number];
  const plus = (x: Code, y: Code) => op("f32x4.add", x, y);
  const interleaved = (x: number, y: number) => plus(
    shuffle([0, 4, 1, 5], get(x), get(y)), shuffle([2, 6, 3, 7], get(x), get(y)));
  return [
    [0, 2, 4, 6].map((i) => set(sums[i]!, plus(get(sums[i]!), get(sums[i + 1]!)))),
    set(b, interleaved(a, c)),
    set(d, interleaved(e, sums[6]!)),
    set(g, shuffle([0, 1, 4, 5], get(b), get(d))),
    set(result, plus(get(g), shuffle([2, 3, 6, 7], get(b), get(d)))),
  ];
}

/** Adds the bias, applies relu and stores four lanes, or as many as there are lines. */
function finish(p: Locals, sum: number, bias: number, at: number): Code {
  const lanes = (address: number, stride: number, body: (lane: number) => Code) => [
    set(at, get(address)),
    [0, 1, 2, 3].map((lane) => [
      lane === 0 ? [] : increase(at, clamped(stride, p.lines, lane)), body(lane)]),
  ];
  return [
    when(get(p.bias), [
      lanes(p.bias, p.biasStride, (lane) =>
        set(bias, laneMemoryAt("v128.load32_lane", lane, get(at), get(bias)))),
      set(sum, op("f32x4.add", get(sum), get(bias))),
    ]),
    when(get(p.relu), set(sum, op("f32x4.pmax", get(sum), zeros))), // NaN stays
    lanes(p.out, p.outStride, (lane) =>
      laneMemoryAt("v128.store32_lane", lane, get(at), get(sum))),
  ];
}

/** Steps times an element of the vector each, for 32 lines at a time, then 4, then 1. */
function combinations(f: FunctionBuilder, p: Locals, isFused: boolean): Code {
  const sums = f.many(8, "v128");
  const x = f.local("v128");
  const [pointer, y, left] = f.many(3, "i32") as [number, number, number];
  const strip = (count: number): Code => {
    const load = count === 1 ? "v128.load32_zero" : "v128.load";
    const used = sums.slice(0, Math.ceil(count / 4));
    return each(p.lines, count,
      when(get(p.bias), when(get(p.biasStride),
        used.map((sum, i) => set(sum, memory(load, 16 * i, get(p.bias)))),
        used.map((sum) => set(sum, memory("v128.load32_splat", 0, get(p.bias))))),
      used.map((sum) => set(sum, zeros))),
      set(pointer, get(p.matrix)), set(y, get(p.vector)), set(left, get(p.k)),
      each(left, 1,
        set(x, memory("v128.load32_splat", 0, get(y))),
        used.map((sum, i) => set(sum,
          multiplyAdd(isFused, memory(load, 16 * i, get(pointer)), get(x), get(sum)))),
        increase(pointer, get(p.stepStride)), increase(y, get(p.vectorStride))),
      when(get(p.relu), used.map((sum) => set(sum, op("f32x4.pmax", get(sum), zeros)))),
      used.map((sum, i) => count === 1 ? laneMemoryAt("v128.store32_lane", 0, get(p.out), get(sum))
        : memory("v128.store", 16 * i, get(p.out), get(sum))),
      increase(p.matrix, i32(4 * count)), increase(p.out, i32(4 * count)),
      increase(p.bias, op("i32.mul", get(p.biasStride), i32(count))));
  };
  return [strip(32), strip(4), strip(1)];
}

/** Rows or columns up to which the matrix is read again for each: up to 2.5 times as fast. */
const FEW = 3;

/** The step of a product with up to three rows or columns; `null` where no fast kernel fits. */
export function planVector(product: Product): Step | null {
  const { m, n, k, batch, out, a, b, bias = 0, relu = false } = product;
  const isRow = m <= n;
  const [lines, vectors] = isRow ? [n, m] : [m, n];
  if (vectors > FEW || batch.length * vectors > 1 && lines * k < SMALL) return null;
  const [lineStride, stepStride] = isRow ? [b[1], b[0]] : [a[0], a[1]];
  const [vectorNext, vectorStride] = isRow ? [a[0], a[1]] : [b[1], b[0]];
  const [outNext, outStride] = isRow ? [out[0], out[1]] : [out[1], out[0]];
  const dots = stepStride === 4 && 4 * k <= SCRATCH_BYTES;
  if (!dots && !(lineStride === 4 && outStride === 4)) return null;
  const [biasNext, biasStride] = bias === 0 ? [0, 0] : isRow ? [0, 4] : [4, 0];
  const parts = Math.max(1, Math.round(lines * k / ELEMENTS_PER_CALL));
  const perCall = 32 * Math.ceil(lines / (32 * parts));
  const calls: Call[] = [];
  for (const addresses of batch) {
    const [matrix, vector] = isRow ? [addresses.b, addresses.a] : [addresses.a, addresses.b];
    for (let i = 0; i < vectors; i++) {
      for (let first = 0; first < lines; first += perCall) {
        calls.push([ // in the order of `parameters`
          matrix + first * lineStride, lineStride, stepStride, Math.min(perCall, lines - first), k,
          vector + i * vectorNext, vectorStride,
          addresses.out + i * outNext + first * outStride, outStride,
          bias + i * biasNext + first * biasStride, biasStride, relu ? 1 : 0,
        ]);
      }
    }
  }
  return { kernel: vectorKernel(hasRelaxedMultiplyAdd(), dots, product.shared), calls };
}
