// Pointwise kernels: expressions evaluated at every element, any strides, several outputs.
import type { TypedArray } from "../dtype.ts";
import type { Expression } from "../expression/expression.ts";
import { canGenerateCode, compile, emit, stored } from "../expression/javascript.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { collapse, computesIntegers, signature, type Operand } from "./operand.ts";
import { buildBlocks } from "./pointwise-blocks.ts";
import { buildLine, lineCode, lineLength, type LineKernel } from "./pointwise-lines.ts";

/** A compiled program, for arrays of certain classes. */
export type PointwiseKernel = (
  shape: Shape, data: readonly TypedArray[], offsets: readonly number[],
  strides: readonly (readonly number[])[], scalars: readonly number[],
) => void;

/** Expressions to store, and the names of the variables that are read: tensors and numbers. */
export interface PointwiseProgram {
  readonly outputs: readonly Expression[];
  readonly tensors: readonly string[];
  readonly scalars: readonly string[];
  /** Kernels by the classes of the arrays: those of generated code, and those of blocks. */
  readonly kernels: Map<string, PointwiseKernel>;
  readonly blockKernels: Map<string, PointwiseKernel>;
  /** Generated kernels for operands that are one matrix, by `lineCode`. */
  readonly lineKernels: Map<number, LineKernel>;
}

/** A program that stores `outputs` at every element. */
export function pointwiseProgram(
  outputs: readonly Expression[], tensors: readonly string[], scalars: readonly string[],
): PointwiseProgram {
  return {
    outputs, tensors, scalars,
    kernels: new Map(), blockKernels: new Map(), lineKernels: new Map(),
  };
}

/**
 * Runs a program over `shape`. All strides refer to that shape; an output may be an input, element
 * by element, but must not overlap one otherwise.
 */
export function runPointwise(
  program: PointwiseProgram, shape: Shape,
  outputs: readonly Operand[], inputs: readonly Operand[], scalars: readonly number[],
): void {
  const elements = numel(shape);
  if (elements === 0) return;
  const generates = canGenerateCode();
  const code = generates ? lineCode(shape, outputs, inputs) : -1;
  if (code >= 0) {
    let line = program.lineKernels.get(code);
    if (line === undefined) program.lineKernels.set(code, line = buildLine(program, code));
    const columns = lineLength(elements);
    line(elements / columns, columns, outputs, inputs, scalars);
    return;
  }
  const operands = [...outputs, ...inputs];
  const key = signature(operands);
  const kernels = generates ? program.kernels : program.blockKernels;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = (generates ? build : buildBlocks)(program, key);
    kernels.set(key, kernel);
  }
  const loops = collapse(shape, operands);
  kernel(loops.shape, operands.map((operand) => operand.data),
    operands.map((operand) => operand.offset), loops.strides, scalars);
}

/**
 * Source of a kernel. Method: an innermost loop over the last dimension with one running position
 * per operand, inside an odometer over the other dimensions.
 */
function build(program: PointwiseProgram, key: string): PointwiseKernel {
  const outputs = program.outputs.length;
  const inputs = program.tensors.map((_, k) => outputs + k);
  const each = (write: (k: number) => string) => Array.from(key, (_, k) => write(k)).join(" ");
  const names = new Map<string, string>();
  program.tensors.forEach((name, k) => names.set(name, `x${outputs + k}`));
  program.scalars.forEach((name, k) => names.set(name, `s${k}`));
  const body = emit(program.outputs, names, computesIntegers(key));
  return compile<PointwiseKernel>(`function kernel_${key}(shape, data, offsets, strides, scalars) {
    const rank = shape.length, inner = rank - 1, n = rank === 0 ? 1 : shape[inner];
    ${each((k) => `const d${k} = data[${k}], i${k} = rank === 0 ? 0 : strides[${k}][inner];`)}
    ${each((k) => `let p${k} = offsets[${k}];`)}
    ${program.scalars.map((_, k) => `const s${k} = scalars[${k}];`).join(" ")}
    const index = new Array(rank).fill(0);
    for (;;) {
      ${each((k) => `let q${k} = p${k};`)}
      for (let i = 0; i < n; i++) {
        ${inputs.map((k) => `const x${k} = d${k}[q${k}];`).join(" ")}
        ${body.statements}
        ${body.results.map((source, k) =>
          `d${k}[q${k}] = ${stored(source, program.outputs[k], key[k] === "b")};`).join(" ")}
        ${each((k) => `q${k} += i${k};`)}
      }
      let dim = inner - 1;
      for (; dim >= 0; dim--) {
        const steps = ++index[dim] < shape[dim] ? 1 : 1 - shape[dim];
        ${each((k) => `p${k} += strides[${k}][dim] * steps;`)}
        if (steps === 1) break;
        index[dim] = 0;
      }
      if (dim < 0) return;
    }
  }`);
}
