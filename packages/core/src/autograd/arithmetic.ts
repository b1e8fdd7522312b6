// The few differentiable operations that the engine itself needs. The op table hands them in, so
// that this layer imports nothing above it.
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape/dims.ts";
import type { Window } from "../shape/window.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Operations that the engine applies to gradients. */
export interface Arithmetic {
  add(a: Tensor, b: Tensor): Tensor;
  /** Adds `b` to `a` in place. */
  addInPlace(a: Tensor, b: Tensor): void;
  /** Sums over the dimensions along which `shape` was broadcast: undoes broadcasting. */
  sumToSize(gradient: Tensor, shape: Shape): Tensor;
  /** A gradient broadcast to a larger shape. */
  expand(gradient: Tensor, shape: Shape): Tensor;
  cast(gradient: Tensor, dtype: DType): Tensor;
  clone(gradient: Tensor): Tensor;
  /** The elements of a window, copied. */
  shown(input: Tensor, window: Window): Tensor;
  /** Zeros, with the elements of the input added in a window. */
  placed(input: Tensor, window: Window): Tensor;
  /** A copy with zeros in a window. */
  cleared(input: Tensor, window: Window): Tensor;
  full(shape: Shape, value: number, dtype: DType): Tensor;
}

/** The operations; set once, when the op table is loaded. */
export let arithmetic: Arithmetic;

/** Hands the engine its operations. */
export function provideArithmetic(operations: Arithmetic): void {
  arithmetic = operations;
}
