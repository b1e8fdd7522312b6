// Uniform fills of float arrays: rand and uniform_.
import { fail } from "../errors.ts";
import type { Generator } from "./generator.ts";

/** The arrays of the float dtypes; the class decides precision and draws. */
export type FloatArray = Float32Array | Float64Array;

/** Fills with uniforms in `[0, 1)`: one word per float32 element, two per float64 element. */
export function fillRand(generator: Generator, values: FloatArray): void {
  const n = values.length;
  if (values instanceof Float32Array) {
    for (let i = 0; i < n; i++) values[i] = generator.uniform24();
  } else {
    for (let i = 0; i < n; i++) values[i] = generator.uniform53();
  }
}

/**
 * Fills with uniforms in `[from, to)`.
 * @throws unless `from ≤ to` and bounds and distance are finite in the precision of the array
 */
export function fillUniform(
  generator: Generator, values: FloatArray, from: number, to: number,
): void {
  const { low, width } = uniformRange(values, from, to);
  const n = values.length;
  if (values instanceof Float32Array) {
    // PyTorch multiplies and adds with one rounding; the product is exact in double.
    for (let i = 0; i < n; i++) values[i] = generator.uniform24() * width + low;
  } else {
    for (let i = 0; i < n; i++) values[i] = generator.uniform53() * width + low;
  }
}

/**
 * The range `[from, to)` in the precision of the array.
 * @throws unless `from ≤ to` and bounds and distance are finite there
 */
export function uniformRange(
  values: FloatArray, from: number, to: number,
): { low: number; width: number } {
  const single = values instanceof Float32Array;
  const precision = single ? "float" : "double";
  const low = single ? Math.fround(from) : from;
  const high = single ? Math.fround(to) : to;
  const refuse = (problem: string) => fail("uniform_", problem, { from, to });
  if (!Number.isFinite(low)) refuse(`from is out of bounds for ${precision}: ${from}`);
  if (!Number.isFinite(high)) refuse(`to is out of bounds for ${precision}: ${to}`);
  if (from > to) {
    refuse(`expects to return a [from, to) range, but found from=${from} > to=${to}`);
  }
  const width = single ? Math.fround(high - low) : high - low;
  if (!Number.isFinite(width)) {
    refuse(`to-from must stay finite in ${precision}, but found from=${from} and to=${to}`);
  }
  return { low, width };
}
