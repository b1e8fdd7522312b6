// The gradient rules of an op turned around, to see that its checks notice.
import fc from "fast-check";
import type { Tensor } from "../../src/index.ts";
import type { Rule, RuleContext } from "../../src/autograd/node.ts";
import type { AnyOp } from "./call.ts";
import { calls } from "./draw.ts";
import { gradientIsTheDerivative } from "./gradients.ts";

/** The rule with its sign turned; where it gives zeros or nothing, it gives ones. */
export function negated(rule: Rule): Rule {
  return {
    get reads() { return rule.reads; },
    gradient(context: RuleContext): Tensor {
      const gradient = rule.gradient(context);
      if (gradient === null) return context.grad.mul(0).add(1);
      return gradient.toTypedArray().every((value) => value === 0)
        ? gradient.add(1) : gradient.neg();
    },
  };
}

/** @throws where a sample's gradients disagree with central differences */
export function checkGradients(op: AnyOp): void {
  const { samples, kinks } = op.definition;
  for (const sample of samples) {
    // a fixed seed: the same draws with and without the negation
    fc.assert(fc.property(calls(sample, kinks), (call) => gradientIsTheDerivative(op, call)),
      { numRuns: 2, seed: 1, endOnFailure: true });
  }
}
