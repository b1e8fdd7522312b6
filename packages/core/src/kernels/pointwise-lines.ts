// Pointwise kernels for operands that are walked as one matrix, rows or columns of it repeated:
// most calls, and small tensors need nothing else. Generated code only.
import { compile, emit, stored } from "../expression/javascript.ts";
import type { Shape } from "../shape/dims.ts";
import { classes, classOf, computesIntegers, type Operand } from "./operand.ts";
import type { PointwiseProgram } from "./pointwise.ts";

/** A kernel for `rows` lines of `columns` elements, with the walks it was compiled for. */
export type LineKernel = (
  rows: number, columns: number, outputs: readonly Operand[], inputs: readonly Operand[],
  scalars: readonly number[],
) => void;

/** How an operand is walked: bit 0 is set if it moves along a line, bit 1 if from line to line. */
const STILL = 0;
const ROW = 1;
const COLUMN = 2;
const DENSE = 3;
const OTHER = -1;

/** More operands than this do not fit into the 53 bits of a code. */
const MOST_OPERANDS = 13;

/** Length of a line: set by the first operand that is repeated, then the same for all. */
let columns = 0;

/**
 * What a kernel is compiled for, four bits for each operand: the class of its array and how it is
 * walked; -1 where the operands can't be walked as one matrix. `lineLength` has its columns.
 */
export function lineCode(
  shape: Shape, outputs: readonly Operand[], inputs: readonly Operand[],
): number {
  if (outputs.length + inputs.length > MOST_OPERANDS) return -1;
  columns = 0;
  let code = 0;
  for (let k = 0; k < outputs.length; k++) {
    const { data, strides } = outputs[k];
    if (walkOf(shape, strides) !== DENSE) return -1;
    code = code * 16 + classOf(data) * 4 + DENSE;
  }
  for (let k = 0; k < inputs.length; k++) {
    const { data, strides } = inputs[k];
    const walk = walkOf(shape, strides);
    if (walk === OTHER) return -1;
    code = code * 16 + classOf(data) * 4 + walk;
  }
  return code;
}

/** Columns of the matrix that the last `lineCode` was for, which has so many elements. */
export function lineLength(elements: number): number {
  return columns === 0 ? elements : columns;
}

function walkOf(shape: Shape, strides: readonly number[]): number {
  let step = 1;
  let dim = shape.length - 1;
  for (; dim >= 0 && (shape[dim] === 1 || strides[dim] === step); dim--) step *= shape[dim];
  if (dim < 0) return DENSE;
  if (step > 1) return isStill(shape, strides, dim) && fixes(step) ? ROW : OTHER;
  for (; dim >= 0 && (shape[dim] === 1 || strides[dim] === 0); dim--) step *= shape[dim];
  if (dim < 0) return STILL;
  let rows = 1;
  for (; dim >= 0 && (shape[dim] === 1 || strides[dim] === rows); dim--) rows *= shape[dim];
  return dim < 0 && fixes(step) ? COLUMN : OTHER;
}

/** Whether the dimensions up to `last` all repeat what the others show. */
function isStill(shape: Shape, strides: readonly number[], last: number): boolean {
  for (let dim = last; dim >= 0; dim--) if (shape[dim] !== 1 && strides[dim] !== 0) return false;
  return true;
}

function fixes(length: number): boolean {
  if (columns === 0) columns = length;
  return columns === length;
}

/** The kernel for a `lineCode`: what does not move in a loop is read before it. */
export function buildLine(program: PointwiseProgram, code: number): LineKernel {
  const outputs = program.outputs.length;
  const operands = outputs + program.tensors.length;
  const bits = Array.from({ length: operands }, (_, k) =>
    Math.floor(code / 16 ** (operands - 1 - k)) % 16);
  const key = bits.map((each) => classes[each >> 2]).join("");
  const names = new Map<string, string>();
  program.tensors.forEach((name, k) => names.set(name, `x${outputs + k}`));
  program.scalars.forEach((name, k) => names.set(name, `s${k}`));
  const body = emit(program.outputs, names, computesIntegers(key));
  const all = bits.map((_, k) => k);
  const each = (write: (k: number) => string, ...walks: readonly number[]) =>
    all.filter((k) => walks.includes(bits[k] & 3)).map(write).join(" ");
  const read = (k: number) => k < outputs ? "" : `const x${k} = d${k}[q${k}];`;
  return compile<LineKernel>(`function lines_${key}(rows, columns, outputs, inputs, scalars) {
    ${all.map((k) => `const o${k} = ${k < outputs ? `outputs[${k}]` : `inputs[${k - outputs}]`},
      d${k} = o${k}.data; let q${k} = o${k}.offset;`).join(" ")}
    ${program.scalars.map((_, k) => `const s${k} = scalars[${k}];`).join(" ")}
    ${each(read, STILL)}
    for (let j = 0; j < rows; j++) {
      ${each(read, COLUMN)}
      for (let i = 0; i < columns; i++) {
        ${each(read, ROW, DENSE)}
        ${body.statements}
        ${body.results.map((source, k) =>
          `d${k}[q${k}] = ${stored(source, program.outputs[k], key[k] === "b")};`).join(" ")}
        ${each((k) => `q${k}++;`, ROW, DENSE)}
      }
      ${each((k) => `q${k}++;`, COLUMN)} ${each((k) => `q${k} -= columns;`, ROW)}
    }
  }`);
}
