// Buffers: the tensors of a module that belong to its state but are not trained.
import { Tensor } from "@chainrule/core";
import { checkOptions, checkTensor } from "@chainrule/core/internal";

/** Options of `Buffer` and `registerBuffer`. */
export interface BufferOptions {
  /** Whether `stateDict` contains it. Default `true`. */
  readonly persistent?: boolean;
}

/**
 * A tensor that belongs to a module's state without being trained, such as a running mean. It
 * shares the memory of `data`.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html
 */
export class Buffer extends Tensor {
  /** Whether `stateDict` contains it. */
  readonly persistent: boolean;

  constructor(data: Tensor, options?: BufferOptions) {
    checkTensor("Buffer", "data", data);
    checkOptions("Buffer", options, ["persistent"]);
    super(data.storage, data.shape, data.strides, data.offset);
    this.persistent = options?.persistent ?? true;
  }
}
