// Seeded float64 tensors and comparisons for the tests of the engine.
import { Generator, type Tensor } from "../../src/index.ts";
import { numel } from "../../src/internal.ts";
import { laidOut } from "../laws/draw.ts";
import { demandClose, demandSame } from "../laws/expect.ts";

/** float64 values in `[-1, 1)` that depend on the seed only. */
export function uniform(shape: readonly number[], seed: number): Tensor {
  const generator = new Generator(seed);
  const values = Array.from({ length: numel(shape) }, () => 2 * generator.uniform53() - 1);
  return laidOut({ drawn: "float", shape, values }, "float64");
}

/** The same as a leaf that requires a gradient. */
export function leaf(shape: readonly number[], seed: number): Tensor {
  return uniform(shape, seed).requiresGrad_();
}

/** @throws unless a gradient is there and equals `expected` up to rounding of float64 */
export function demandGrad(actual: Tensor | null, expected: Tensor): void {
  if (actual === null) throw new Error("no gradient");
  // a dozen roundings of 2⁻⁵³, relative to the largest entry
  demandClose("gradient", actual, expected.detach(), { rtol: 1e-14, atol: 1e-14 });
}

export { demandSame };
