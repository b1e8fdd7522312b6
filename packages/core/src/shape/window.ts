// Where the elements of a view lie among those of its base, whatever memory the base has.
import type { Shape } from "./dims.ts";
import type { Layout } from "./layout.ts";

/** The elements of a view, as positions in memory that is laid out as that of `whole`. */
export interface Window extends Layout {
  /** Shape and strides of the base. */
  readonly whole: { readonly shape: Shape; readonly strides: readonly number[] };
}

/** Where `view` lies in `base`. */
export function windowOf({ shape, strides, offset }: Layout, base: Layout): Window {
  return {
    whole: { shape: base.shape, strides: base.strides },
    shape, strides, offset: offset - base.offset,
  };
}

/** Elements of memory from the first of a layout to its last, both included. */
export function extent({ shape, strides }: Window["whole"]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((reach, size, dim) => reach + (size - 1) * strides[dim], 1);
}
