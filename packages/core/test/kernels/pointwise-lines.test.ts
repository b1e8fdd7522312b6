// Generated kernels, for matrices and for any strides, against the interpreter of blocks.
import fc from "fast-check";
import { expect, test } from "vitest";
import { variable } from "../../src/expression/expression.ts";
import { withGeneratedCode } from "../../src/expression/javascript.ts";
import type { Operand } from "../../src/kernels/operand.ts";
import { pointwiseProgram, runPointwise } from "../../src/kernels/pointwise.ts";
import { contiguousStrides } from "../../src/shape/layout.ts";

const [a, b, c, s] = ["a", "b", "c", "s"].map(variable);
const program = pointwiseProgram([a.mul(b).add(c.mul(s)), a.sub(c)], ["a", "b", "c"], ["s"]);

const classes = [Float32Array, Float64Array, Int32Array, Uint8Array] as const;

/** An operand over `shape` that repeats the dimensions where `repeats` says so. */
function operandOver(shape: number[], repeats: boolean[], cls: number, offset: number): Operand {
  const own = contiguousStrides(shape.map((size, dim) => repeats[dim] ? 1 : size));
  const length = shape.reduce((n, size) => n * size, 1) + offset;
  const data = new classes[cls](Array.from({ length }, (_, i) => (i * 37 + cls) % 19));
  return { data, offset, strides: own.map((step, dim) => repeats[dim] ? 0 : step) };
}

const input = fc.record({
  repeats: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  cls: fc.nat(3), offset: fc.nat(3),
});

test("rows, columns and elements may be repeated, in any mix of classes", () => {
  fc.assert(fc.property(
    fc.array(fc.constantFrom(1, 2, 3, 5), { maxLength: 4 }), fc.tuple(input, input, input),
    fc.tuple(fc.nat(3), fc.nat(3)), (shape, inputs, outputClasses) => {
      const operands = inputs.map(({ repeats, cls, offset }) =>
        operandOver(shape, repeats, cls, offset));
      const run = (generated: boolean) => withGeneratedCode(generated, () => {
        const outputs = outputClasses.map((cls) => operandOver(shape, [], cls, 0));
        runPointwise(program, shape, outputs, operands, [3]);
        return outputs.map(({ data }) => Array.from(data));
      });
      expect(run(true)).toEqual(run(false));
    }));
});

test("an output may be an input", () => {
  const shape = [4, 3];
  const none = [false, false];
  const run = (generated: boolean) => withGeneratedCode(generated, () => {
    const target = operandOver(shape, none, 0, 0);
    const bias = operandOver(shape, [true, false], 0, 0);
    const sum = pointwiseProgram([a.add(b)], ["a", "b"], []);
    for (let i = 0; i < 2; i++) runPointwise(sum, shape, [target], [target, bias], []);
    return Array.from(target.data);
  });
  expect(run(true)).toEqual(run(false));
});
