// Parameters: the tensors of a module that an optimizer trains.
import { Tensor } from "@chainrule/core";
import { checkOptions, checkTensor, fail, show } from "@chainrule/core/internal";

/** Options of `Parameter`. */
export interface ParameterOptions {
  /** Whether `backward` gives it a gradient. Default `true`. */
  readonly requiresGrad?: boolean;
}

/**
 * A tensor that a module trains: found by `parameters()` wherever a field holds one.
 *
 * It shares the memory of `data`, not its history, and requires a gradient even when it is made
 * inside `noGrad`.
 * @throws when a gradient is to be required of whole numbers or truth values
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
 */
export class Parameter extends Tensor {
  /** @internal For the compiler: a plain tensor in place of a parameter would not be trained. */
  declare protected readonly kind: "parameter";

  constructor(data: Tensor, options?: ParameterOptions) {
    checkTensor("Parameter", "data", data);
    checkOptions("Parameter", options, ["requiresGrad"]);
    const { requiresGrad = true } = options ?? {};
    if (typeof requiresGrad !== "boolean") {
      fail("Parameter", `requiresGrad must be true or false, got ${show(requiresGrad)}`);
    }
    if (requiresGrad && !data.isFloatingPoint()) {
      fail("Parameter", "Only Tensors of floating point and complex dtype can require gradients, " +
        `this one is ${data.dtype}`, { dtype: data.dtype });
    }
    super(data.storage, data.shape, data.strides, data.offset);
    if (requiresGrad) this.requiresGrad = true;
  }

  /** `Parameter containing:` and the tensor below. */
  override toString(): string {
    return `Parameter containing:\n${super.toString()}`;
  }
}
