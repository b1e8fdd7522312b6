// Vector kernels against the reference: every program of the op table, any layout and length.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { derivative } from "../../src/expression/derivative.ts";
import { constant, variable, variablesOf, type Expression }
  from "../../src/expression/expression.ts";
import { grad } from "../../src/index.ts";
import { table } from "../../src/internal.ts";
import { signature, type Operand } from "../../src/kernels/operand.ts";
import { pointwiseProgram, type PointwiseProgram } from "../../src/kernels/pointwise.ts";
import { simdKernel, simdPattern } from "../../src/kernels/pointwise-simd.ts";
import { apply, build, differentiable, vjp, type AnyOp } from "../laws/call.ts";
import { calls } from "../laws/draw.ts";
import { bounded } from "./rounding-bound.ts";
import { applyVectors, clear, place, runVectors, ulp } from "./simd-memory.ts";

/** A program with what it was run on: one row of numbers per element. */
interface Recorded {
  readonly program: PointwiseProgram;
  /** Classes of outputs and inputs, `f` or `b`. */
  readonly classes: string;
  readonly rows: number[][];
  readonly scalars: readonly number[];
}

const recorder = vi.hoisted(() => ({ record: null as null | ((...args: unknown[]) => void) }));

vi.mock(import("../../src/kernels/pointwise.ts"), async (original) => {
  const module = await original();
  return {
    ...module,
    runPointwise: (...args) => {
      recorder.record?.(...args);
      module.runPointwise(...args);
    },
  };
});

/** Numbers of an operand, at most 16, in row-major order. */
function numbersOf(shape: readonly number[], { data, offset, strides }: Operand): number[] {
  const positions = shape.reduce<number[]>((starts, size, dim) => starts.flatMap((start) =>
    Array.from({ length: size }, (_, i) => start + i * strides[dim])), [offset]);
  return positions.slice(0, 16).map((at) => Math.fround(data[at]));
}

/** Everything that an op runs in float32: forward, backward, second order. */
function programsOf(op: AnyOp): Recorded[] {
  const found = new Map<PointwiseProgram, Recorded>();
  recorder.record = (program, shape, outputs, inputs, scalars) => {
    const operands = [...outputs as Operand[], ...inputs as Operand[]];
    const classes = signature(operands);
    if (!/^[fb]+$/.test(classes)) return;
    const columns = (inputs as Operand[]).map((one) => numbersOf(shape as number[], one));
    const rows = (columns[0] ?? []).map((_, i) => columns.map((column) => column[i]));
    const known = found.get(program as PointwiseProgram);
    if (known !== undefined && known.classes === classes) known.rows.push(...rows);
    else found.set(program as PointwiseProgram, {
      program: program as PointwiseProgram, classes, rows, scalars: scalars as number[] });
  };
  for (const sample of op.definition.samples) {
    const [call] = fc.sample(calls(sample, op.definition.kinks), { numRuns: 1, seed: 7 });
    const { args, leaves } = build(call, { dtype: "float32" });
    const outputs = differentiable(apply(op, args));
    if (outputs.length === 0) continue;
    const gradients = vjp(outputs, leaves, call.seed, { createGraph: true })
      .filter(({ requiresGrad }) => requiresGrad);
    if (gradients.length > 0) {
      grad(gradients, leaves, { gradOutputs: gradients, allowUnused: true });
    }
  }
  recorder.record = null;
  return [...found.values()].filter(({ rows }) => rows.length > 0);
}

const columnsOf = ({ rows, program }: Recorded): number[][] =>
  program.tensors.map((_, k) => rows.map((row) => row[k]));

/** The vector kernel stays within the running bound of the float64 value. */
function demandBounded(recorded: Recorded): void {
  const { program, rows, scalars, classes } = recorded;
  clear();
  const outputs = program.outputs.map((_, k): Operand =>
    ({ data: place(classes[k] as "f" | "b", rows.length), offset: 0, strides: [1] }));
  const inputs = columnsOf(recorded).map((column, k): Operand => {
    const data = place(classes[outputs.length + k] as "f" | "b", rows.length);
    data.set(column);
    return { data, offset: 0, strides: [1] };
  });
  runVectors(program, [rows.length], outputs, inputs, scalars);
  rows.forEach((row, i) => {
    const values = Object.fromEntries([
      ...program.tensors.map((name, k) => [name, row[k]]),
      ...program.scalars.map((name, k) => [name, scalars[k]])]) as { [name: string]: number };
    bounded(program.outputs, values).forEach(({ value, error }, k) => {
      const what = () => `output ${k} of ${JSON.stringify(values)}, bound ${error}`;
      const result = outputs[k].data[i];
      const exact = classes[k] === "b" ? Number(value !== 0) : value;
      if (error === Infinity) return;
      if (error <= 0.5 * ulp(value)) expect(result, what()).toBe(Math.fround(exact));
      else if (!Number.isFinite(exact)) expect(result, what()).toBe(exact);
      else expect(Math.abs(result - exact), what()).toBeLessThanOrEqual(error);
    });
  });
}

/** A fixed rule for drawing small numbers. */
function drawer(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * limit);
  };
}

/** An operand over `shape` in new memory; outputs have every element at a place of its own. */
function laidOut(
  kind: "f" | "b", shape: readonly number[], isOutput: boolean, draw: (limit: number) => number,
): Operand {
  let step = isOutput ? 1 + draw(2) : draw(4);
  const strides = new Array<number>(shape.length);
  let below = 0;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    strides[dim] = !isOutput && draw(4) === 0 ? 0 : step;
    if (dim === shape.length - 1 && !isOutput && draw(5) === 0) strides[dim] = -step;
    if (strides[dim] < 0) below -= (shape[dim] - 1) * strides[dim];
    step = Math.max(1, step * shape[dim]) + draw(2);
  }
  const guard = 3;
  return { data: place(kind, step + 2 * guard + 1, 77), offset: below + guard, strides };
}

/** Every layout gives bit by bit what contiguous vectors of the same numbers give. */
function demandLayoutFree(
  recorded: Recorded, shape: readonly number[], seed: number,
): void {
  const { program, classes, scalars, rows } = recorded;
  const draw = drawer(seed);
  const count = program.outputs.length;
  clear();
  const operands = Array.from(classes, (kind, k) =>
    laidOut(kind as "f" | "b", shape, k < count, draw));
  const inputs = operands.slice(count);
  inputs.forEach(({ data }, k) => data.forEach((_, i) => { data[i] = rows[i % rows.length][k]; }));
  const at = shape.reduce<number[][]>((indices, size) => indices.flatMap((index) =>
    Array.from({ length: size }, (_, i) => [...index, i])), [[]]);
  const position = ({ offset, strides }: Operand, index: readonly number[]) =>
    index.reduce((sum, i, dim) => sum + i * strides[dim], offset);
  const plain = (operand: Operand, kind: string): Operand => {
    const data = place(kind as "f" | "b", at.length);
    at.forEach((index, i) => { data[i] = operand.data[position(operand, index)]; });
    return { data, offset: 0, strides: [1] };
  };
  const copies = operands.map((operand, k) => plain(operand, classes[k]));
  runVectors(program, [at.length], copies.slice(0, count), copies.slice(count), scalars);
  const wanted = operands.slice(0, count).map((output, k) => {
    const data = output.data.slice();
    at.forEach((index, i) => { data[position(output, index)] = copies[k].data[i]; });
    return data;
  });
  runVectors(program, shape, operands.slice(0, count), inputs, scalars);
  operands.slice(0, count).forEach((output, k) => {
    const wrong = output.data.findIndex((value, i) => !Object.is(value, wanted[k][i]));
    expect(output.data[wrong], `output ${k} at ${wrong}, seed ${seed}`).toBe(wanted[k][wrong]);
  });
}

const pointwiseOps = [...table].filter(([, op]) => op.definition.kind === "pointwise");

describe.each(pointwiseOps)("%s", (_, op) => {
  const programs = programsOf(op);

  it("runs as vectors", () => expect(programs.length).toBeGreaterThan(0));

  it("and its derivatives are within the rounding bound of the reference", () => {
    programs.forEach(demandBounded);
  });

  it("gives the same bits for every layout and length", () => {
    let seed = 1;
    for (const recorded of programs) {
      for (const n of [0, 1, 3, 4, 5, 16, 17]) {
        for (const shape of [[n], [2, n], [3, 2, n]]) demandLayoutFree(recorded, shape, seed++);
      }
    }
  });
});

const [x, y, g, m, v] = ["x", "y", "g", "m", "v"].map(variable);

/** Adam as one kernel: three tensors rewritten from four, with scalars that combine. */
const adam: Recorded = {
  program: (() => {
    const [beta1, beta2, rate] = ["beta1", "beta2", "rate"].map(variable);
    const mean = beta1.mul(m).add(beta1.neg().add(1).mul(g));
    const square = beta2.mul(v).add(beta2.neg().add(1).mul(g.square()));
    return pointwiseProgram([x.sub(rate.mul(mean).div(square.sqrt().add(1e-8))), mean, square],
      ["x", "m", "v", "g"], ["beta1", "beta2", "rate"]);
  })(),
  classes: "fffffff",
  rows: Array.from({ length: 37 }, (_, i) =>
    [Math.sin(i), Math.sin(2 * i) / 8, (i + 1) / 64, Math.cos(3 * i)].map(Math.fround)),
  scalars: [0.9, 0.999, 1e-3],
};

const named: { readonly [name: string]: Expression } = {
  gelu: x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5),
  silu: x.div(x.neg().exp().add(1)),
  softplus: x.gt(20).select(x, x.exp().log1p()),
  mish: x.mul(x.exp().log1p().tanh()),
  hardtanh: x.max(-1).min(constant(1)),
};

describe.each(Object.entries(named))("%s", (_, expression) => {
  it.each([["forward", expression], ["backward", derivative(expression, "x")!]])(
    "%s is within the rounding bound", (_, root) => {
      const names = [...variablesOf(root)];
      demandBounded({
        program: pointwiseProgram([root], names, []), classes: "f".repeat(1 + names.length),
        rows: Array.from({ length: 801 }, (_, i) =>
          names.map((name) => Math.fround(name === "x" ? (i - 400) / 32 : Math.sin(i)))),
        scalars: [],
      });
    });
});

describe("a program of several outputs", () => {
  it("is within the rounding bound", () => demandBounded(adam));

  it.each([1000, 100_003])("gives the same bits for every layout of %d elements", (n) => {
    demandLayoutFree(adam, [n], n);
    demandLayoutFree(adam, [2, Math.ceil(n / 2)], n + 1);
  });

  it("may overwrite its inputs", () => {
    clear();
    const columns = columnsOf(adam).map((column) => Float32Array.from(column));
    const [plain, inPlace] = [0, 1].map(() => columns.map((column): Operand => {
      const data = place("f", column.length);
      data.set(column);
      return { data, offset: 0, strides: [1] };
    }));
    const fresh = [0, 1, 2].map((): Operand =>
      ({ data: place("f", 37), offset: 0, strides: [1] }));
    runVectors(adam.program, [37], fresh, plain, adam.scalars);
    runVectors(adam.program, [37], inPlace.slice(0, 3), inPlace, adam.scalars);
    fresh.forEach(({ data }, k) => expect(inPlace[k].data).toEqual(data));
  });

  it("computes what is made of scalars in float64, as the reference does", () => {
    const scale = variable("scale");
    const program = pointwiseProgram([x.mul(scale.neg().add(1))], ["x"], ["scale"]);
    expect(applyVectors(program, [[1]], [0.9999])[0]).toBe(Math.fround(1 - 0.9999));
  });
});

it("keeps the denormal results of 1 / (1 + eˣ), where eˣ overflows", () => {
  const program = pointwiseProgram([y.div(x.exp().add(1))], ["x", "y"], []);
  const [result] = applyVectors(program, [[90], [1]]);
  expect(result).toBeCloseTo(Math.exp(-90), 44);
  expect(result).toBeGreaterThan(0);
});

it("kernels are made once per program and pattern", () => {
  const program = pointwiseProgram([x.add(y)], ["x", "y"], []);
  const loops = { shape: [4], strides: [[1], [1], [0]] };
  const pattern = simdPattern("fff", loops)!;
  expect(simdKernel(program, pattern, false)).toBe(simdKernel(program, pattern, false));
  expect(simdKernel(program, "ccc", false)).not.toBe(simdKernel(program, pattern, false));
});

it("takes float32 and bool operands only", () => {
  const loops = { shape: [4], strides: [[1], [1]] };
  expect(simdPattern("fb", loops)).toBe("cC");
  expect(simdPattern("fd", loops)).toBeNull();
  expect(simdPattern("fi", loops)).toBeNull();
});

it("runs over a shared memory as well", () => {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 4, shared: true });
  const program = pointwiseProgram([x.add(1)], ["x"], []);
  const { bytes } = simdKernel(program, "cc", true);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const floats = new Float32Array(memory.buffer, 1024, 16);
  floats.set([1, 2, 3, 4, 5]);
  (exports.run as (...args: number[]) => void)(1, 5, 1056, 0, 4, 1024, 0, 4);
  expect([...floats.subarray(8, 14)]).toEqual([2, 3, 4, 5, 6, 0]);
});
