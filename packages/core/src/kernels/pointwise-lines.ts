// Pointwise kernels for operands that are walked in one line: most calls, and those on small
// tensors need nothing else. Generated code only.
import { compile, emit, stored } from "../expression/javascript.ts";
import type { Shape } from "../shape/dims.ts";
import { classes, classOf, computesIntegers, stepOf, type Operand } from "./operand.ts";
import type { PointwiseProgram } from "./pointwise.ts";

/** A kernel for `count` elements, with the steps it was compiled for. */
export type LineKernel = (
  count: number, outputs: readonly Operand[], inputs: readonly Operand[],
  scalars: readonly number[],
) => void;

/** More operands than this do not fit into a `lineCode`. */
const MOST_OPERANDS = 10;

/**
 * What a line kernel is compiled for, three bits for each operand: the class of its array and the
 * step, 0 or 1, between neighbours; -1 where an operand is not walked in one line.
 */
export function lineCode(
  shape: Shape, outputs: readonly Operand[], inputs: readonly Operand[],
): number {
  if (outputs.length + inputs.length > MOST_OPERANDS) return -1;
  let code = 0;
  for (let k = 0; k < outputs.length; k++) {
    if (stepOf(shape, outputs[k].strides) !== 1) return -1;
    code = code << 3 | classOf(outputs[k].data) << 1 | 1;
  }
  for (let k = 0; k < inputs.length; k++) {
    const step = stepOf(shape, inputs[k].strides);
    if (step < 0) return -1;
    code = code << 3 | classOf(inputs[k].data) << 1 | step;
  }
  return code;
}

/** The kernel for a `lineCode`: one loop; what does not move is read before it. */
export function buildLine(program: PointwiseProgram, code: number): LineKernel {
  const outputs = program.outputs.length;
  const operands = outputs + program.tensors.length;
  const bits = Array.from({ length: operands }, (_, k) => code >> 3 * (operands - 1 - k) & 7);
  const key = bits.map((each) => classes[each >> 1]).join("");
  const moves = (k: number) => (bits[k] & 1) === 1;
  const inputs = program.tensors.map((_, k) => outputs + k);
  const names = new Map<string, string>();
  program.tensors.forEach((name, k) => names.set(name, `x${outputs + k}`));
  program.scalars.forEach((name, k) => names.set(name, `s${k}`));
  const body = emit(program.outputs, names, computesIntegers(key));
  const each = (write: (k: number) => string) => bits.map((_, k) => write(k)).join(" ");
  const read = (k: number) => `const x${k} = d${k}[q${k}];`;
  return compile<LineKernel>(`function line_${key}(count, outputs, inputs, scalars) {
    ${each((k) => `const o${k} = ${k < outputs ? `outputs[${k}]` : `inputs[${k - outputs}]`};`)}
    ${each((k) => `const d${k} = o${k}.data; let q${k} = o${k}.offset;`)}
    ${program.scalars.map((_, k) => `const s${k} = scalars[${k}];`).join(" ")}
    ${inputs.filter((k) => !moves(k)).map(read).join(" ")}
    for (let i = 0; i < count; i++) {
      ${inputs.filter(moves).map(read).join(" ")}
      ${body.statements}
      ${body.results.map((source, k) =>
        `d${k}[q${k}] = ${stored(source, program.outputs[k], key[k] === "b")};`).join(" ")}
      ${each((k) => moves(k) ? `q${k}++;` : "")}
    }
  }`);
}
