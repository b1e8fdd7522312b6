// A trainable table of rows.
import { empty, noGrad, type DType, type Tensor } from "@chainrule/core";
import { checkOptions } from "@chainrule/core/internal";
import { checkPadding, embedding } from "../functional/embedding.ts";
import { normal_, zeros_ } from "../init/fill.ts";
import { membersOf } from "../members.ts";
import { Module } from "../module.ts";
import { Parameter } from "../parameter.ts";
import { checkSize } from "./linear.ts";

/** Options of `Embedding`. */
export interface EmbeddingLayerOptions {
  /** A row that starts as zeros and is not trained; negative ones count from the end. */
  readonly paddingIdx?: number | null;
  /** Element type of the table. Default `float32`. */
  readonly dtype?: DType;
}

/**
 * Looks up rows of a table by index.
 *
 * Shape: `[…]` indices `→ […, embeddingDim]`; weight `[numEmbeddings, embeddingDim]`, drawn from
 * the standard normal distribution.
 * @throws when `paddingIdx` is no row, and on call when an index is none
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html
 */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, options?: EmbeddingLayerOptions) {
    super();
    checkOptions("Embedding", options, ["paddingIdx", "dtype"]);
    this.numEmbeddings = checkSize("Embedding", "numEmbeddings", numEmbeddings);
    this.embeddingDim = checkSize("Embedding", "embeddingDim", embeddingDim);
    const padding = checkPadding("Embedding", options?.paddingIdx, numEmbeddings);
    this.paddingIdx = padding < 0 ? null : padding;
    this.weight = new Parameter(empty([numEmbeddings, embeddingDim], { dtype: options?.dtype }));
    this.resetParameters();
    membersOf(this); // from here on, a plain tensor in place of a parameter is noticed
  }

  /** Draws the table anew. */
  resetParameters(): void {
    normal_(this.weight);
    const { paddingIdx } = this;
    if (paddingIdx !== null) noGrad(() => zeros_(this.weight.narrow(0, paddingIdx, 1)));
  }

  /** Rows of the table. */
  forward(input: Tensor): Tensor {
    return embedding(input, this.weight, { paddingIdx: this.paddingIdx });
  }

  override extraRepr(): string {
    const padding = this.paddingIdx === null ? "" : `, paddingIdx=${this.paddingIdx}`;
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}`;
  }
}
