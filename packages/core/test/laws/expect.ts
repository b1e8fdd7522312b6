// Comparisons of tensors, with messages that show where and by how much they differ.
import type { Tensor } from "../../src/index.ts";

/** Bounds of a comparison. */
export interface Bounds {
  readonly rtol: number;
  /** Times the largest finite entry, or `scale` where that is larger. */
  readonly atol: number;
  readonly scale?: number;
}

/** @throws unless `condition` holds */
export function demand(condition: boolean, problem: string | (() => string)): asserts condition {
  if (!condition) throw new Error(typeof problem === "string" ? problem : problem());
}

/** Largest finite absolute value, 0 where there is none. */
export function largest(values: ArrayLike<number>): number {
  let result = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > result && size < Infinity) result = size;
  }
  return result;
}

/** @throws unless shapes agree and values do within the bounds; NaN and infinities exactly */
export function demandClose(
  what: string, actual: Tensor, expected: Tensor, bounds: Bounds,
): void {
  demandShape(what, actual, expected);
  closeValues(what, actual.toTypedArray(), expected.toTypedArray(), bounds);
}

/** @throws unless values agree within the bounds; NaN and infinities exactly */
export function closeValues(
  what: string, actual: ArrayLike<number>, expected: ArrayLike<number>,
  { rtol, atol, scale = 0 }: Bounds,
): void {
  const floor = atol * Math.max(scale, largest(expected));
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i];
    const e = expected[i];
    if (Object.is(a, e) || a === e || Math.abs(a - e) <= rtol * Math.abs(e) + floor) continue;
    throw new Error(`${what}: element ${i} is ${a}, expected ${e} ` +
      `(difference ${Math.abs(a - e)}, bound ${rtol * Math.abs(e) + floor})`);
  }
}

/** @throws unless shape, dtype and every bit of the values agree */
export function demandSame(what: string, actual: Tensor, expected: Tensor): void {
  demandShape(what, actual, expected);
  demand(actual.dtype === expected.dtype,
    `${what}: dtype ${actual.dtype}, expected ${expected.dtype}`);
  const [a, e] = [actual.toTypedArray(), expected.toTypedArray()];
  for (let i = 0; i < e.length; i++) {
    if (Object.is(a[i], e[i])) continue;
    throw new Error(`${what}: element ${i} is ${a[i]}, expected ${e[i]}`);
  }
}

function demandShape(what: string, actual: Tensor, expected: Tensor): void {
  demand(`${actual.shape}` === `${expected.shape}`,
    `${what}: shape [${actual.shape}], expected [${expected.shape}]`);
}

/** What a function throws. */
export function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
}
