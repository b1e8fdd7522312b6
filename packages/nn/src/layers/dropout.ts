// Dropout as a layer.
import type { Tensor } from "@chainrule/core";
import { checkProbability, dropout } from "../functional/dropout.ts";
import { Module } from "../module.ts";
import { settings } from "../representation.ts";

/**
 * In training, zeros elements with probability `p` and scales the others by `1/(1-p)`; otherwise
 * does nothing.
 * @throws when `p` is not between 0 and 1
 * @see https://jmlr.org/papers/v15/srivastava14a.html
 */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    checkProbability("Dropout", p);
    this.p = p;
  }

  /** The input with elements dropped, if in training. */
  forward(input: Tensor): Tensor {
    return dropout(input, { p: this.p, training: this.training });
  }

  override extraRepr(): string { return settings({ p: this.p, inplace: false }); }
}
