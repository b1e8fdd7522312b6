// Dropout: zeros at random places, in the order in which PyTorch draws them.
import { defaultGenerator, mul, type Generator, type Tensor } from "@chainrule/core";
import {
  checkOptions, checkTensor, composite, drawForSamples, fail, fillMask, fresh, real, show, type Op,
} from "@chainrule/core/internal";

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Probability of an element to become 0. Default 0.5. */
  readonly p?: number;
  /** Whether anything is dropped at all. Default `true`. */
  readonly training?: boolean;
  /** Where random numbers come from. Default: the default generator. */
  readonly generator?: Generator;
}

/**
 * Checks a probability of dropping.
 * @throws when it is not between 0 and 1
 */
export function checkProbability(op: string, p: unknown): asserts p is number {
  if (typeof p === "number" && p >= 0 && p <= 1) return;
  fail(op, `dropout probability has to be between 0 and 1, but got ${show(p)}`, { p });
}

/**
 * Multiplies each element by 0 with probability `p`, else by `1/(1-p)`; NaN and infinities become
 * NaN where they are dropped. With `p = 0` or outside training the input itself is returned.
 * @throws when `p` is not between 0 and 1
 * @see https://pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
 */
export const dropout: Op<(input: Tensor, options?: DropoutOptions) => Tensor> = composite({
  name: "dropout",
  call(input: Tensor, options?: DropoutOptions) {
    checkTensor("dropout", "input", input);
    checkOptions("dropout", options, ["p", "training", "generator"]);
    const { p = 0.5, training = true, generator = defaultGenerator } = options ?? {};
    checkProbability("dropout", p);
    if (!input.isFloatingPoint()) {
      fail("dropout", `result type Float can't be cast to the desired output type: ${input.dtype}`);
    }
    if (!training || p === 0 || input.numel() === 0) return input;
    return mul(input, p === 1 ? 0 : noise(input, 1 - p, generator));
  },
  samples: [[real([2, 3]), { training: false }], [real([2, 3]), { p: 0 }], [real([4]), { p: 1 }]],
  rejects: [{ args: [real([2]), { p: 1.5 }],
    message: "dropout probability has to be between 0 and 1, but got 1.5" }],
});

/** 0 or `1/keep` for each element, row-major, two words each. */
function noise(like: Tensor, keep: number, generator: Generator): Tensor {
  return drawForSamples("dropout", [], () => {
    const result = fresh(like.shape, like.dtype);
    fillMask(generator, result.storage.data, keep, 1 / keep);
    return result;
  });
}
