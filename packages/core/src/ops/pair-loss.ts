// Losses of pairs of elements, an input and its target, put together in one kernel and one node.
import type { RuleContext } from "../autograd/node.ts";
import { derivative, grad } from "../expression/derivative.ts";
import { substitute, variable, variablesOf, type Expression } from "../expression/expression.ts";
import { accumulator, count, reduction } from "../kernels/reduce.ts";
import { allDims, sameShape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { primitive, type GradientRule, type Reads } from "./define.ts";
import type { Op } from "./op.ts";
import { PointwiseOp } from "./pointwise.ts";
import { reduceOver } from "./reduce-over.ts";
import type { Sample } from "./sample.ts";
import { expand } from "./view.ts";

/** How the losses of pairs are put together. */
export type Total = "mean" | "sum";

/** The loss of an input and a target of the same shape and float dtype. */
export type PairLoss = (input: Tensor, target: Tensor, total: Total) => Tensor;

/** What a loss of pairs is made of. */
export interface PairLossDescription {
  readonly name: string;
  /** The loss of one pair. */
  readonly expression: (pair: Pair) => Expression;
  /** Its gradients, times `grad`, to use instead of the derived ones. */
  readonly gradients?: { readonly [K in Name]?: (pair: Pair & { grad: Expression }) => Expression };
  readonly samples: readonly Sample[];
}

type Name = "input" | "target";
type Pair = { readonly [K in Name]: Expression };

const names: readonly Name[] = ["input", "target"];
const pair: Pair = { input: variable("input"), target: variable("target") };

/** An op of the table: three ops and as many nodes would take an XOR net twice the time. */
export function pairLoss(
  { name, expression, gradients = {}, samples }: PairLossDescription,
): Op<PairLoss> {
  const loss = expression(pair);
  const totalOf = (result: Expression) => reduction({
    inputs: names, initial: [0], steps: [accumulator(0).add(loss)], results: [result],
  });
  const programs = { sum: totalOf(accumulator(0)), mean: totalOf(accumulator(0).div(count)) };
  const ruleFor = (input: Name) =>
    gradientRule(name, gradients[input]?.({ ...pair, grad }) ?? derivative(loss, input));
  return primitive<PairLoss, Name, Total>({
    name, inputs: names, batches: true, samples,
    prepare: (input, target, total) => ({ inputs: [input, target], attributes: total }),
    forward: ([input, target], total) => reduceOver(programs[total], [input, target],
      { dims: allDims(input.ndim), keepdim: false }, [input.dtype]),
    gradients: (reads) => ({
      input: ruleFor("input")(reads), target: ruleFor("target")(reads),
    }),
  });
}

/** The rule that runs a gradient, an expression in `grad`, on each pair. */
function gradientRule(name: string, gradient: Expression | null) {
  if (gradient === null) return () => null;
  const [cotangent, share] = [variable("cotangent"), variable("share")];
  const scaled = substitute(gradient, new Map([[grad, cotangent.mul(share)]]));
  const read = names.filter((input) => variablesOf(gradient).has(input));
  const op = new PointwiseOp(`${name}Backward`, ["cotangent", ...read], ["share"], () => scaled,
    "promoted");
  return (reads: Reads<Total>): GradientRule<Total> => reads(read, (context) => {
    const { grad: arriving, shapes: [shape], attributes: total } = context;
    const inputs = [arriving];
    for (const input of read) inputs.push((context as unknown as RuleContext)[input] as Tensor);
    const size = total === "sum" ? 1 : shape.reduce((product, each) => product * each, 1);
    const result = op.apply(inputs, [1 / size]);
    return sameShape(result.shape, shape) ? result : expand(result, shape);
  });
}
