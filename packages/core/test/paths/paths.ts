// The ways in which an op can be computed, each forced at every size.
import { setNumThreads, useDeterministicAlgorithms, type Tensor } from "../../src/index.ts";
import { withGeneratedCode, withSimd } from "../../src/internal.ts";
import { withThresholds } from "../../src/storage/thresholds.ts";
import { apply, build, randomLike, vjp, differentiable, type AnyOp } from "../laws/call.ts";
import type { Call, MemoryLayout } from "../laws/draw.ts";

/** Outputs and gradients of one call. */
export interface Computed {
  readonly outputs: readonly Tensor[];
  readonly gradients: readonly Tensor[];
}

/** Runs `body` with one path for everything. */
export type Path = <T>(body: () => T) => T;

const everything = { elements: 0, innermost: 0, multiplyAdds: 0 };

/** Vector kernels at all sizes, with so many threads, with or without fused multiply-add. */
function vectors(threads: number, isDeterministic: boolean): Path {
  return (body) => {
    setNumThreads(threads);
    useDeterministicAlgorithms(isDeterministic);
    try {
      return withSimd(true, () => withThresholds(everything, body));
    } finally {
      setNumThreads(1);
      useDeterministicAlgorithms(false);
    }
  };
}

/** The paths that compute in float32, by name. */
export const paths: Readonly<Record<string, Path>> = {
  JavaScript: (body) => withSimd(false, body),
  interpreter: (body) => withSimd(false, () => withGeneratedCode(false, body)),
  SIMD: vectors(1, true),
  "SIMD with fused multiply-add": vectors(1, false),
  "SIMD on two threads": vectors(2, true),
};

/** Outputs and gradients of a call, of float32 or float64 tensors. */
export function computed(
  op: AnyOp, call: Call, dtype: "float32" | "float64", memory: MemoryLayout = "contiguous",
): Computed {
  const built = build(call, { dtype, memory });
  const outputs = apply(op, built.args);
  const cotangents = randomLike(differentiable(outputs), call.seed);
  return { outputs, gradients: vjp(outputs, built.leaves, call.seed, { cotangents }) };
}
