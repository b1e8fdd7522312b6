// Initialisers that do not look at what a tensor connects: constants and plain distributions.
import { erf, tensor as tensorOf, type Tensor } from "@chainrule/core";
import { bumpVersion, checkNumber, checkOptions, checkTensor, copyInto, fail, fresh, showShape,
} from "@chainrule/core/internal";
import { erfinv } from "./erfinv.ts";
import { checkFill, checkFinite, fillNormal, fillUniform, type RandomOptions,
} from "./random-options.ts";

/** Writes values in row-major order into any tensor, without recording. */
export function write(tensor: Tensor, writer: string, fill: (data: Float64Array) => void): Tensor {
  const values = fresh(tensor.shape, "float64");
  fill(values.storage.data as Float64Array);
  copyInto(tensor, values);
  bumpVersion(tensor, writer);
  return tensor;
}

/** Options of `uniform_`. */
export interface UniformOptions extends RandomOptions {
  /** Lower bound. Default 0. */
  readonly a?: number;
  /** Upper bound. Default 1. */
  readonly b?: number;
}

/** Uniform numbers of `[a, b)`. */
export function uniform_(tensor: Tensor, options?: UniformOptions): Tensor {
  checkFill("uniform_", tensor, options, ["a", "b"]);
  return fillUniform(tensor, options?.a ?? 0, options?.b ?? 1, options);
}

/** Options of `normal_`. */
export interface NormalOptions extends RandomOptions {
  /** Mean. Default 0. */
  readonly mean?: number;
  /** Standard deviation. Default 1. */
  readonly std?: number;
}

/** Normal numbers. */
export function normal_(tensor: Tensor, options?: NormalOptions): Tensor {
  checkFill("normal_", tensor, options, ["mean", "std"]);
  return fillNormal(tensor, options?.mean ?? 0, options?.std ?? 1, options);
}

/** Options of `truncNormal_`. */
export interface TruncNormalOptions extends NormalOptions {
  /** Lower bound of the values. Default −2. */
  readonly a?: number;
  /** Upper bound of the values. Default 2. */
  readonly b?: number;
}

/**
 * Normal numbers of `[a, b]`: the inverse of the distribution function at uniform numbers.
 * @throws when `std` is not positive or `a` not below `b`
 * @see https://pytorch.org/docs/stable/nn.init.html
 */
export function truncNormal_(tensor: Tensor, options?: TruncNormalOptions): Tensor {
  checkFill("truncNormal_", tensor, options, ["mean", "std", "a", "b"]);
  const { mean = 0, std = 1, a = -2, b = 2 } = options ?? {};
  for (const [name, value] of Object.entries({ mean, std, a, b })) {
    checkFinite("truncNormal_", name, value);
  }
  if (std <= 0 || a >= b) {
    fail("truncNormal_", `needs std > 0 and a < b, got std ${std}, a ${a} and b ${b}`);
  }
  if (mean < a - 2 * std || mean > b + 2 * std) {
    console.warn("truncNormal_: mean is more than 2 std from [a, b]. The distribution of values " +
      "may be incorrect.");
  }
  // 2Φ(z) − 1 = erf(z/√2): the uniform numbers are values of the error function.
  const bounds = tensorOf([a, b].map((bound) => (bound - mean) / std * Math.SQRT1_2),
    { dtype: "float64" });
  const [low, high] = erf(bounds).toTypedArray();
  fillUniform(tensor, low, high, options);
  const uniforms = tensor.detach().to("float64").toTypedArray();
  return write(tensor, "truncNormal_", (data) => {
    for (let i = 0; i < data.length; i++) {
      const value = erfinv(uniforms[i]) * (std * Math.SQRT2) + mean;
      data[i] = Math.min(Math.max(value, a), b);
    }
  });
}

/** `val` everywhere. */
export function constant_(tensor: Tensor, val: number): Tensor {
  checkTensor("constant_", "tensor", tensor);
  const value = checkNumber("constant_", "val", val);
  return write(tensor, "constant_", (data) => { data.fill(value); });
}

/** Ones. */
export function ones_(tensor: Tensor): Tensor {
  checkTensor("ones_", "tensor", tensor);
  return constant_(tensor, 1);
}

/** Zeros. */
export function zeros_(tensor: Tensor): Tensor {
  checkTensor("zeros_", "tensor", tensor);
  return constant_(tensor, 0);
}

/**
 * Ones on the diagonal of a matrix, zeros elsewhere.
 * @throws unless the tensor has two dimensions
 */
export function eye_(tensor: Tensor): Tensor {
  checkTensor("eye_", "tensor", tensor);
  if (tensor.ndim !== 2) {
    fail("eye_", `Only tensors with 2 dimensions are supported, got ${showShape(tensor.shape)}`);
  }
  const [rows, columns] = tensor.shape;
  return write(tensor, "eye_", (data) => {
    for (let i = 0; i < Math.min(rows, columns); i++) data[i * columns + i] = 1;
  });
}

/** Options of `dirac_`. */
export interface DiracOptions {
  /** Groups of output channels, each of which repeats the first channels. Default 1. */
  readonly groups?: number;
}

/**
 * The weight of a convolution that passes its channels on unchanged: `[out, in, …]`.
 * @throws unless the tensor has three to five dimensions, the first divisible by `groups`
 */
export function dirac_(tensor: Tensor, options?: DiracOptions): Tensor {
  checkTensor("dirac_", "tensor", tensor);
  checkOptions("dirac_", options, ["groups"]);
  const { groups = 1 } = options ?? {};
  if (tensor.ndim < 3 || tensor.ndim > 5) {
    fail("dirac_", "Only tensors with 3, 4, or 5 dimensions are supported, got " +
      showShape(tensor.shape));
  }
  const [out, channels, ...kernel] = tensor.shape;
  if (!Number.isInteger(groups) || groups < 1 || out % groups !== 0) {
    fail("dirac_", `dim 0 must be divisible by groups: ${out} and ${groups}`);
  }
  const size = kernel.reduce((product, length) => product * length, 1);
  const centre = kernel.reduce((at, length) => at * length + Math.floor(length / 2), 0);
  const perGroup = out / groups;
  return write(tensor, "dirac_", (data) => {
    for (let i = 0; i < out; i++) {
      const channel = i % perGroup;
      if (channel < channels) data[(i * channels + channel) * size + centre] = 1;
    }
  });
}
