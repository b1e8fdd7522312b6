// Vector kernels of reductions against the reference: programs of the op table, any layout, length.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import * as chainrule from "../../src/index.ts";
import { variable } from "../../src/expression/expression.ts";
import type { Step } from "../../src/kernels/heap-kernel.ts";
import { collapse, signature, type Operand } from "../../src/kernels/operand.ts";
import { simdImports } from "../../src/kernels/pointwise-simd.ts";
import {
  accumulator, passes, reduction, runReduction, type Reduction,
} from "../../src/kernels/reduce.ts";
import { crossEntropyPrograms } from "../../src/kernels/reduce-simd/cross-entropy.ts";
import { prepareReduction } from "../../src/kernels/reduce-simd/plan.ts";

const recorder = vi.hoisted(() => ({ record: null as null | ((...args: unknown[]) => void) }));

vi.mock(import("../../src/kernels/reduce.ts"), async (original) => {
  const module = await original();
  return {
    ...module,
    runReduction: (...args) => {
      recorder.record?.(...args);
      module.runReduction(...args);
    },
  };
});

/** A program with the classes of its operands, outputs first. */
interface Recorded {
  readonly program: Reduction;
  readonly classes: string;
  readonly scalars: readonly number[];
}

const outputsOf = ({ results, passes }: Reduction) =>
  passes.reduce((n, { stores }) => n + stores.length, results.length);

/** The programs that a computation runs. */
function recorded(compute: () => void): Recorded[] {
  const found = new Map<Reduction, Recorded>();
  recorder.record = (program, _shape, _dims, outputs, inputs, scalars) => {
    found.set(program as Reduction, {
      program: program as Reduction, scalars: scalars as number[] ?? [],
      classes: signature([...outputs as Operand[], ...inputs as Operand[]]),
    });
  };
  compute();
  recorder.record = null;
  return [...found.values()];
}

const x = () => chainrule.tensor([[0.5, -1, 2], [1, 3, -2]], { requiresGrad: true });
type T = chainrule.Tensor;
const ofOps: { readonly [name: string]: (input: T) => T } = {
  sum: (t) => t.sum(1), mean: (t) => t.mean(1), nansum: (t) => t.nansum(1),
  nanmean: (t) => t.nanmean(1), logsumexp: (t) => t.logsumexp(1),
  countNonzero: (t) => t.countNonzero(1), any: (t) => t.any(1), all: (t) => t.all(1),
  countOfTruths: (t) => t.gt(0).sum(1), amax: (t) => t.amax(1), amin: (t) => t.amin(1),
  argmax: (t) => t.argmax(1), argmin: (t) => t.argmin(1), var: (t) => t.var(1),
  std: (t) => t.std(1), softmax: (t) => t.softmax(1), logSoftmax: (t) => t.logSoftmax(1),
  norm0: (t) => t.norm(0, 1), norm1: (t) => t.norm(1, 1), norm2: (t) => t.norm(2, 1),
  norm3: (t) => t.norm(3, 1), normMax: (t) => t.norm(Infinity, 1),
  normMin: (t) => t.norm(-Infinity, 1),
};

const programs = new Map<string, Recorded>();
for (const [name, compute] of Object.entries(ofOps)) {
  recorded(() => {
    const input = x();
    const result = compute(input);
    if (result.requiresGrad) result.sum().backward();
  }).forEach((one, i) => programs.set(i === 0 ? name : `${name} ${i}`, one));
}
recorded(() => chainrule.tensor([[0.5, -1, 2]]).prod(1))
  .forEach((one) => programs.set("prod", one));
for (const isWeighted of [false, true]) {
  for (const isSmoothed of [false, true]) {
    const { loss, gradient } = crossEntropyPrograms({ isWeighted, isSmoothed });
    const scalars = isSmoothed ? [1, 0.1] : [1];
    const inputs = isWeighted ? "fif" : "fi";
    const name = `cross entropy${isWeighted ? ", weighted" : ""}${isSmoothed ? ", smoothed" : ""}`;
    programs.set(name, { program: loss, classes: `f${inputs}`, scalars });
    programs.set(`${name}, backward`, { program: gradient, classes: `f${inputs}f`, scalars });
  }
}

const memory = new WebAssembly.Memory({ initial: 1024 });
const runs = new Map<object, (...args: number[]) => void>();
let used = 1024;

function clear(): void {
  used = 1024;
}

const arrays = { f: Float32Array, b: Uint8Array, i: Int32Array };
const CANARY = 77;

/** New memory for an array, at an address that need not be divisible by 16. */
function place(kind: "f" | "b" | "i", length: number): Float32Array | Uint8Array | Int32Array {
  const data = new arrays[kind](memory.buffer, used, length).fill(CANARY);
  used += Math.ceil(data.byteLength / 4) * 4 + 20;
  return data;
}

/** Numbers from a fixed rule, below `limit`. */
function drawer(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 * limit;
  };
}

/** How operands lie in memory. */
type Layout = "contiguous" | "transposed" | "stepped" | "broadcast" | "drawn";

const sizeOf = (shape: readonly number[]) => shape.reduce((n, size) => n * size, 1);

/** Strides over the dimensions of `shape` that `moves` names, 0 over the others. */
function stridesOf(
  shape: readonly number[], moves: (dim: number) => boolean, layout: Layout,
  draw: (limit: number) => number,
): number[] {
  const order = shape.map((_, dim) => dim);
  if (layout === "transposed" || (layout === "drawn" && draw(2) < 1)) order.reverse();
  const strides = new Array<number>(shape.length).fill(0);
  let step = layout === "stepped" ? 2 : layout === "drawn" ? 1 + Math.floor(draw(3)) : 1;
  for (const dim of order.reverse()) {
    if (!moves(dim)) continue;
    strides[dim] = step;
    step *= Math.max(1, shape[dim]);
    if (layout === "drawn") step += Math.floor(draw(2));
  }
  return strides;
}

interface Case { shape: readonly number[]; dims: readonly number[]; layout: Layout; seed: number }

/** The operands of a case in new memory, inputs filled. */
function operandsOf({ program, classes }: Recorded, { shape, dims, layout, seed }: Case) {
  const draw = drawer(seed);
  const outputs = outputsOf(program);
  return Array.from(classes, (kind, k): Operand => {
    const isResult = k < program.results.length;
    const name = program.inputs[k - outputs];
    const isSame = layout === "broadcast" && k > outputs;
    const strides = stridesOf(shape, (dim) => {
      if (name === "weight") return dims.includes(dim);
      const isPerLine = isResult || isSame || name === "target" || name === "cotangent";
      return !(isPerLine && dims.includes(dim));
    }, layout, draw);
    const length = shape.reduce((n, size, dim) => n + Math.max(0, size - 1) * strides[dim], 1);
    const data = place(kind as "f", sizeOf(shape) === 0 ? length + 1 : length);
    const total = dims.reduce((n, dim) => n * shape[dim], 1);
    if (k >= outputs) data.forEach((_, i) => {
      data[i] = kind === "i" ? Math.floor(draw(total)) : kind === "b" ? Math.floor(draw(2))
        : Math.floor(draw(9)) === 0 ? 0 : draw(4) - 2;
    });
    return { data, offset: 0, strides };
  });
}

function planOf({ program, scalars, classes }: Recorded, one: Case, operands: readonly Operand[]) {
  const { shape, dims } = one;
  const kept = shape.map((_, dim) => dim).filter((dim) => !dims.includes(dim));
  const work = {
    outer: collapse(shape, operands, kept), inner: collapse(shape, operands, dims), classes,
    total: dims.reduce((n, dim) => n * shape[dim], 1), shared: false,
  };
  if (shape.some((size, dim) => size === 0 && !dims.includes(dim))) return [];
  const prepared = prepareReduction(program, work);
  const workspace = Math.ceil(used / 16) * 16;
  used = workspace + (prepared?.workspaceBytes ?? 0) + 16;
  const addresses = operands.map(({ data, offset }) =>
    data.byteOffset + offset * data.BYTES_PER_ELEMENT);
  return prepared?.steps({ scalars, workspace, addresses }) ?? null;
}

/** Runs steps, the calls of each in order, or backwards and twice. */
function runSteps(steps: readonly Step[], isReversed: boolean): void {
  for (const { kernel, calls } of steps) {
    let run = runs.get(kernel);
    if (run === undefined) {
      const module = new WebAssembly.Module(kernel.bytes);
      run = new WebAssembly.Instance(module, simdImports(memory)).exports.run as typeof run & {};
      runs.set(kernel, run);
    }
    const list = isReversed ? [...calls].reverse().flatMap((call) => [call, call]) : calls;
    for (const call of list) run(...call);
  }
}

/**
 * Sums are float64; functions, and what passes store, are float32. With elements of at most 2 no
 * intermediate value is beyond 2⁶, of which few steps of 2 ulp at most remain.
 */
const BOUND = 2 ** -19;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

function demand(one: Recorded, where: Case): void {
  const { program, scalars } = one;
  clear();
  const operands = operandsOf(one, where);
  const steps = planOf(one, where, operands)!;
  expect(steps).not.toBeNull();
  const outputs = operands.slice(0, outputsOf(program));
  const before = new Uint8Array(memory.buffer).slice(0, used);
  runSteps(steps, false);
  const first = outputs.map(({ data }) => data.slice());
  outputs.forEach(({ data }) => data.fill(CANARY));
  runSteps(steps, true);
  outputs.forEach(({ data }, k) =>
    expect(Buffer.compare(bytesOf(data), bytesOf(first[k])), "calls backwards").toBe(0));
  const exact = outputs.map(({ data, ...rest }) =>
    ({ ...rest, data: new Float64Array(data.length).fill(CANARY) }));
  runReduction(program, where.shape, where.dims, exact, operands.slice(outputs.length), scalars);
  exact.forEach(({ data: wanted }, k) => {
    const wrong = wanted.findIndex((value, i) => {
      const got = first[k][i];
      const stored = one.classes[k] === "f" ? value : Number(value);
      return !(Object.is(Math.fround(stored), got) || Math.abs(got - stored) <=
        BOUND * Math.max(1, Math.abs(stored)) && one.classes[k] === "f");
    });
    expect(wrong < 0 ? [] : [wrong, first[k][wrong], wanted[wrong]],
      `[position, got, wanted] of output ${k}`).toEqual([]);
  });
  outputs.forEach(({ data }) => data.fill(CANARY));
  const after = new Uint8Array(memory.buffer).slice(0, used);
  const end = Math.max(...operands.map(({ data }) => data.byteOffset + data.byteLength));
  expect(Buffer.compare(before.subarray(0, end), after.subarray(0, end)), "neighbours").toBe(0);
  expect(after.subarray(used - 16)).toEqual(before.subarray(used - 16));
}

const layouts: readonly Layout[] = ["contiguous", "transposed", "stepped", "broadcast", "drawn"];

/** Shapes and reduced dimensions: whole lines, lines in parts, rows in parts, both loops. */
const long = [
  [[1000, 7], [0]], [[270_001], [0]], [[30_001, 9], [0]], [[3, 1000], [1]], [[100_003], [0]],
  [[3, 90_001], [1]], [[300, 1001], [1]], [[300, 1001], [0]], [[20, 3, 5000], [0, 2]],
];

describe.each([...programs])("%s", (name, one) => {
  it.each(layouts)("of small lines, %s, is within its bound", (layout) => {
    let seed = 1;
    for (const length of [0, 1, 3, 4, 5, 16, 17, 40]) {
      for (const [shape, dims] of [
        [[length], [0]], [[5, length], [1]], [[length, 6], [0]], [[3, length, 2], [1]],
        [[2, 3, length], [0, 2]], [[2, 7, length, 3], [1, 3]],
      ]) {
        if (sizeOf(shape) === 0 && /arg|Min/.test(name)) continue;
        demand(one, { shape, dims, layout, seed: seed++ });
      }
    }
  });

  it("of long lines, cut into parts or not, is within its bound", () => {
    const all = /^(sum|argmax|var|logsumexp|softmax|softmax 1|cross entropy, backward)$/.test(name);
    for (const [shape, dims] of all ? long : long.slice(0, 3)) {
      demand(one, { shape, dims, layout: "contiguous", seed: 9 });
    }
  });
});

const special = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 2];

describe.each(["amax", "amin", "argmax", "argmin", "normMax", "any", "all", "countNonzero",
  "sum", "nansum", "logsumexp", "softmax", "logSoftmax", "var"])("%s of special values", (name) => {
  it.each([["lines", 1], ["rows", 0]])("is that of the reference, in %s", (_, dim) => {
    const one = programs.get(name)!;
    fc.assert(fc.property(fc.integer({ min: 1, max: 37 }).chain((n) => fc.tuple(
      fc.uniqueArray(fc.constantFrom(...special), { minLength: 1, maxLength: 3,
        comparator: "SameValue" }),
      fc.array(fc.nat(2), { minLength: 5 * n, maxLength: 5 * n }))), ([kinds, picks]) => {
      clear();
      const n = picks.length / 5;
      const shape = dim === 1 ? [5, n] : [n, 5];
      const where: Case = { shape, dims: [dim], layout: "contiguous", seed: 1 };
      const operands = operandsOf(one, where);
      const [output, input] = operands;
      input.data.set(picks.map((pick) => kinds[pick % kinds.length]));
      runSteps(planOf(one, where, operands)!, false);
      const exact = { ...output, data: one.classes.startsWith("f")
        ? new Float32Array(output.data.length) : output.data.slice() };
      runReduction(one.program, shape, [dim], [exact], [input], one.scalars);
      output.data.forEach((value, i) => {
        const wanted = exact.data[i];
        if (Math.abs(value - wanted) <= BOUND && value !== 0) return;
        expect(value, `result ${i} of ${[...input.data]}`).toBe(wanted);
      });
    }));
  });
});

it("a variance is exact where the spread is far smaller than the mean", () => {
  const one = programs.get("var")!;
  for (const shape of [[1, 1000], [1000, 8]]) {
    clear();
    const where: Case = { shape, dims: [shape[0] === 1 ? 1 : 0], layout: "contiguous", seed: 1 };
    const operands = operandsOf(one, where);
    const width = shape[0] === 1 ? 1 : 8;
    const { data } = operands[1];
    data.forEach((_, i) => { data[i] = 1e6 + (Math.floor(i / width) % 2) / 4; });
    runSteps(planOf(one, where, operands)!, false);
    expect(operands[0].data[0] / (1000 / 999 / 64)).toBeCloseTo(1, 6);
  }
});

it("a logarithm of a sum near 1 keeps what float32 would round away", () => {
  const one = programs.get("logsumexp")!;
  clear();
  const where: Case = { shape: [1, 20], dims: [1], layout: "contiguous", seed: 1 };
  const operands = operandsOf(one, where);
  operands[1].data.fill(-20).fill(0, 0, 1);
  runSteps(planOf(one, where, operands)!, false);
  expect(operands[0].data[0] / (19 * Math.exp(-20))).toBeCloseTo(1, 6);
});

const a = accumulator(0);
const input = variable("input");

it.each([
  ["a running sum", passes({ inputs: ["input"],
    passes: [{ initial: [0], steps: [a.add(input)], stores: [a] }] })],
  ["a recurrence", reduction({ inputs: ["input"], initial: [0], steps: [a.mul(0.5).add(input)],
    results: [a] })],
])("%s stays in JavaScript", (_, program) => {
  const loops = { shape: [4], strides: [[1], [1]] };
  const none = { shape: [], strides: [[], []] };
  expect(prepareReduction(program, { outer: none, inner: loops, classes: "ff", total: 4,
    shared: false })).toBeNull();
});

it.each(["dd", "fi", "fd"])("operands of classes %s stay in JavaScript", (classes) => {
  const { program } = programs.get("sum")!;
  expect(prepareReduction(program, { outer: { shape: [], strides: [[], []] },
    inner: { shape: [4], strides: [[0], [1]] }, classes, total: 4, shared: false })).toBeNull();
});

it("runs over a shared memory as well", () => {
  const shared = new WebAssembly.Memory({ initial: 2, maximum: 4, shared: true });
  const { program } = programs.get("sum")!;
  const [{ kernel, calls }] = prepareReduction(program, {
    outer: { shape: [], strides: [[], []] }, inner: { shape: [5], strides: [[0], [1]] },
    classes: "ff", total: 5, shared: true,
  })!.steps({ addresses: [1024, 1028], scalars: [], workspace: 0 });
  const floats = new Float32Array(shared.buffer, 1024, 6);
  floats.set([9, 1, 2, 3, 4, 5]);
  const module = new WebAssembly.Module(kernel.bytes);
  const { exports } = new WebAssembly.Instance(module, { env: { memory: shared } });
  (exports.run as (...args: number[]) => void)(...calls[0]);
  expect([...floats]).toEqual([15, 1, 2, 3, 4, 5]);
});
