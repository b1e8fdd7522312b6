// Every law for every entry of the op table, over its samples: the suite grows with the table.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChainruleError } from "../../src/index.ts";
import { isSampleTensor, table, type Sample } from "../../src/internal.ts";
import { apply, build, outputsOf, type AnyOp } from "../laws/call.ts";
import { calls, mapTensors, tensorsIn, type Call } from "../laws/draw.ts";
import { thrownBy } from "../laws/expect.ts";
import { laws, type Law } from "../laws/laws.ts";
import { demandRefusal, refusalChangesNothing } from "../laws/memory.ts";

/** Few runs per sample: every op has several samples, and every call of CI draws anew. */
const numRuns = 2;

function check(op: AnyOp, law: Law, sample: Sample, runs = numRuns): void {
  fc.assert(fc.property(calls(sample, op.definition.kinks), (call) => law.holds(op, call)),
    { numRuns: runs });
}

/** Shapes that broadcast together, one per input, sizes 0 and 1 included. */
function broadcastShapes(inputs: number): fc.Arbitrary<number[][]> {
  const sizes = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 });
  return sizes.chain((target) => fc.tuple(...Array.from({ length: inputs }, () =>
    fc.record({
      drop: fc.integer({ min: 0, max: target.length }),
      ones: fc.array(fc.boolean(), { minLength: target.length, maxLength: target.length }),
    }).map(({ drop, ones }) => target.map((size, i) => ones[i] ? 1 : size).slice(drop)))));
}

/** A sample with its tensors, in order, in other shapes. */
function reshaped(sample: Sample, shapes: readonly (readonly number[])[]): Sample {
  let next = 0;
  return sample.map((arg) => isSampleTensor(arg) ? { ...arg, shape: shapes[next++] } : arg);
}

/** A sample with each size that occurs in it replaced by another, everywhere alike. */
function resized(sample: Sample): fc.Arbitrary<Sample> {
  const sizes = [...new Set(tensorsIn(sample, isSampleTensor).flatMap(({ shape }) => shape))];
  return fc.tuple(...sizes.map(() => fc.integer({ min: 3, max: 5 }))).map((others) =>
    mapTensors(sample, isSampleTensor, (arg) => ({
      ...arg, shape: arg.shape.map((size) => others[sizes.indexOf(size)]),
    })) as Sample);
}

/** Whether an op takes a call: sizes may have to fit numbers among the arguments. */
function accepts(op: AnyOp, call: Call): boolean {
  const problem = thrownBy(() => apply(op, build(call).args));
  if (problem !== undefined && !(problem instanceof ChainruleError)) throw problem;
  return problem === undefined;
}

describe.each([...table])("%s", (_, op) => {
  const { samples, rejects = [], kind, kinks } = op.definition;

  it("has samples", () => expect(samples.length).toBeGreaterThan(0));

  it.each(laws)("$says", (law) => {
    for (const sample of samples) check(op, law, sample);
  });

  it.each(rejects.map((reject) => ({ ...reject })))("refuses $message", ({ args, message }) => {
    fc.assert(fc.property(calls(args), (call) => refusalChangesNothing(op, call, message)),
      { numRuns });
  });

  it("refuses what is no tensor", () => {
    for (const wrong of [undefined, null, {}, "x"]) {
      demandRefusal(op, thrownBy(() =>
        outputsOf(op as unknown as (...args: unknown[]) => unknown, [wrong])));
    }
  });

  // whole numbers are positions: no others than those of the sample are known to be distinct
  const resizable = samples.filter((args) =>
    tensorsIn(args, isSampleTensor).every((tensor) => tensor.sample !== "integer"));

  it.runIf(resizable.length > 0)("obeys the laws in other sizes too", () => {
    for (const sample of resizable) {
      const drawn = resized(sample).chain((other) => calls(other, kinks));
      fc.assert(fc.property(drawn, fc.constantFrom(...laws), (call, law) => {
        if (accepts(op, call)) law.holds(op, call);
      }), { numRuns: 4 });
    }
  });

  const sample = samples.find((args) => args.every(isSampleTensor));
  if (kind !== "pointwise" || sample === undefined) return;

  it.each(laws)("of any shapes that broadcast: $says", (law) => {
    const drawn = broadcastShapes(tensorsIn(sample, isSampleTensor).length)
      .chain((shapes) => calls(reshaped(sample, shapes), kinks));
    fc.assert(fc.property(drawn, (call) => law.holds(op, call)), { numRuns: 4 });
  });
});
