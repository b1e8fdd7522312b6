// The fully connected layer, and the layer that does nothing.
import { empty, type DType, type Tensor } from "@chainrule/core";
import { checkOptions, fail, show } from "@chainrule/core/internal";
import { linear } from "../functional/linear.ts";
import { kaimingUniform_ } from "../init/scaled.ts";
import { uniform_ } from "../init/fill.ts";
import { membersOf } from "../members.ts";
import { Module } from "../module.ts";
import { Parameter } from "../parameter.ts";
import { settings } from "../representation.ts";

/**
 * Checks a size that a layer is given.
 * @throws when it is not a whole number ≥ 0
 */
export function checkSize(layer: string, name: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    fail(layer, `${name} must be a whole number ≥ 0, got ${show(value)}`);
  }
  return value as number;
}

/** Options of `Linear`. */
export interface LinearOptions {
  /** Whether a bias is added. Default `true`. */
  readonly bias?: boolean;
  /** Element type of the parameters. Default `float32`. */
  readonly dtype?: DType;
}

/**
 * Affine map `x Wᵀ + b`.
 *
 * Shape: `[…, inFeatures] → […, outFeatures]`; weight `[outFeatures, inFeatures]`, bias
 * `[outFeatures]`, both uniform in `±1/√inFeatures`.
 * @throws when a size is not a whole number, and on call when the last size of the input differs
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  weight: Parameter;
  bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options?: LinearOptions) {
    super();
    checkOptions("Linear", options, ["bias", "dtype"]);
    const { bias = true, dtype } = options ?? {};
    if (typeof bias !== "boolean") fail("Linear", `bias must be true or false, got ${show(bias)}`);
    this.inFeatures = checkSize("Linear", "inFeatures", inFeatures);
    this.outFeatures = checkSize("Linear", "outFeatures", outFeatures);
    this.weight = new Parameter(empty([outFeatures, inFeatures], { dtype }));
    this.bias = bias ? new Parameter(empty([outFeatures], { dtype })) : null;
    this.resetParameters();
    membersOf(this); // from here on, a plain tensor in place of a parameter is noticed
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    if (this.inFeatures === 0) return;
    kaimingUniform_(this.weight, { a: Math.sqrt(5) });
    const bound = 1 / Math.sqrt(this.inFeatures);
    if (this.bias !== null) uniform_(this.bias, { a: -bound, b: bound });
  }

  /** `[…, inFeatures] → […, outFeatures]`. */
  forward(input: Tensor): Tensor { return linear(input, this.weight, this.bias); }

  override extraRepr(): string {
    const { inFeatures, outFeatures } = this;
    return settings({ inFeatures, outFeatures, bias: this.bias !== null });
  }
}

/**
 * Gives its input back; any arguments of the constructor are ignored.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Identity.html
 */
export class Identity extends Module {
  constructor(..._ignored: readonly unknown[]) { super(); }

  /** The input itself. */
  forward(input: Tensor): Tensor { return input; }
}
