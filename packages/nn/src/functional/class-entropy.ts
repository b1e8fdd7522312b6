// Cross entropy of class targets as one node: softmax, logarithm and choice in one kernel each way.
import { logSoftmax, mul, reshape, tensor, type Tensor } from "@chainrule/core";
import {
  crossEntropyPrograms, fresh, isDifferentiating, logSoftmaxGradient, primitive, real, reduceOver,
  scanOver, type Op,
} from "@chainrule/core/internal";
import { classDim } from "./class-targets.ts";
import {
  exampleLikelihood, likelihoodLossBackward, type Likelihood,
} from "./likelihood.ts";

/** The losses of all samples, put together, from scores. */
export const classEntropy: Op<(scores: Tensor, map: Likelihood) => Tensor> = primitive({
  name: "crossEntropy", inputs: ["input"],
  prepare: (input: Tensor, map: Likelihood) => ({ inputs: [input], attributes: map }),
  forward: ([input], map) => {
    const { programs, operands, scalars, over } = describe(input, map);
    const [losses] = reduceOver(programs.loss, operands, over, [input.dtype], scalars);
    if (map.reduction === "none") return losses;
    const { values } = losses.storage;
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[i];
    const result = fresh([], input.dtype);
    result.storage.data[0] = total / map.divisor;
    return result;
  },
  gradients: (reads) => ({
    input: reads(["input"], ({ grad, input, attributes }) => isDifferentiating()
      ? differentiableGradient(grad, input, attributes) : fusedGradient(grad, input, attributes)),
  }),
  samples: [[real([2, 3, 2]), exampleLikelihood],
    [real([2, 3, 2]), { ...exampleLikelihood, reduction: "none" }]],
});

/** The programs of a map, what they read, and the dimension they run over. */
function describe(input: Tensor, { indices, weights, labelSmoothing, ignoreIndex }: Likelihood) {
  const isSmoothed = labelSmoothing !== 0;
  const dim = classDim(input);
  const target = fresh(input.shape.toSpliced(dim, 1, 1), "int32");
  target.storage.data.set(indices);
  const operands = [input, target];
  if (weights !== null) {
    operands.push(tensor(weights, { dtype: input.dtype })
      .reshape([weights.length, ...input.shape.slice(dim + 1).fill(1)]));
  }
  return {
    programs: crossEntropyPrograms({ isWeighted: weights !== null, isSmoothed }), operands,
    scalars: isSmoothed ? [ignoreIndex, labelSmoothing] : [ignoreIndex],
    over: { dims: [dim], keepdim: false },
  };
}

function fusedGradient(grad: Tensor, input: Tensor, map: Likelihood): Tensor {
  const { programs, operands, scalars, over } = describe(input, map);
  operands.push(map.reduction === "none" ? reshape(grad, operands[1].shape)
    : mul(grad, 1 / map.divisor));
  return scanOver(programs.gradient, operands, over, input.dtype, scalars);
}

/** The same from ops that can be differentiated again. */
function differentiableGradient(grad: Tensor, input: Tensor, map: Likelihood): Tensor {
  const dims = [classDim(input)];
  return logSoftmaxGradient(
    likelihoodLossBackward(grad, map), logSoftmax(input, dims[0]), { dims });
}
