// Exponential fills of float arrays: exponential_.
import { fail } from "../errors.ts";
import type { Generator } from "./generator.ts";
import type { FloatArray } from "./uniform.ts";

/**
 * Fills with exponentials of mean `1/lambda`, computed in double: two words per element.
 * @throws unless `lambda > 0`
 */
export function fillExponential(generator: Generator, values: FloatArray, lambda: number): void {
  if (!(lambda > 0)) {
    fail("exponential_", `expects lambda > 0.0, but found lambda=${lambda}`, { lambda });
  }
  const scale = -1 / lambda;
  const n = values.length;
  for (let i = 0; i < n; i++) values[i] = scale * Math.log1p(-generator.uniform53());
}
