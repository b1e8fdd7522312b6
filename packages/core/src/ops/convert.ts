// Copies of a tensor and changes of its dtype.
import { isDType, type DType } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { primitive } from "./define.ts";
import { copyOf } from "./memory.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { real } from "./sample.ts";

/** A copy with memory of its own; gradients flow through it. */
export const clone: Op<(input: Tensor) => Tensor> = primitive({
  name: "clone", inputs: ["input"], batches: true, multilinear: true,
  prepare(input: Tensor) {
    checkTensor("clone", "input", input);
    return { inputs: [input], attributes: null };
  },
  forward: ([input]) => copyOf(input),
  gradients: (reads) => ({ input: reads([], ({ grad }) => grad) }),
  samples: [[real([2, 3])], [real([])]],
});

const cast: Op<(input: Tensor, dtype: DType) => Tensor> = primitive({
  name: "to", inputs: ["input"], batches: true, multilinear: true,
  prepare(input: Tensor, dtype: DType) {
    return { inputs: [input], attributes: { dtype } };
  },
  forward: ([input], { dtype }) => copyOf(input, dtype),
  gradients: (reads) => ({ input: reads([], ({ grad }) => grad) }), // the engine restores the dtype
  samples: [[real([2, 3]), "float64"]],
});

/**
 * The tensor in another dtype, or on a device (there is only `"cpu"`); the tensor itself where
 * nothing changes.
 * @throws when the argument is neither
 */
export const to: Op<(input: Tensor, target: DType | "cpu") => Tensor> = composite({
  name: "to",
  call(input: Tensor, target: DType | "cpu") {
    checkTensor("to", "input", input);
    if (target === "cpu" || target === input.dtype) return input;
    if (!isDType(target)) fail("to", `expected a dtype or "cpu", got ${show(target)}`);
    return cast(input, target);
  },
  samples: [[real([2, 3]), "float64"], [real([2]), "cpu"]],
  rejects: [{ args: [real([2]), "cuda"], message: "expected a dtype" }],
});

/** The tensor in float32. */
export const float: Op<(input: Tensor) => Tensor> = conversion("float", "float32");

/** The tensor in float64. */
export const double: Op<(input: Tensor) => Tensor> = conversion("double", "float64");

/** The tensor in int32: fractions are cut off. */
export const int: Op<(input: Tensor) => Tensor> = conversion("int", "int32");

/** The tensor in int32, which stands for PyTorch's int64. */
export const long: Op<(input: Tensor) => Tensor> = conversion("long", "int32");

/** Truth values: whether an element differs from 0. */
export const bool: Op<(input: Tensor) => Tensor> = conversion("bool", "bool");

function conversion(name: string, dtype: DType): Op<(input: Tensor) => Tensor> {
  return composite({ name, call: (input: Tensor) => to(input, dtype), samples: [[real([2, 3])]] });
}

/** The tensor in the dtype of another. */
export const typeAs: Op<(input: Tensor, other: Tensor) => Tensor> = composite({
  name: "typeAs",
  call(input: Tensor, other: Tensor) {
    checkTensor("typeAs", "other", other);
    return to(input, other.dtype);
  },
  samples: [[real([2, 3]), real([1])]],
  rejects: [{ args: [real([2]), "float64"], message: "other must be a tensor" }],
});

/** The same values in row-major order: the tensor itself where they already are, else a copy. */
export const contiguous: Op<(input: Tensor) => Tensor> = composite({
  name: "contiguous",
  call(input: Tensor) {
    checkTensor("contiguous", "input", input);
    return input.isContiguous() ? input : clone(input);
  },
  samples: [[real([2, 3])]],
});

/** The same memory without history: gradients stop here. Versions are shared. */
export const detach: Op<(input: Tensor) => Tensor> = composite({
  name: "detach",
  call(input: Tensor) {
    checkTensor("detach", "input", input);
    return new Tensor(input.storage, input.shape, input.strides, input.offset);
  },
  samples: [[real([2, 3])]],
});

/**
 * Forgets how the tensor was computed, in place: it becomes a leaf that requires no gradient.
 * @throws when the tensor is a view, whose history is shared with its base
 */
export const detach_: Op<(input: Tensor) => Tensor> = composite({
  name: "detach_",
  call(input: Tensor) {
    checkTensor("detach_", "input", input);
    if (input.base !== null) fail("detach_", "Can't detach views in-place. Use detach() instead");
    input.history = null;
    input.outputIndex = 0;
    input.tangents = null;
    return input;
  },
  samples: [[real([2, 3])]],
});
