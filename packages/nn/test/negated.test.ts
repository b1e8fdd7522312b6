// Negating any gradient rule of this package must make the checks of its op fail.
import { describe, expect, it } from "vitest";
import { checkGradients, negated } from "../../core/test/laws/negation.ts";
import { ops } from "./ops.ts";

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
