// Fused updates: several tensors rewritten in one pass from expressions over all of them.
import type { Tensor } from "@chainrule/core";
import {
  bumpVersion, checkInPlace, operand, pointwiseProgram, runProgram, variable,
  type Expression, type PointwiseProgram,
} from "@chainrule/core/internal";

/** A fused update: new values of `targets`, by name, from `targets`, `sources` and numbers. */
export interface FusedUpdate {
  readonly targets: readonly string[];
  readonly scalars: readonly string[];
  readonly program: PointwiseProgram;
}

type Variables<Name extends string> = { readonly [K in Name]: Expression };

/** The smallest float32 that is not denormal. */
const SMALLEST_NORMAL = 2 ** -126;

/**
 * A running average with denormal numbers replaced by 0. They come about when a gradient stays 0,
 * change no update, and make Adam's SIMD kernel 6 times slower: bench/paths.js.
 */
export function flushed(average: Expression): Expression {
  return average.abs().lt(SMALLEST_NORMAL).select(0, average);
}

/**
 * Compiles an update.
 * @param write gives the new value of each target in terms of all variables
 */
export function fusedUpdate<T extends string, S extends string, N extends string>(
  targets: readonly T[], sources: readonly S[], scalars: readonly N[],
  write: (variables: Variables<T | S | N>) => Variables<T>,
): FusedUpdate {
  const variables = Object.fromEntries(
    [...targets, ...sources, ...scalars].map((name) => [name, variable(name)]),
  ) as Variables<T | S | N>;
  const values = write(variables);
  return {
    targets, scalars,
    program: pointwiseProgram(
      targets.map((name) => values[name]), [...targets, ...sources], scalars),
  };
}

/** The numbers of an update in the order in which it takes them; once for many parameters. */
export function scalarsFor(
  { scalars }: FusedUpdate, values: { readonly [name: string]: number },
): readonly number[] {
  return scalars.map((name) => values[name]);
}

/**
 * Runs an update in place, with numbers from `scalarsFor`.
 * @throws before anything is written when a target can't be written to
 */
export function runFused(
  op: string, update: FusedUpdate, targets: readonly Tensor[], sources: readonly Tensor[],
  scalars: readonly number[],
): void {
  const { shape } = targets[0];
  for (const target of targets) checkInPlace(op, target, shape, target.dtype, false);
  const count = targets.length;
  const outputs = new Array<Operand>(count); // growing ones take twice the memory
  const inputs = new Array<Operand>(count + sources.length);
  for (let k = 0; k < count; k++) outputs[k] = inputs[k] = operand(targets[k], shape);
  for (let k = 0; k < sources.length; k++) inputs[count + k] = operand(sources[k], shape);
  runProgram(update.program, shape, outputs, inputs, scalars);
  for (const target of targets) bumpVersion(target, op);
}

type Operand = ReturnType<typeof operand>;
