// The interpreter against generated code: every program of the op table gives the same bits.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { Expression, variable } from "../../src/expression/expression.ts";
import { canGenerateCode, withGeneratedCode } from "../../src/expression/javascript.ts";
import { primitives, type Primitive } from "../../src/expression/primitives.ts";
import { grad, ones, tensor } from "../../src/index.ts";
import { table, withSimd } from "../../src/internal.ts";
import type { Operand } from "../../src/kernels/operand.ts";
import { pointwiseProgram, runPointwise, type PointwiseProgram }
  from "../../src/kernels/pointwise.ts";
import { accumulator, count, passes, position, reduction, runReduction, type Reduction }
  from "../../src/kernels/reduce.ts";
import { apply, build, differentiable, vjp, type AnyOp } from "../laws/call.ts";
import { calls } from "../laws/draw.ts";

type Program = PointwiseProgram | Reduction;

const recorder = vi.hoisted(() => ({ programs: null as null | Set<unknown> }));

vi.mock(import("../../src/kernels/pointwise.ts"), async (original) => {
  const module = await original();
  return {
    ...module,
    runPointwise: (program, ...rest) => {
      recorder.programs?.add(program);
      module.runPointwise(program, ...rest);
    },
  };
});

vi.mock(import("../../src/kernels/reduce.ts"), async (original) => {
  const module = await original();
  return {
    ...module,
    runReduction: (program, ...rest) => {
      recorder.programs?.add(program);
      module.runReduction(program, ...rest);
    },
  };
});

/** Every program that an op runs: forward, backward, second order. */
function programsOf(op: AnyOp): Program[] {
  const found = recorder.programs = new Set();
  for (const sample of op.definition.samples) {
    const [call] = fc.sample(calls(sample, op.definition.kinks), { numRuns: 1, seed: 7 });
    const { args, leaves } = build(call);
    const outputs = differentiable(apply(op, args));
    if (outputs.length === 0) continue;
    const gradients = vjp(outputs, leaves, call.seed, { createGraph: true })
      .filter(({ requiresGrad }) => requiresGrad);
    if (gradients.length > 0) {
      grad(gradients, leaves, { gradOutputs: gradients, allowUnused: true });
    }
  }
  recorder.programs = null;
  return [...found] as Program[];
}

const arrays = { f: Float32Array, d: Float64Array, i: Int32Array, b: Uint8Array };

const special = [0, -0, 1, -1, 0.5, -2.5, 3, NaN, Infinity, -Infinity, 1e-40, -1e-45, 5e-324, 1e300,
  -1e300, 88.8, -104, 123456789, 2147483647, -2147483648];

const value = fc.oneof(fc.constantFrom(...special), fc.double({ min: -4, max: 4 }));

/** Sizes, a reduced part of them, and for each operand its class and how it lies in memory. */
const arrangement = (operands: number, scalars: number) => fc.record({
  shape: fc.oneof<fc.Arbitrary<number[]>[]>(
    fc.array(fc.constantFrom(1, 2, 3, 17), { maxLength: 3 }),
    fc.tuple(fc.constantFrom(300, 257, 600), fc.constantFrom(1, 2)),
    fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom(256, 300)),
    fc.constant([3, 0, 2])),
  reduced: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  values: fc.array(value, { minLength: 40, maxLength: 40 }),
  scalars: fc.array(value, { minLength: scalars, maxLength: scalars }),
  classes: fc.oneof(fc.constantFrom("f", "d", "i", "b").map((one) => one.repeat(operands)),
    fc.stringMatching(new RegExp(`^[fdib]{${operands}}$`))),
  seed: fc.integer({ min: 0, max: 1e9 }),
});

type Arranged = ReturnType<typeof arrangement> extends fc.Arbitrary<infer T> ? T : never;

/** An operand with gaps around its elements. `flat` dimensions have stride 0. */
function place(
  kind: string, shape: readonly number[], flat: readonly boolean[], seed: number,
): Operand {
  const strides = shape.map(() => 0);
  let [step, offset] = [1 + seed % 2, 1];
  const order = shape.map((_, dim) => dim);
  if (seed % 3 === 0) order.reverse();
  for (const dim of order) {
    if (flat[dim]) continue;
    const isReversed = (seed >> dim) % 5 === 0;
    strides[dim] = isReversed ? -step : step;
    if (isReversed) offset += Math.max(shape[dim] - 1, 0) * step;
    step *= Math.max(shape[dim], 1);
  }
  const data = new arrays[kind as keyof typeof arrays](step + 4).fill(77);
  return { data, offset, strides };
}

const isReduction = (program: Program): program is Reduction => "passes" in program;

const resultsOf = (program: Program) => (isReduction(program) ? program.results : program.outputs);

const storesOf = (program: Program) =>
  (isReduction(program) ? program.passes.flatMap(({ stores }) => stores) : []);

const inputsOf = (program: Program) => (isReduction(program) ? program.inputs : program.tensors);

/** What a run leaves in the arrays of the outputs. */
function outcome(program: Program, arranged: Arranged, allowed: boolean) {
  const { shape, reduced, values, scalars, classes, seed } = arranged;
  const results = resultsOf(program).length;
  const outputs = results + storesOf(program).length;
  const dims = shape.map((_, dim) => dim).filter((dim) => isReduction(program) && reduced[dim]);
  const operands = Array.from(classes, (kind, k) => {
    const flat = shape.map((_, dim) =>
      (k < results ? dims.includes(dim) : k >= outputs && ((seed >> k) + dim) % 4 === 0));
    return place(kind, shape, flat, seed + k);
  });
  operands.slice(outputs).forEach(({ data }, k) =>
    data.forEach((_, i) => { data[i] = values[(i * 7 + k * 11 + (i >> 4)) % values.length]; }));
  const [written, read] = [operands.slice(0, outputs), operands.slice(outputs)];
  withGeneratedCode(allowed, () => isReduction(program)
    ? runReduction(program, shape, dims, written, read, scalars)
    : runPointwise(program, shape, written, read, scalars));
  return written.map(({ data }) => data);
}

/** The interpreter gives the bits of generated code, whatever the operands. */
function demandSameBits(program: Program, numRuns: number): void {
  const operands = resultsOf(program).length + storesOf(program).length + inputsOf(program).length;
  fc.assert(fc.property(arrangement(operands, program.scalars.length), (arranged) => {
    const generated = outcome(program, arranged, true);
    outcome(program, arranged, false).forEach((data, k) => {
      const wrong = data.findIndex((one, i) => !Object.is(one, generated[k][i]));
      expect(data[wrong], `element ${wrong} of output ${k}`).toBe(generated[k][wrong]);
    });
  }), { numRuns });
}

const everyOp = [...table].map(([name, op]) =>
  [name, op.definition.kind, withSimd(false, () => programsOf(op))] as const);

it.each(everyOp.filter(([, , programs]) => programs.length > 0))(
  "%s gives the same bits", (_, _kind, programs) => {
    for (const program of programs) demandSameBits(program, 10);
  });

it("covers every pointwise op, and reductions with results and with stores", () => {
  for (const [name, kind, programs] of everyOp) {
    if (kind === "pointwise") expect(programs.length, name).toBeGreaterThan(0);
  }
  const reductions = new Set(everyOp.flatMap(([, , programs]) => programs.filter(isReduction)));
  expect([...reductions].filter(({ results }) => results.length > 0).length).toBeGreaterThan(15);
  expect([...reductions].filter((one) => storesOf(one).length > 0).length).toBeGreaterThan(10);
});

const arities: { readonly [name in Primitive]?: number } = { max: 2, min: 2, hypot: 2 };
const [a, b, c] = ["a", "b", "c"].map(variable);
const argumentsOf = (name: Primitive) =>
  [a, b, c].slice(0, arities[name] ?? primitives[name].evaluate.length);

describe.each(Object.keys(primitives) as Primitive[])("the primitive %s", (name) => {
  const args = argumentsOf(name);

  it("gives the same bits", () => {
    const names = args.map((arg) => arg.name);
    demandSameBits(pointwiseProgram([Expression.of(name, args)], names, []), 30);
    demandSameBits(pointwiseProgram([Expression.of(name, args)], [], names), 15);
  });
});

it("every primitive has the value that its rule evaluates to, at every edge", () => {
  for (const name of Object.keys(primitives) as Primitive[]) {
    const args = argumentsOf(name);
    const rows = args.reduce<number[][]>((found) =>
      found.flatMap((row) => special.map((one) => [...row, one])), [[]]);
    const data = new Float64Array(rows.length);
    const operand = (data: Float64Array): Operand => ({ data, offset: 0, strides: [1] });
    withGeneratedCode(false, () => runPointwise(
      pointwiseProgram([Expression.of(name, args)], args.map((arg) => arg.name), []),
      [rows.length], [operand(data)],
      args.map((_, k) => operand(Float64Array.from(rows, (row) => row[k]))), []));
    rows.forEach((row, i) => expect(data[i], `${name}(${row.join(", ")})`)
      .toBe(Number(primitives[name].evaluate(...row))));
  }
});

const [last, other] = [accumulator(0), accumulator(1)];

describe.each<[string, Program]>([
  ["a program of several outputs, truth values as numbers", pointwiseProgram(
    [a.lt(b).add(1), a.and(b.not()), a.select(b, a.lt(0)).mul(c), a], ["a", "b"], ["c"])],
  ["accumulators that swap, with a constant one", passes({
    inputs: ["a"], results: [last, other, accumulator(2)],
    passes: [{ initial: [0, 1, 5], steps: [other, last.add(other).add(a), accumulator(2)],
      stores: [last, other.mul(accumulator(2)), position] }],
  })],
  ["passes over accumulators of earlier ones", passes({
    inputs: ["a", "b"], scalars: ["c"], results: [last.add(other), accumulator(2), count],
    passes: [
      { initial: [0], steps: [last.add(a.mul(b))] },
      { initial: [last.div(count), -Infinity],
        steps: [other.add(a.sub(last).abs()), accumulator(2).max(a.mul(c))] },
      { initial: [], steps: [], stores: [a.sub(other).mul(accumulator(2)).lt(position)] },
    ],
  })],
  ["a step that ignores what came before", reduction({
    inputs: ["a"], initial: [0], steps: [a], results: [last] })],
])("%s", (_, program) => {
  it("gives the same bits", () => demandSameBits(program, 100));
});

it("adds in order where an output shows an element several times", () => {
  const program = pointwiseProgram([a.add(b)], ["a", "b"], []);
  for (const allowed of [true, false]) {
    const [sum, terms] = [new Float32Array([1, 2]), Float32Array.from({ length: 600 }, (_, i) => i)];
    const target: Operand = { data: sum, offset: 0, strides: [0, 1] };
    withGeneratedCode(allowed, () => runPointwise(program, [300, 2], [target],
      [target, { data: terms, offset: 0, strides: [2, 1] }], []));
    expect([...sum]).toEqual([1 + 299 * 300, 2 + 299 * 300 + 300]);
  }
});

it("may overwrite its inputs", () => {
  const program = pointwiseProgram([b, a.add(b)], ["a", "b"], []);
  const data = [1, 2].map((start) => Float64Array.from({ length: 700 }, (_, i) => start * i));
  const operands = data.map((one): Operand => ({ data: one, offset: 0, strides: [1] }));
  withGeneratedCode(false, () => runPointwise(program, [700], operands, operands, []));
  expect(data[0]).toEqual(Float64Array.from({ length: 700 }, (_, i) => 2 * i));
  expect(data[1]).toEqual(Float64Array.from({ length: 700 }, (_, i) => 3 * i));
});

it("is what runs where code may not be generated, until code is allowed again", () => {
  const program = pointwiseProgram([a.add(1)], ["a"], []);
  const operand = (): Operand => ({ data: new Float32Array(3), offset: 0, strides: [1] });
  withGeneratedCode(false, () => {
    expect(canGenerateCode()).toBe(false);
    runPointwise(program, [3], [operand()], [operand()], []);
  });
  expect(program.kernels.size + program.lineKernels.size).toBe(0);
  expect(canGenerateCode()).toBe(true);
  expect(() => withGeneratedCode(false, () => { throw new Error("inside"); })).toThrow("inside");
  expect(canGenerateCode()).toBe(true);
});

it("trains through backward", () => {
  const gradientsOf = (allowed: boolean) => withGeneratedCode(allowed, () => withSimd(false, () => {
    const x = tensor([[0.1, -0.2, 0.3], [1, 2, -3]], { requiresGrad: true });
    x.matmul(ones([3, 4])).tanh().softmax(1).log().var().backward();
    return x.grad!.tolist();
  }));
  expect(gradientsOf(false)).toEqual(gradientsOf(true));
});
