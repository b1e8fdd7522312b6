// Reductions and scans: an accumulation, written as expressions, over some dimensions.
import type { TypedArray } from "../dtype.ts";
import { variable, type Expression } from "../expression/expression.ts";
import { compile, emit, stored } from "../expression/javascript.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { collapse, signature, type Operand } from "./operand.ts";

/** The running values of an accumulation, as variables of its expressions. */
export const accumulator = (k: number) => variable(`accumulator${k}`);

/** Position of an element within the reduced dimensions, row-major. */
export const position = variable("position");

/** Number of elements that are reduced to one. */
export const count = variable("count");

/** Accumulators (float64) with their first values and steps, and the results made of them. */
export interface Reduction {
  readonly inputs: readonly string[];
  readonly initial: readonly number[];
  readonly steps: readonly Expression[];
  readonly results: readonly Expression[];
  readonly kernels: Map<string, Kernel>;
}

type Kernel = (
  outer: Shape, inner: Shape, data: readonly unknown[], offsets: readonly number[],
  outerStrides: readonly (readonly number[])[], innerStrides: readonly (readonly number[])[],
  total: number,
) => void;

/** A reduction over variables `inputs`; the expressions also see accumulators and position. */
export function reduction(parts: Omit<Reduction, "kernels">): Reduction {
  return { ...parts, kernels: new Map() };
}

/** Runs `program` with one accumulation per element of `outer`, over all elements of `inner`. */
export function runReduction(
  program: Reduction, outer: Shape, inner: Shape, outputs: readonly TypedArray[],
  inputs: readonly { data: TypedArray; offset: number;
    outerStrides: readonly number[]; innerStrides: readonly number[]; }[],
): void {
  const kept = numel(outer);
  const total = numel(inner);
  if (kept === 0) return;
  const contiguous = rowMajor(outer);
  const nothing = inner.map(() => 0);
  const operands = [
    ...outputs.map((data) => ({ data, offset: 0, outer: contiguous, inner: nothing })),
    ...inputs.map(({ data, offset, outerStrides, innerStrides }) =>
      ({ data, offset, outer: outerStrides, inner: innerStrides })),
  ];
  const view = (part: "outer" | "inner"): Operand[] =>
    operands.map((operand) => ({ ...operand, strides: operand[part] }));
  const outerLoops = collapse(outer, view("outer"));
  const innerLoops = collapse(inner, view("inner"));
  const key = signature(view("outer"));
  let kernel = program.kernels.get(key);
  if (kernel === undefined) {
    kernel = build(program, key);
    program.kernels.set(key, kernel);
  }
  kernel(outerLoops.shape, innerLoops.shape, operands.map((operand) => operand.data),
    operands.map((operand) => operand.offset), outerLoops.strides, innerLoops.strides, total);
}

/**
 * Source of a kernel. Method: an odometer over the kept dimensions; for each kept element another
 * one over the reduced dimensions, its innermost loop with one running position per input.
 */
function build(program: Reduction, key: string): Kernel {
  const outputs = program.results.length;
  const inputs = program.inputs.map((_, k) => outputs + k);
  const each = (write: (k: number) => string) => Array.from(key, (_, k) => write(k)).join(" ");
  const eachInput = (write: (k: number) => string) => inputs.map(write).join(" ");
  const names = new Map([["position", "position"], ["count", "total"]]);
  program.inputs.forEach((name, k) => names.set(name, `x${outputs + k}`));
  program.initial.forEach((_, k) => names.set(`accumulator${k}`, `a${k}`));
  const step = emit(program.steps, names);
  const update = step.results.map((source, k) =>
    `a${k} = ${stored(source, program.steps[k], false)};`);
  const result = emit(program.results, names);
  return compile<Kernel>(`function reduce_${key}(
      outer, inner, data, offsets, outerStrides, innerStrides, total) {
    const outerRank = outer.length, innerRank = inner.length, last = innerRank - 1;
    const n = total === 0 ? 0 : innerRank === 0 ? 1 : inner[last];
    ${each((k) => `const d${k} = data[${k}]; let p${k} = offsets[${k}];`)}
    ${eachInput((k) => `const i${k} = innerRank === 0 ? 0 : innerStrides[${k}][last];`)}
    const outerIndex = new Array(outerRank).fill(0), innerIndex = new Array(innerRank).fill(0);
    for (;;) {
      ${program.initial.map((value, k) => `let a${k} = ${value};`).join(" ")}
      let position = 0;
      ${eachInput((k) => `let r${k} = p${k};`)}
      for (;;) {
        ${eachInput((k) => `let q${k} = r${k};`)}
        for (let i = 0; i < n; i++, position++) {
          ${eachInput((k) => `const x${k} = d${k}[q${k}]; q${k} += i${k};`)}
          ${step.statements}
          ${update.join(" ")}
        }
        let dim = last - 1;
        for (; dim >= 0 && n > 0; dim--) {
          const steps = ++innerIndex[dim] < inner[dim] ? 1 : 1 - inner[dim];
          ${eachInput((k) => `r${k} += innerStrides[${k}][dim] * steps;`)}
          if (steps === 1) break;
          innerIndex[dim] = 0;
        }
        if (dim < 0 || n === 0) break;
      }
      ${result.statements}
      ${result.results.map((source, k) =>
        `d${k}[p${k}] = ${stored(source, program.results[k], key[k] === "b")};`).join(" ")}
      let dim = outerRank - 1;
      for (; dim >= 0; dim--) {
        const steps = ++outerIndex[dim] < outer[dim] ? 1 : 1 - outer[dim];
        ${each((k) => `p${k} += outerStrides[${k}][dim] * steps;`)}
        if (steps === 1) break;
        outerIndex[dim] = 0;
      }
      if (dim < 0) return;
    }
  }`);
}

function rowMajor(shape: Shape): readonly number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}
