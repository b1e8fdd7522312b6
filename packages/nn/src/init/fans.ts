// How many values a weight connects, and the gains of nonlinearities: the scale of initial values.
import type { Tensor } from "@chainrule/core";
import { checkTensor, fail, numel, show, showShape } from "@chainrule/core/internal";

/** Numbers of connections on either side of a weight. */
export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/**
 * Connections into and out of each unit: `size(1) · ∏rest` and `size(0) · ∏rest`.
 * @throws when the weight has fewer than two dimensions
 */
export function calculateFanInAndFanOut(tensor: Tensor): [fanIn: number, fanOut: number] {
  const { fanIn, fanOut } = fansOf("calculateFanInAndFanOut", tensor);
  return [fanIn, fanOut];
}

/** `calculateFanInAndFanOut` on behalf of an initialiser. */
export function fansOf(op: string, tensor: Tensor): Fans {
  checkTensor(op, "tensor", tensor);
  if (tensor.ndim < 2) {
    fail(op, "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions: " +
      `shape ${showShape(tensor.shape)}`, { shape: tensor.shape });
  }
  const field = numel(tensor.shape.slice(2));
  return { fanIn: tensor.shape[1] * field, fanOut: tensor.shape[0] * field };
}

/** Nonlinearities with a known gain. */
export type Nonlinearity =
  | "linear" | "conv1d" | "conv2d" | "conv3d" | "convTranspose1d" | "convTranspose2d"
  | "convTranspose3d" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu";

const gains: Readonly<Record<Nonlinearity, (param: number) => number>> = {
  linear: () => 1, conv1d: () => 1, conv2d: () => 1, conv3d: () => 1,
  convTranspose1d: () => 1, convTranspose2d: () => 1, convTranspose3d: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.sqrt(2),
  leakyRelu: (slope) => Math.sqrt(2 / (1 + slope ** 2)),
  selu: () => 3 / 4,
};

/**
 * Factor by which values should be larger in front of a nonlinearity; `param` is the slope of
 * `leakyRelu`, 0.01 unless given.
 * @throws when the nonlinearity has no known gain
 * @see https://pytorch.org/docs/stable/nn.init.html
 */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  return gainOf("calculateGain", nonlinearity, param);
}

/** `calculateGain` on behalf of an initialiser. */
export function gainOf(op: string, nonlinearity: Nonlinearity, param: number): number {
  if (typeof nonlinearity !== "string" || !Object.hasOwn(gains, nonlinearity)) {
    fail(op, `Unsupported nonlinearity ${nonlinearity}; there is ${Object.keys(gains).join(", ")}`);
  }
  if (typeof param !== "number" || Number.isNaN(param)) {
    fail(op, `negative_slope ${show(param)} not a valid number`);
  }
  return gains[nonlinearity](param);
}
