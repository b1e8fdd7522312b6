// Cross entropy of class targets as one node: softmax, logarithm and choice in one kernel each way.
import { detach, logSoftmax, mul, reshape, tensor, type Tensor } from "@chainrule/core";
import {
  crossEntropyPrograms, fresh, isDifferentiating, logSoftmaxGradient, primitive, real, reduceOver,
  scanOver, type Op,
} from "@chainrule/core/internal";
import { classDim } from "./class-targets.ts";
import {
  exampleLikelihood, likelihoodLossBackward, type Likelihood,
} from "./likelihood.ts";

const overClasses = { dims: [1], keepdim: true };

/** The losses of all samples, put together, from scores. */
export const classEntropy: Op<(scores: Tensor, map: Likelihood) => Tensor> = primitive({
  name: "crossEntropy", inputs: ["input"],
  prepare: (input: Tensor, map: Likelihood) => ({ inputs: [input], attributes: map }),
  forward: ([input], map) => {
    const { programs, operands, scalars } = describe(input, map);
    const [losses] = reduceOver(programs.loss, operands, overClasses, [input.dtype], scalars);
    if (map.reduction === "none") return reshape(losses, map.shape);
    const result = fresh([], input.dtype);
    let total = 0;
    for (const loss of losses.storage.values) total += loss;
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

/** The programs of a map, and what they read: all as `[batch, classes, rest]`. */
function describe(input: Tensor, map: Likelihood) {
  const { batch, classes, rest, indices, weights, labelSmoothing, ignoreIndex } = map;
  const isSmoothed = labelSmoothing !== 0;
  const operands = [
    reshape(detach(input), [batch, classes, rest]),
    tensor(Int32Array.from(indices)).reshape(batch, 1, rest),
  ];
  if (weights !== null) {
    operands.push(tensor(weights, { dtype: input.dtype }).reshape(1, classes, 1));
  }
  return {
    programs: crossEntropyPrograms({ isWeighted: weights !== null, isSmoothed }), operands,
    scalars: isSmoothed ? [ignoreIndex, labelSmoothing] : [ignoreIndex],
  };
}

function fusedGradient(grad: Tensor, input: Tensor, map: Likelihood): Tensor {
  const { programs, operands, scalars } = describe(input, map);
  const { batch, rest, reduction, divisor } = map;
  const cotangent = reduction === "none" ? reshape(grad, [batch, 1, rest])
    : reshape(mul(grad, 1 / divisor), [1, 1, 1]);
  const gradient =
    scanOver(programs.gradient, [...operands, cotangent], overClasses, input.dtype, scalars);
  return reshape(gradient, input.shape);
}

/** The same from ops that can be differentiated again. */
function differentiableGradient(grad: Tensor, input: Tensor, map: Likelihood): Tensor {
  const dims = [classDim(input)];
  return logSoftmaxGradient(
    likelihoodLossBackward(grad, map), logSoftmax(input, dims[0]), { dims });
}
