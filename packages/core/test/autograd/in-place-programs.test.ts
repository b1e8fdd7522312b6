// Programs that write through views have the gradients of the same programs without writes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as chainrule from "../../src/index.ts";
import { grad, type Tensor } from "../../src/index.ts";
import { readCases } from "../conformance/fixtures.ts";
import { checkProgram, type ProgramCase } from "../conformance/program-case.ts";
import { demandClose } from "../laws/expect.ts";
import { uniform } from "./drawn.ts";
import { programs, runProgram } from "./view-programs.ts";

// programs of at most 14 steps: some hundred roundings of 2⁻⁵³, relative to the largest entry
const bounds = { rtol: 1e-12, atol: 1e-12 };

/** A number that depends on all results, each element by a weight of its own and not linearly. */
function loss(results: readonly Tensor[]): Tensor {
  return results.map((result, i) => result.sin().mul(uniform(result.shape, i + 10)).sum())
    .reduce((total, part) => total.add(part));
}

/** Gradients, and the gradients of their product with fixed tensors. */
function derivatives(total: Tensor, leaves: readonly Tensor[]): (Tensor | null)[] {
  const first = grad(total, leaves, { createGraph: true, allowUnused: true });
  const flowing = first.flatMap((one, i) => one?.requiresGrad
    ? [one.mul(uniform(one.shape, i + 50)).sum()] : []);
  if (flowing.length === 0) return first;
  const along = flowing.reduce((sum, part) => sum.add(part));
  return [...first, ...grad(along, leaves, { allowUnused: true })];
}

describe("a program of views, writes and reads", () => {
  it("has the values and the first and second derivatives of the same without writes", () => {
    fc.assert(fc.property(programs, (steps) => {
      const { leaves, imperative, functional } = runProgram(steps);
      imperative.forEach((value, i) =>
        demandClose(`result ${i}`, value.detach(), functional[i].detach(), bounds));
      const actual = derivatives(loss(imperative), leaves);
      const expected = derivatives(loss(functional), leaves);
      for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
        const [a, e] = [actual[i] ?? null, expected[i] ?? null];
        const like = leaves[i % leaves.length];
        const zeros = like.detach().mul(0);
        demandClose(`derivative ${i}`, (a ?? zeros).detach(), (e ?? zeros).detach(), bounds);
      }
    }), { numRuns: 400 });
  });

  const fixture = new URL("../fixtures/view-writes.json", import.meta.url);
  it.each(readCases<ProgramCase>(fixture))("$id has PyTorch's derivatives", (c) => {
    checkProgram(c, { torch: chainrule }, "float64");
    checkProgram(c, { torch: chainrule }, "float32");
    expect(Object.keys(c.grads).length).toBeGreaterThan(0);
  });
});
