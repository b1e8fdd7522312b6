// Every law of core's op table, for every op that this package adds.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sample } from "@chainrule/core/internal";
import { calls } from "../../core/test/laws/draw.ts";
import { laws } from "../../core/test/laws/laws.ts";
import { refusalChangesNothing } from "../../core/test/laws/memory.ts";
import { ops } from "./ops.ts";

/** Few runs per sample: every op has several samples, and every run of the suite draws anew. */
const numRuns = 2;

describe.each(ops)("%s", (_, op) => {
  const { samples, rejects = [], kinks } = op.definition;

  it("has samples", () => expect(samples.length).toBeGreaterThan(0));

  it.each(laws)("$says", (law) => {
    for (const sample of samples as readonly Sample[]) {
      fc.assert(fc.property(calls(sample, kinks), (call) => law.holds(op, call)), { numRuns });
    }
  });

  it.each(rejects)("refuses $message", ({ args, message }) => {
    fc.assert(fc.property(calls(args), (call) => refusalChangesNothing(op, call, message)),
      { numRuns });
  });
});
