// Every op on every path: JavaScript, interpreter, SIMD, with threads, with and without fused
// multiply-add, against float64; at the lengths and layouts where kernels change their loops.
import { afterAll, describe, expect, it } from "vitest";
import { ChainruleError, setNumThreads, type Tensor } from "../../src/index.ts";
import { isSampleTensor, real, table, type Sample } from "../../src/internal.ts";
import type { AnyOp } from "../laws/call.ts";
import {
  mapTensors, seededCall, tensorsIn, type Call, type MemoryLayout,
} from "../laws/draw.ts";
import { demandClose, demandSame, thrownBy } from "../laws/expect.ts";
import { computed, paths, type Computed } from "./paths.ts";

/** Around the widths of vectors, of their unrolled loops, and of the pieces that threads share. */
const lengths = [0, 1, 3, 4, 5, 16, 17, 1000];
const LONG = 100_003;
const layouts: readonly MemoryLayout[] = ["contiguous", "transposed", "stepped", "expanded"];
/** Paths whose loops know more pieces than one from here on. */
const longPaths = ["SIMD", "SIMD on two threads"];

// The bound of the conformance fixtures for float32; `scale` for what cancels.
const bounds = { rtol: 2e-5, atol: 1e-6, scale: 1 };

afterAll(() => setNumThreads(1));

/** A sample in which every tensor has this shape. */
function shaped(sample: Sample, shape: readonly number[]): Sample {
  return mapTensors(sample, isSampleTensor, (tensor) => ({ ...tensor, shape })) as Sample;
}

/** A sample with each size that occurs in it replaced by another, everywhere alike. */
function resized(sample: Sample, others: readonly number[]): Sample {
  const sizes = [...new Set(tensorsIn(sample, isSampleTensor).flatMap(({ shape }) => shape))];
  return mapTensors(sample, isSampleTensor, (tensor) => ({
    ...tensor, shape: tensor.shape.map((size) => others[sizes.indexOf(size) % others.length]),
  })) as Sample;
}

/** What every path gives is what float64 gives; threads change no bit. */
function comparePaths(
  op: AnyOp, call: Call, memory: MemoryLayout = "contiguous", names = Object.keys(paths),
): void {
  const exact = computed(op, call, "float64", memory);
  const results = new Map<string, Computed>();
  for (const name of names) {
    const result = paths[name](() => {
      const found = computed(op, call, "float32", memory);
      demandAll(name, found.outputs, exact.outputs);
      demandAll(`${name}, gradient`, found.gradients, exact.gradients);
      return found;
    });
    results.set(name, result);
  }
  const [one, two] = [results.get("SIMD")!, results.get("SIMD on two threads")!];
  one.outputs.forEach((output, i) => demandSame(`threads, output ${i}`, two.outputs[i], output));
  one.gradients.forEach((gradient, i) =>
    demandSame(`threads, gradient ${i}`, two.gradients[i], gradient));
}

function demandAll(
  what: string, actual: readonly Tensor[], expected: readonly Tensor[],
): void {
  expect(actual.length, what).toBe(expected.length);
  actual.forEach((tensor, i) => demandClose(`${what} ${i}`, tensor, expected[i], bounds));
}

/** Whether an op takes a call: sizes may have to fit numbers among the arguments. */
function accepts(op: AnyOp, call: Call, memory: MemoryLayout = "contiguous"): boolean {
  const problem = thrownBy(() => computed(op, call, "float32", memory));
  if (problem !== undefined && !(problem instanceof ChainruleError)) throw problem;
  return problem === undefined;
}

describe.each([...table])("%s", (_, op) => {
  const { samples, kind, kinks } = op.definition;
  const pointwise = kind === "pointwise"
    ? samples.find((args) => args.every(isSampleTensor)) ?? samples[0] : undefined;

  it.runIf(pointwise !== undefined)("gives the same on all paths at all lengths", () => {
    for (const memory of layouts) {
      for (const length of lengths) {
        const shape = memory === "transposed" ? [3, length] : [length];
        comparePaths(op, seededCall(shaped(pointwise!, shape), length, kinks), memory);
      }
    }
  });

  it.runIf(pointwise !== undefined)(`gives the same on all paths at ${LONG} elements`, () => {
    const line = seededCall(shaped(pointwise!, [LONG]), 1, kinks);
    const lines = seededCall(shaped(pointwise!, [2, LONG]), 1, kinks);
    for (const memory of layouts) {
      comparePaths(op, memory === "transposed" ? lines : line, memory, longPaths);
    }
  });

  // whole numbers are positions: only those of the sample are known to exist
  const resizable = samples.filter((args) =>
    tensorsIn(args, isSampleTensor).every((tensor) => tensor.sample !== "integer"));

  it("gives the same on all paths for its samples", () => {
    for (const sample of samples) {
      const call = seededCall(sample, 2, kinks);
      for (const memory of layouts) {
        if (accepts(op, call, memory)) comparePaths(op, call, memory);
      }
    }
  });

  it.runIf(kind !== "pointwise" && resizable.length > 0)("and in larger sizes", () => {
    for (const sample of resizable) {
      const call = seededCall(resized(sample, [17, 33, 12, 5]), 3, kinks);
      if (accepts(op, call)) comparePaths(op, call);
    }
  });
});

describe("what is cut into parts", () => {
  const cases: [string, Sample][] = [
    ["sum", [real([300_001])]], ["amax", [real([300_001])]],
    ["sum", [real([2000, 150]), 0]], ["softmax", [real([3, 100_003]), 1]],
    ["matmul", [real([20, 60]), real([60, 1100])]], // more than one block of columns
  ];
  it.each(cases)("%s gives the same on all paths", (name, sample) => {
    comparePaths(table.get(name)!, seededCall(sample, 5), "contiguous", longPaths);
  });
});
