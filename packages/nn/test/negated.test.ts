// Negating any gradient rule of this package must make the checks of its op fail.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tensor } from "@chainrule/core";
import type { Op, Signature } from "@chainrule/core/internal";
import { calls } from "../../core/test/laws/draw.ts";
import { gradientIsTheDerivative } from "../../core/test/laws/gradients.ts";
import { ops } from "./ops.ts";

type Rule = NonNullable<Op<Signature>["definition"]["rules"][number]>;

/** The rule with its sign turned; where it gives zeros or nothing, it gives ones. */
function negated(rule: Rule): Rule {
  return {
    get reads() { return rule.reads; },
    gradient(context): Tensor {
      const gradient = rule.gradient(context);
      if (gradient === null) return context.grad.mul(0).add(1);
      return gradient.toTypedArray().every((value) => value === 0)
        ? gradient.add(1) : gradient.neg();
    },
  };
}

function checkGradients(op: Op<Signature>): void {
  for (const sample of op.definition.samples) {
    fc.assert(fc.property(calls(sample, op.definition.kinks), (call) =>
      gradientIsTheDerivative(op, call)), { numRuns: 1, endOnFailure: true });
  }
}

const rules = ops.flatMap(([name, op]) => op.definition.rules.flatMap((rule, i) =>
  rule === null ? [] : [{ name, input: op.definition.inputs[i], op, rule, i }]));

describe("a negated rule is noticed", () => {
  it.each(rules)("$name, input $input", ({ op, rule, i }) => {
    checkGradients(op);
    op.definition.rules[i] = negated(rule);
    try {
      expect(() => checkGradients(op)).toThrow();
    } finally {
      op.definition.rules[i] = rule;
    }
  });
});
