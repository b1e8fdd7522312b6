// What an entry of the op table is: a callable constant that carries its own description.
import { fail, show, ChainruleError } from "../errors.ts";
import type { Rule } from "../autograd/node.ts";
import { BatchedRead } from "../storage/batched.ts";
import { Tensor } from "../tensor/tensor.ts";
import { perSample } from "./batching.ts";
import type { Rejected, Sample } from "./sample.ts";

export { checkOptions } from "../tensor/options.ts";

/** A function that users call. */
export type Signature = (...args: never[]) => unknown;

/** What all entries say about themselves; tests and documentation are derived from it. */
export interface Description {
  /** Name of the function and of the method. */
  readonly name: string;
  /** Arguments to call the op with; random tensors are described, not given. */
  readonly samples: readonly Sample[];
  /** Arguments that must be refused, each with a part of the message. */
  readonly rejects?: readonly Rejected[];
  /** Input values where the derivative jumps: numeric checks keep away from them. */
  readonly kinks?: readonly number[];
  /** The formula in mathematical notation, for the documentation. */
  readonly formula?: string;
}

/** What the table knows about an op beyond its description. */
export interface Definition extends Description {
  readonly kind: "pointwise" | "primitive" | "view" | "composite";
  /** Names of the tensor inputs that have gradient rules. */
  readonly inputs: readonly string[];
  /** The rules by input; tests negate them in turn. Composites have none. */
  readonly rules: (Rule | null)[];
  /** The in-place variant, called with the tensor that is written to. */
  readonly inPlace: Signature | null;
  /** How the method calls the op, where the tensor is not the first argument. */
  readonly method: Signature | null;
}

/** An op: the function itself, with its definition. */
export type Op<F> = F & { readonly definition: Definition };

/** The method of an op: its first argument becomes `this`. */
export type Method<O> =
  O extends { readonly method: infer M extends Signature } ? M
  : O extends (input: never, ...rest: infer Rest) => infer Result
    ? (...rest: Rest) => Result : never;

/** Makes a function an entry of the table. */
export function entry<F extends Signature>(
  call: F, definition: Partial<Definition> & Description & Pick<Definition, "kind">,
): Op<F> {
  Object.defineProperty(call, "name", { value: definition.name });
  const complete: Definition = {
    inputs: [], rules: [], inPlace: null, method: null, ...definition,
  };
  return Object.assign(call, { definition: complete }) as Op<F>;
}

/**
 * An op made of other ops: it has no gradient rules of its own.
 * @param call checks its arguments and calls other ops
 */
export function composite<F extends Signature>(
  description: Description & {
    readonly call: (...args: Parameters<F>) => ReturnType<F>; readonly method?: Signature;
  },
): Op<F> {
  const { call, name, ...rest } = description;
  const guarded = (...args: Parameters<F>): unknown => {
    try {
      return call(...args);
    } catch (error) {
      if (error instanceof BatchedRead) return perSample(error, name, guarded, args);
      throw renamed(error, name);
    }
  };
  return entry(guarded as unknown as F,
    { ...rest, name, kind: "composite", method: description.method ?? null });
}

/** An error of an inner op, named after the op that the user called. */
function renamed(error: unknown, name: string): unknown {
  if (!(error instanceof ChainruleError) || error.op === name) return error;
  return new ChainruleError(name, error.message.slice(error.op.length + 2), error.details);
}

/**
 * Checks that an argument is a tensor.
 * @throws when it is not
 */
export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) fail(op, `${name} must be a tensor, got ${show(value)}`);
}
