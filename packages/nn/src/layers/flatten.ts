// Layers that rearrange dimensions.
import { flatten, unflatten, type Shape, type Tensor } from "@chainrule/core";
import { checkOptions } from "@chainrule/core/internal";
import { Module } from "../module.ts";
import { settings } from "../representation.ts";

/** Options of `Flatten`. */
export interface FlattenOptions {
  /** First dimension to merge. Default 1. */
  readonly startDim?: number;
  /** Last dimension to merge. Default −1. */
  readonly endDim?: number;
}

/**
 * Merges dimensions into one, by default all but the first.
 *
 * Shape: `[N, …] → [N, ∏…]`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Flatten.html
 */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(options?: FlattenOptions) {
    super();
    checkOptions("Flatten", options, ["startDim", "endDim"]);
    this.startDim = options?.startDim ?? 1;
    this.endDim = options?.endDim ?? -1;
  }

  /** The input with dimensions `startDim` to `endDim` merged. */
  forward(input: Tensor): Tensor { return flatten(input, this.startDim, this.endDim); }

  override extraRepr(): string {
    return settings({ startDim: this.startDim, endDim: this.endDim });
  }
}

/**
 * Splits one dimension into several; one size may be −1.
 *
 * Shape: `[…, n, …] → […, ...unflattenedSize, …]`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Unflatten.html
 */
export class Unflatten extends Module {
  readonly dim: number;
  readonly unflattenedSize: Shape;

  constructor(dim: number, unflattenedSize: Shape) {
    super();
    this.dim = dim;
    this.unflattenedSize = unflattenedSize;
  }

  /** The input with dimension `dim` split. */
  forward(input: Tensor): Tensor { return unflatten(input, this.dim, this.unflattenedSize); }

  override extraRepr(): string {
    return settings({ dim: this.dim, unflattenedSize: this.unflattenedSize });
  }
}
