// Running one case of kind "program": steps in order, gradients, Hessian products and Hessians.
import { grad, type DType, type Tensor } from "../../src/index.ts";
import { outputsOf } from "../laws/call.ts";
import { Decoder, type Encoded, type TensorArgument, type TensorData } from "./decode.ts";
import { resolve, type Named, type Namespaces } from "./resolve.ts";
import { boundsOf, demandExpected } from "./tolerances.ts";

/** One call of a program. */
export interface Step extends Named {
  readonly out: string | readonly string[];
  readonly args: readonly Encoded[];
  readonly kwargs?: Readonly<Record<string, Encoded>>;
}

/** A case of kind "program". */
export interface ProgramCase {
  readonly id: string;
  readonly inputs: Readonly<Record<string, TensorArgument>>;
  readonly steps: readonly Step[];
  readonly values: Readonly<Record<string, TensorData>>;
  readonly backwardFrom: string;
  readonly grads: Readonly<Record<string, TensorData | null>>;
  readonly hvp?: {
    readonly vectors: Readonly<Record<string, TensorData>>;
    readonly grads: Readonly<Record<string, TensorData | null>>;
  };
  readonly hessian?: TensorData;
}

/** @throws unless values, gradients, Hessian product and Hessian are PyTorch's */
export function checkProgram(c: ProgramCase, namespaces: Namespaces, dtype: DType): void {
  const { inputs, results } = execute(c, namespaces, dtype);
  const precision = { ns: c.steps.some(({ ns }) => ns === "linalg") ? "linalg" : "torch" };
  for (const [name, expected] of Object.entries(c.values)) {
    demandExpected(name, results[name], expected, boundsOf("output", dtype, precision, expected));
  }
  const names = Object.keys(c.grads);
  const variables = names.map((name) => inputs[name]);
  const createGraph = c.hvp !== undefined || c.hessian !== undefined;
  const gradients = grad(results[c.backwardFrom], variables, { createGraph, allowUnused: true });
  names.forEach((name, i) => demandExpected(`gradient of ${name}`, gradients[i], c.grads[name],
    boundsOf("gradient", dtype, precision, c.grads[name])));
  if (c.hvp !== undefined) {
    const { vectors, grads } = c.hvp;
    const product = along(gradients, variables, names.map((name) => vectors[name]), dtype);
    names.forEach((name, i) =>
      demandExpected(`Hessian product of ${name}`, product[i], grads[name],
        boundsOf("second order", dtype, precision, grads[name])));
  }
  if (c.hessian !== undefined) checkHessian(c.hessian, gradients, variables, dtype, precision);
}

function execute(
  c: ProgramCase, namespaces: Namespaces, dtype: DType,
): { inputs: Record<string, Tensor>; results: Record<string, Tensor> } {
  const inputs = new Decoder(dtype).values(c.inputs) as Record<string, Tensor>;
  const results = { ...inputs };
  for (const step of c.steps) {
    const decoder = new Decoder(dtype, results);
    const call = resolve(step, namespaces)!;
    const [first, ...others] = step.args;
    const indexed = step.op === "index" || step.op === "setitem";
    const items = step.op === "setitem" ? others.slice(1) : others;
    const rest = indexed ? decoder.index(items) : decoder.value(others) as unknown[];
    const target = decoder.value(first);
    const args = step.op === "setitem" ? [target, rest, decoder.value(others[0])]
      : [target, ...rest];
    const kwargs = decoder.values(step.kwargs);
    const outputs = outputsOf(() => call(args, kwargs), []);
    if (typeof step.out === "string") results[step.out] = outputs[0] ?? target;
    else step.out.forEach((name, i) => { results[name] = outputs[i]; });
  }
  return { inputs, results };
}

/** Gradients of `Σ ⟨gradient, vector⟩`. */
function along(
  gradients: readonly (Tensor | null)[], variables: readonly Tensor[],
  vectors: readonly (TensorData | null)[], dtype: DType,
): (Tensor | null)[] {
  const decoder = new Decoder(dtype);
  const flowing = gradients.flatMap((gradient, i) => {
    const vector = vectors[i] ?? null;
    return gradient?.requiresGrad && vector !== null
      ? [{ gradient, vector: decoder.tensor(vector) }] : [];
  });
  if (flowing.length === 0) return variables.map(() => null);
  return grad(flowing.map(({ gradient }) => gradient), variables, {
    gradOutputs: flowing.map(({ vector }) => vector), allowUnused: true, retainGraph: true,
  });
}

/** Checks the Hessian row by row, the inputs flattened one after the other. */
function checkHessian(
  expected: TensorData, gradients: readonly (Tensor | null)[], variables: readonly Tensor[],
  dtype: DType, precision: { ns: string },
): void {
  const sizes = variables.map((variable) => variable.numel());
  const rows: number[][] = [];
  variables.forEach((variable, k) => {
    for (let i = 0; i < sizes[k]; i++) {
      const unit = Array.from({ length: sizes[k] }, (_, j) => j === i ? 1 : 0);
      const vectors = variables.map((_, other) => other === k
        ? { shape: variable.shape, data: unit, dtype: "float64" as const } : null);
      rows.push(along(gradients, variables, vectors, dtype).flatMap((part, other) =>
        part === null ? Array<number>(sizes[other]).fill(0) : [...part.toTypedArray()]));
    }
  });
  const decoder = new Decoder(dtype);
  const hessian = decoder.tensor({ ...expected, data: rows.flat() });
  demandExpected("Hessian", hessian, expected,
    boundsOf("second order", dtype, precision, expected));
}
