// The bounds of the conformance fixtures' README, and comparison within them.
import type { DType, Tensor } from "../../src/index.ts";
import { closeValues, demand, largest, type Bounds } from "../laws/expect.ts";
import { decodeNumber, type TensorData } from "./decode.ts";

/** What is compared. */
export type Quantity = "output" | "gradient" | "second order";

const float64: Readonly<Record<Quantity, number>> =
  { output: 1e-10, gradient: 1e-9, "second order": 1e-8 };

/** What a case says about its own tolerance. */
export interface Precision {
  readonly id?: string;
  readonly ns: string;
  readonly rtol?: number;
  /** Largest number of the case; what is smaller by 1e-12 is PyTorch's rounding and means 0. */
  readonly largest?: number;
}

/**
 * Size of the terms that cancel to a true zero, where they exceed all numbers that a case states:
 * `a / a` has the gradient `g / a - g / a`, and `|g / a|` reaches 7.8 in its fixture.
 */
const termsOf: { readonly [id: string]: number } = { "div/5": 7.8 };

/** The bounds for a quantity computed in a dtype. */
export function boundsOf(
  quantity: Quantity, dtype: DType, { id = "", ns, rtol, largest: scale = 0 }: Precision,
  expected: TensorData | null,
): Bounds {
  const own = largest(expected?.data.map(decodeNumber) ?? []);
  const cancelled = { scale: own < 1e-12 * scale ? (termsOf[id] ?? scale) : own };
  if (dtype === "float64") return { rtol: rtol ?? float64[quantity], atol: 1e-12, ...cancelled };
  const conditioning = ns === "linalg" || rtol !== undefined ? 10 : 1;
  return { rtol: 2e-5 * conditioning, atol: 1e-6 * conditioning, ...cancelled };
}

/**
 * @throws unless a result is what the fixture states; `null` there means zeros or nothing
 * @param binding which elements count
 */
export function demandExpected(
  what: string, actual: Tensor | null, expected: TensorData | null, bounds: Bounds,
  binding: (position: number) => boolean = () => true,
): void {
  if (expected === null || actual === null) {
    const values = actual?.toTypedArray() ?? expected?.data.map(decodeNumber) ?? [];
    const zero = bounds.atol * (bounds.scale ?? 0);
    demand([...values].every((value, i) => Math.abs(value) <= zero || !binding(i)),
      () => `${what}: ${actual === null ? "nothing" : "a value"} where PyTorch has ` +
        `${expected === null ? "nothing" : "a value"}: ${[...values]}`);
    return;
  }
  demand(`${actual.shape}` === `${expected.shape}`,
    `${what}: shape [${actual.shape}], expected [${expected.shape}]`);
  const isFloat32 = actual.dtype === "float32";
  const wanted = expected.data.map(decodeNumber)
    .map((value) => isFloat32 ? Math.fround(value) : value);
  const values = actual.toTypedArray();
  closeValues(what, values, wanted.map((value, i) => binding(i) ? value : values[i]),
    actual.isFloatingPoint() ? bounds : { rtol: 0, atol: 0 });
}
