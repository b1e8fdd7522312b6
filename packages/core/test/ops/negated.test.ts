// The suite is tested too: negate any gradient rule, and the checks of that op must fail.
import fc from "fast-check";
import { describe, it } from "vitest";
import type { Tensor } from "../../src/index.ts";
import { table } from "../../src/internal.ts";
import type { Differentiable, Node, Rule, RuleContext } from "../../src/autograd/node.ts";
import { apply, build, differentiable, type AnyOp } from "../laws/call.ts";
import { calls } from "../laws/draw.ts";
import { demand, thrownBy } from "../laws/expect.ts";
import { gradientIsTheDerivative } from "../laws/gradients.ts";

/** Something with rules that tests may exchange. */
interface Ruled { readonly rules: (Rule | null)[] }

/** The rule with its sign turned; where it gives zeros or nothing, it gives ones. */
function negated(rule: Rule): Rule {
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
function checkGradients(op: AnyOp): void {
  const { samples, kinks } = op.definition;
  for (const sample of samples) {
    fc.assert(fc.property(calls(sample, kinks), (call) => gradientIsTheDerivative(op, call)),
      { numRuns: 1, endOnFailure: true });
  }
}

/** @throws unless negating a rule makes the checks of an op fail, which pass as it is */
function demandNoticed(op: AnyOp, { rules }: Ruled, i: number): void {
  const rule = rules[i]!;
  checkGradients(op);
  rules[i] = negated(rule);
  try {
    demand(thrownBy(() => checkGradients(op)) !== undefined, "the checks passed");
  } finally {
    rules[i] = rule;
  }
}

/** What the graphs of an op's samples consist of, by identity. */
function partsOf(op: AnyOp): Set<Differentiable> {
  const parts = new Set<Differentiable>();
  for (const sample of op.definition.samples) {
    const [call] = fc.sample(calls(sample, op.definition.kinks), { numRuns: 1, seed: 1 });
    const stack: (Node | null)[] = differentiable(apply(op, build(call).args))
      .map((output) => output.gradFn);
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node === null || node.isAccumulator) continue;
      parts.add(node.op);
      stack.push(...node.nextFunctions.map(([next]) => next));
    }
  }
  return parts;
}

const named = [...table].flatMap(([name, op]) =>
  op.definition.rules.flatMap((rule, i) =>
    rule === null ? [] : [{ name, input: op.definition.inputs[i], op, i }]));

/** Rules of ops that have no entry of their own, reached through one that is made of them. */
const hidden = (() => {
  const known = new Set([...table.values()].map(({ definition }) => definition.rules[0]));
  return [...table].flatMap(([name, op]) => [...partsOf(op)].flatMap((part) => {
    const again = partsOf(op); // an op made anew for each call has the rules of its entry
    if (!again.has(part) || known.has(part.rules[0])) return [];
    known.add(part.rules[0]);
    return part.rules.flatMap((rule, i) => rule === null ? []
      : [{ name, part: part as Ruled & Differentiable, input: part.inputs[i], op, i }]);
  }));
})();

describe("a negated rule is noticed", () => {
  it.each(named)("$name, input $input", ({ op, i }) => demandNoticed(op, op.definition, i));

  it.each(hidden)("$part.name within $name, input $input", ({ op, part, i }) =>
    demandNoticed(op, part, i));
});
