// What ops with two results return.
import type { Tensor } from "../tensor/tensor.ts";

/** Two tensors with names, which can also be taken apart as an array. */
export type Pair<A extends string, B extends string> =
  readonly [Tensor, Tensor] & { readonly [K in A | B]: Tensor };

/** A pair whose members are also reached by name. */
export function pair<A extends string, B extends string>(
  names: readonly [A, B], first: Tensor, second: Tensor,
): Pair<A, B> {
  const both = [first, second];
  names.forEach((name, i) => Object.defineProperty(both, name, { value: both[i] }));
  return both as unknown as Pair<A, B>;
}
