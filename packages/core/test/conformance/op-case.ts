// Running one case of kind "op": outputs, gradients, second order, refusals.
import { grad, type DType, type Tensor } from "../../src/index.ts";
import { outputsOf } from "../laws/call.ts";
import { demand, largest, thrownBy } from "../laws/expect.ts";
import { Decoder, decodeNumber, type Encoded, type TensorData } from "./decode.ts";
import type { Call, Space } from "./resolve.ts";
import { boundsOf, demandExpected, type Precision } from "./tolerances.ts";

/** A case of kind "op". */
export interface OpCase {
  readonly id: string;
  readonly op: string;
  readonly ns: Space;
  readonly torch: string;
  readonly args: readonly Encoded[];
  readonly kwargs?: Readonly<Record<string, Encoded>>;
  /** Where `setitem` writes. */
  readonly index?: readonly Encoded[];
  readonly outputs?: readonly TensorData[];
  readonly cotangents?: readonly (TensorData | null)[];
  readonly grads?: readonly (TensorData | null)[];
  readonly second?: {
    readonly vectors: readonly (TensorData | null)[];
    readonly grads: readonly (TensorData | null)[];
    readonly cotangentGrads: readonly (TensorData | null)[];
  };
  readonly throws?: true;
  readonly rtol?: number;
}

/** How the cases of a file are to be read. */
export interface Reading {
  /** In place of float64; `null` leaves dtypes as they are written, and they are compared. */
  readonly floats: DType | null;
  /** Gradients do not bind where an output is NaN and the input is not: the edge cases. */
  readonly nanIsOutside?: boolean;
}

/** Decodes the arguments of a case and calls the op; gives its outputs. */
function callCase(c: OpCase, call: Call, decoder: Decoder): Tensor[] {
  const args = c.op === "index"
    ? [decoder.value(c.args[0]), ...decoder.index(c.args.slice(1))]
    : c.args.map((arg) => decoder.value(arg));
  const kwargs = decoder.values(c.kwargs);
  if (!c.op.endsWith("_") && c.op !== "setitem") return outputsOf(() => call(args, kwargs), []);
  const target = (args[0] as Tensor).clone();
  if (c.op === "setitem") call([target, decoder.index(c.index!), args[1]], kwargs);
  else return outputsOf(() => call([target, ...args.slice(1)], kwargs), []);
  return [target];
}

/** @throws unless outputs, gradients and second derivatives are PyTorch's */
export function checkOpCase(c: OpCase, call: Call, reading: Reading): void {
  const decoder = new Decoder(reading.floats);
  const outputs = callCase(c, call, decoder);
  const dtype = reading.floats ?? "float32";
  const precision = precisionOf(c);
  demand(outputs.length === c.outputs!.length,
    `${outputs.length} outputs, expected ${c.outputs!.length}`);
  c.outputs!.forEach((expected, i) => {
    const type = reading.floats !== null && expected.dtype.startsWith("float")
      ? reading.floats : expected.dtype;
    demand(outputs[i].dtype === type,
      `output ${i} has dtype ${outputs[i].dtype}, expected ${type}`);
    demandExpected(`output ${i}`, outputs[i], expected,
      boundsOf("output", dtype, precision, expected));
  });
  if (c.cotangents === undefined || c.grads === undefined) return;
  checkGradients(c, decoder, outputs, dtype, reading.nanIsOutside ?? false);
}

function precisionOf({ id, ns, rtol, outputs, cotangents, grads, second }: OpCase): Precision {
  const stated = [outputs, cotangents, grads, second?.vectors, second?.cotangentGrads];
  const numbers = stated.flatMap((list) => list ?? [])
    .flatMap((data) => data?.data.map(decodeNumber) ?? []);
  return { id, ns, rtol, largest: largest(numbers) };
}

function checkGradients(
  c: OpCase, decoder: Decoder, outputs: readonly Tensor[], dtype: DType, nanIsOutside: boolean,
): void {
  const precision = precisionOf(c);
  const roots: Tensor[] = [];
  const cotangents: Tensor[] = [];
  c.cotangents!.forEach((cotangent, i) => {
    if (cotangent === null || !outputs[i].requiresGrad) return;
    roots.push(outputs[i]);
    cotangents.push(decoder.tensor(cotangent).requiresGrad_(c.second !== undefined));
  });
  const { flagged } = decoder;
  const gradients = roots.length === 0 ? flagged.map(() => null) : grad(roots, flagged,
    { gradOutputs: cotangents, allowUnused: true, createGraph: c.second !== undefined });
  c.grads!.forEach((expected, i) => {
    const binding = nanIsOutside ? insideDomain(flagged[i], outputs) : undefined;
    demandExpected(`gradient ${i}`, gradients[i], expected,
      boundsOf("gradient", dtype, precision, expected), binding);
  });
  if (c.second === undefined) return;
  const { vectors, grads, cotangentGrads } = c.second;
  const flowing = gradients.flatMap((gradient, i) =>
    gradient?.requiresGrad && vectors[i] !== null
      ? [{ gradient, vector: decoder.tensor(vectors[i]) }] : []);
  const variables = [...flagged, ...cotangents];
  const second = flowing.length === 0 ? variables.map(() => null)
    : grad(flowing.map(({ gradient }) => gradient), variables,
      { gradOutputs: flowing.map(({ vector }) => vector), allowUnused: true });
  [...grads, ...cotangentGrads.filter((_, i) => c.cotangents![i] !== null)].forEach((expected, i) =>
    demandExpected(`second order ${i}`, second[i] ?? null, expected,
      boundsOf("second order", dtype, precision, expected)));
}

/** Positions of an input at which the outputs are numbers, or the input itself is NaN. */
function insideDomain(
  input: Tensor, outputs: readonly Tensor[],
): (position: number) => boolean {
  const values = input.toTypedArray();
  const results = outputs.map((output) => output.toTypedArray());
  return (position) => Number.isNaN(values[position]) || results.every((result) =>
    result.length === values.length ? !Number.isNaN(result[position])
      : values.some(Number.isNaN) || !result.some(Number.isNaN));
}

/** @throws unless the call is refused and its arguments stay as they were */
export function checkErrorCase(c: OpCase, call: Call): void {
  const decoder = new Decoder(null);
  const problem = thrownBy(() => callCase(c, call, decoder));
  demand(problem instanceof Error && problem.name === "ChainruleError",
    `expected a refusal, got ${problem}`);
  const again = new Decoder(null);
  c.args.forEach((arg) => c.op === "index" ? again.index([arg]) : again.value(arg));
  again.values(c.kwargs);
  decoder.leaves.forEach((leaf, i) => {
    demand(leaf._version === again.leaves[i]._version, `argument ${i} was written to`);
    demand(`${leaf.tolist()}` === `${again.leaves[i].tolist()}`, `argument ${i} was changed`);
  });
}
