// The op table as a whole: every family, and which of its ops become what.
import * as binary from "./binary.ts";
import * as comparison from "./comparison.ts";
import * as convert from "./convert.ts";
import * as copies from "./copies.ts";
import * as diagonal from "./diagonal.ts";
import * as einsum from "./einsum.ts";
import * as gather from "./gather.ts";
import * as indexing from "./indexing.ts";
import * as join from "./join.ts";
import * as linalg from "./linalg.ts";
import * as matmul from "./matmul.ts";
import * as norm from "./norm.ts";
import type { Op, Signature } from "./op.ts";
import * as order from "./order.ts";
import * as positions from "./positions.ts";
import * as rearrange from "./rearrange.ts";
import * as reduction from "./reduction.ts";
import * as reshapeInPlace from "./reshape-in-place.ts";
import * as rounding from "./rounding.ts";
import * as scan from "./scan.ts";
import * as slicing from "./slicing.ts";
import * as softmax from "./softmax.ts";
import * as ternary from "./ternary.ts";
import * as trigonometry from "./trigonometry.ts";
import * as unary from "./unary.ts";
import * as variance from "./variance.ts";
import * as view from "./view.ts";
import * as write from "./write.ts";

/** The ops among the exports of a family. */
type Ops<T> = {
  readonly [K in keyof T as T[K] extends { readonly definition: unknown } ? K : never]: T[K]
};

/** Ops with an in-place variant: the methods `x.add(y)` and `x.add_(y)`. */
export type Arithmetic = Ops<typeof unary & typeof trigonometry & typeof rounding &
  typeof binary & typeof ternary>;

/** Ops with a method only. */
export type Others = Ops<typeof comparison & typeof convert & typeof view & typeof rearrange &
  typeof slicing & typeof copies & typeof diagonal & typeof indexing & typeof positions &
  typeof gather & typeof linalg & typeof matmul & typeof reduction & typeof variance &
  typeof order & typeof norm & typeof scan & typeof softmax & typeof write &
  typeof reshapeInPlace>;

/** Families whose ops are methods too. */
const methods = [unary, trigonometry, rounding, binary, ternary, comparison, convert, view,
  rearrange, slicing, copies, diagonal, indexing, positions, gather, reduction, variance, order,
  norm, scan, softmax, matmul, linalg, write, reshapeInPlace];

/** Families of functions on lists of tensors, which no tensor has as a method. */
const functions = [join, einsum];

function opsOf(families: readonly object[]): readonly Op<Signature>[] {
  return families.flatMap((family) => Object.values(family))
    .filter((value): value is Op<Signature> =>
      typeof value === "function" && "definition" in value);
}

/** Ops that are methods of tensors. */
export const methodOps: readonly Op<Signature>[] = opsOf(methods);

/** Every op by name. */
export const table: ReadonlyMap<string, Op<Signature>> = new Map(
  [...methodOps, ...opsOf(functions)].map((op) => [op.definition.name, op]));
