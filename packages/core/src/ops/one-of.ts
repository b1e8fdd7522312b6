// Ops whose arguments choose between several pointwise ops of the same name.
import { entry, type Description, type Op, type Signature } from "./op.ts";

/** The pointwise op that was chosen, and what to call it with. */
export type Choice = readonly [op: Op<Signature>, args: readonly unknown[]];

/** An op that is one of several. */
export interface OneOfDescription<F extends Signature> extends Description {
  /** The general case: its gradient rules stand for the op. */
  readonly general: Op<Signature>;
  /** Checks the arguments and chooses. */
  readonly choose: (...args: Parameters<F>) => Choice;
}

/** An op of the table that calls one of several pointwise ops, out of place or in place. */
export function oneOf<F extends Signature>(description: OneOfDescription<F>): Op<F> {
  const { general, choose, ...rest } = description;
  const { kind, inputs, rules } = general.definition;
  const call = (...args: Parameters<F>): unknown => {
    const [op, given] = choose(...args);
    return op(...given as never[]);
  };
  const inPlace = (...args: Parameters<F>): unknown => {
    const [op, given] = choose(...args);
    return op.definition.inPlace!(...given as never[]);
  };
  return entry(call as unknown as F, { ...rest, kind, inputs, rules, inPlace });
}
