// Initial values scaled to the number of connections: Xavier (Glorot) and Kaiming (He).
import type { Tensor } from "@chainrule/core";
import { fail, show } from "@chainrule/core/internal";
import { fansOf, gainOf, type Nonlinearity } from "./fans.ts";
import { checkFill, checkFinite, fillNormal, fillUniform, type RandomOptions,
} from "./random-options.ts";

/** Options of the Xavier initialisers. */
export interface XavierOptions extends RandomOptions {
  /** Factor of all values. Default 1. */
  readonly gain?: number;
}

/** Options of the Kaiming initialisers. */
export interface KaimingOptions extends RandomOptions {
  /** Slope below 0 of the `leakyRelu` that follows. Default 0. */
  readonly a?: number;
  /** Whether forward values or gradients keep their variance. Default `"fanIn"`. */
  readonly mode?: "fanIn" | "fanOut";
  /** What follows the layer. Default `"leakyRelu"`. */
  readonly nonlinearity?: Nonlinearity;
}

function xavierStd(op: string, tensor: Tensor, options: XavierOptions | undefined): number {
  checkFill(op, tensor, options, ["gain"]);
  const { fanIn, fanOut } = fansOf(op, tensor);
  return checkFinite(op, "gain", options?.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut));
}

/**
 * Uniform in `±gain · √(6 / (fanIn + fanOut))`.
 * @throws when the tensor has fewer than two dimensions
 * @see https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierUniform_(tensor: Tensor, options?: XavierOptions): Tensor {
  const bound = Math.sqrt(3) * xavierStd("xavierUniform_", tensor, options);
  return fillUniform(tensor, -bound, bound, options);
}

/**
 * Normal with standard deviation `gain · √(2 / (fanIn + fanOut))`.
 * @throws when the tensor has fewer than two dimensions
 * @see https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierNormal_(tensor: Tensor, options?: XavierOptions): Tensor {
  return fillNormal(tensor, 0, xavierStd("xavierNormal_", tensor, options), options);
}

function kaimingStd(op: string, tensor: Tensor, options: KaimingOptions | undefined): number {
  checkFill(op, tensor, options, ["a", "mode", "nonlinearity"]);
  const { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" } = options ?? {};
  if (mode !== "fanIn" && mode !== "fanOut") {
    fail(op, `Mode ${typeof mode === "string" ? mode : show(mode)} not supported, please use one ` +
      "of ['fanIn', 'fanOut']");
  }
  return gainOf(op, nonlinearity, a) / Math.sqrt(fansOf(op, tensor)[mode]);
}

/**
 * Uniform in `±gain · √(3 / fan)`.
 * @throws when the tensor has fewer than two dimensions
 * @see https://arxiv.org/abs/1502.01852
 */
export function kaimingUniform_(tensor: Tensor, options?: KaimingOptions): Tensor {
  const bound = Math.sqrt(3) * kaimingStd("kaimingUniform_", tensor, options);
  return fillUniform(tensor, -bound, bound, options);
}

/**
 * Normal with standard deviation `gain / √fan`.
 * @throws when the tensor has fewer than two dimensions
 * @see https://arxiv.org/abs/1502.01852
 */
export function kaimingNormal_(tensor: Tensor, options?: KaimingOptions): Tensor {
  return fillNormal(tensor, 0, kaimingStd("kaimingNormal_", tensor, options), options);
}
