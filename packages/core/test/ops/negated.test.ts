// The suite is tested too: negate any gradient rule, and the checks of that op must fail.
import fc from "fast-check";
import { describe, it } from "vitest";
import { table } from "../../src/internal.ts";
import type { Differentiable, Node, Rule } from "../../src/autograd/node.ts";
import { apply, build, differentiable, type AnyOp } from "../laws/call.ts";
import { calls } from "../laws/draw.ts";
import { demand, thrownBy } from "../laws/expect.ts";
import { checkGradients, negated } from "../laws/negation.ts";

/** Something with rules that tests may exchange. */
interface Ruled { readonly rules: (Rule | null)[] }

/** @throws unless negating a rule makes the checks of one of the ops fail, which pass as it is */
function demandNoticed(ops: readonly AnyOp[], { rules }: Ruled, i: number): void {
  const rule = rules[i]!;
  for (const op of ops) checkGradients(op);
  rules[i] = negated(rule);
  try {
    const noticed = ops.some((op) => thrownBy(() => checkGradients(op)) !== undefined);
    demand(noticed, "the checks passed");
  } finally {
    rules[i] = rule;
  }
}

/** What the graphs of an op's samples consist of, with the inputs that gradients flowed to. */
function partsOf(op: AnyOp): Map<Differentiable, Set<number>> {
  const parts = new Map<Differentiable, Set<number>>();
  for (const sample of op.definition.samples) {
    const [call] = fc.sample(calls(sample, op.definition.kinks), { numRuns: 1, seed: 1 });
    const stack: (Node | null)[] = differentiable(apply(op, build(call).args))
      .map((output) => output.gradFn);
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node === null || node.isAccumulator) continue;
      const flowed = parts.get(node.op) ?? new Set();
      parts.set(node.op, flowed);
      node.edges.forEach((edge, i) => { if (edge !== null) flowed.add(i); });
      stack.push(...node.nextFunctions.map(([next]) => next));
    }
  }
  return parts;
}

const named = [...table].flatMap(([name, op]) =>
  op.definition.rules.flatMap((rule, i) =>
    rule === null ? [] : [{ name, input: op.definition.inputs[i], op, i }]));

/** A rule of an op without an entry of its own, and the entries that are made of it. */
interface Hidden {
  readonly part: Ruled & Differentiable;
  readonly i: number;
  readonly owners: AnyOp[];
}

/** Rules that no entry of the table names. */
function hiddenRules(): Hidden[] {
  const known = new Set([...table.values()].flatMap(({ definition }) => definition.rules));
  const found = new Map<Rule, Hidden>();
  for (const op of table.values()) {
    const again = partsOf(op); // an op made anew for each call has the rules of its entry
    for (const [part, flowed] of partsOf(op)) {
      if (!again.has(part)) continue;
      for (const i of flowed) {
        const rule = part.rules[i]!;
        if (known.has(rule)) continue;
        const entry = found.get(rule) ?? { part: part as Hidden["part"], i, owners: [] };
        found.set(rule, entry);
        entry.owners.push(op);
      }
    }
  }
  return [...found.values()];
}

const hidden = hiddenRules().map(({ part, i, owners }) =>
  ({ part, i, owners, input: part.inputs[i], within: owners[0].definition.name }));

describe("a negated rule is noticed", () => {
  it.each(named)("$name, input $input", ({ op, i }) => demandNoticed([op], op.definition, i));

  it.each(hidden)("$part.name within $within, input $input", ({ owners, part, i }) =>
    demandNoticed(owners.slice(0, 3), part, i));
});
