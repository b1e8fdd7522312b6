// Pointwise kernels: expressions evaluated at every element, any strides, several outputs.
import type { Expression } from "../expression/expression.ts";
import { compile, emit, stored } from "../expression/javascript.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { collapse, signature, type Operand } from "./operand.ts";

type Kernel = (
  shape: Shape, data: readonly unknown[], offsets: readonly number[],
  strides: readonly (readonly number[])[], scalars: readonly number[],
) => void;

/** Expressions to store, and the names of the variables that are read: tensors and numbers. */
export interface PointwiseProgram {
  readonly outputs: readonly Expression[];
  readonly tensors: readonly string[];
  readonly scalars: readonly string[];
  /** Compiled kernels by the classes of the arrays. */
  readonly kernels: Map<string, Kernel>;
}

/** A program that stores `outputs` at every element. */
export function pointwiseProgram(
  outputs: readonly Expression[], tensors: readonly string[], scalars: readonly string[],
): PointwiseProgram {
  return { outputs, tensors, scalars, kernels: new Map() };
}

/**
 * Runs a program over `shape`. All strides refer to that shape; an output may be an input, element
 * by element, but must not overlap one otherwise.
 */
export function runPointwise(
  program: PointwiseProgram, shape: Shape,
  outputs: readonly Operand[], inputs: readonly Operand[], scalars: readonly number[],
): void {
  if (numel(shape) === 0) return;
  const operands = [...outputs, ...inputs];
  const key = signature(operands);
  let kernel = program.kernels.get(key);
  if (kernel === undefined) {
    kernel = build(program, key);
    program.kernels.set(key, kernel);
  }
  const loops = collapse(shape, operands);
  kernel(loops.shape, operands.map((operand) => operand.data),
    operands.map((operand) => operand.offset), loops.strides, scalars);
}

/**
 * Source of a kernel. Method: an innermost loop over the last dimension with one running position
 * per operand, inside an odometer over the other dimensions.
 */
function build(program: PointwiseProgram, key: string): Kernel {
  const outputs = program.outputs.length;
  const inputs = program.tensors.map((_, k) => outputs + k);
  const each = (write: (k: number) => string) => Array.from(key, (_, k) => write(k)).join(" ");
  const names = new Map<string, string>();
  program.tensors.forEach((name, k) => names.set(name, `x${outputs + k}`));
  program.scalars.forEach((name, k) => names.set(name, `s${k}`));
  const integer = !/[fd]/.test(key) && key.startsWith("i");
  const body = emit(program.outputs, names, integer);
  return compile<Kernel>(`function kernel_${key}(shape, data, offsets, strides, scalars) {
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
