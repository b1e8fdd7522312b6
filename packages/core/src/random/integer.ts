// Integer-valued fills: randint, random_ and randperm.
import { fail, show } from "../errors.ts";
import type { Generator } from "./generator.ts";

/** Every array that random integers can go to; `Uint8Array` holds bools. */
export type IntegerTarget = Float32Array | Float64Array | Int32Array | Uint8Array;

/** The range in which an array holds every integer exactly. */
function integerRange(values: IntegerTarget): { name: string; min: number; max: number } {
  if (values instanceof Int32Array) return { name: "int32", min: -(2 ** 31), max: 2 ** 31 - 1 };
  if (values instanceof Uint8Array) return { name: "bool", min: 0, max: 1 };
  if (values instanceof Float32Array) return { name: "float32", min: -(2 ** 24), max: 2 ** 24 };
  return { name: "float64", min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };
}

/**
 * Fills with integers from `low` to `high − 1`: one word each, two if the range is `2³²` or more.
 * @throws unless `low < high` are integers whose range the array holds exactly
 */
export function fillRandint(
  generator: Generator, values: IntegerTarget, low: number, high: number, op = "randint",
): void {
  checkRange(op, values, low, high);
  const n = values.length;
  const range = high - low;
  if (range < 2 ** 32) {
    for (let i = 0; i < n; i++) values[i] = below(generator, range) + low;
  } else {
    const wide = BigInt(high) - BigInt(low);
    for (let i = 0; i < n; i++) values[i] = Number(generator.u64() % wide + BigInt(low));
  }
}

function checkRange(op: string, values: IntegerTarget, low: number, high: number): void {
  const details = { low, high };
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) {
    fail(op, "low and high must be integers, " +
      `but got ${show(low)} and ${show(high)}`, details);
  }
  if (low >= high) {
    fail(op, "expects 'from' to be less than 'to', " +
      `but got from=${low} >= to=${high}`, details);
  }
  const { name, min, max } = integerRange(values);
  if (low < min) fail(op, `from is out of bounds for ${name}: ${low} < ${min}`, details);
  if (high - 1 > max) {
    fail(op, `to - 1 is out of bounds for ${name}: ${high - 1} > ${max}`, details);
  }
}

/** Fills with integers from 0 to the largest up to which the array's dtype holds all of them. */
export function fillRandom(generator: Generator, values: IntegerTarget): void {
  const n = values.length;
  if (values instanceof Float64Array) {
    for (let i = 0; i < n; i++) values[i] = Number(generator.u64() % (2n ** 53n + 1n));
  } else {
    const range = integerRange(values).max + 1;
    for (let i = 0; i < n; i++) values[i] = below(generator, range);
  }
}

/** `u32 % range` for a range below 2³²; the shifts keep the division in 32 bits. */
function below(generator: Generator, range: number): number {
  return (generator.u32() % (range >>> 0)) >>> 0;
}

/**
 * A random order of `0…n−1` (Fisher–Yates): one word for every element but the last.
 * @throws unless `n` is an integer from 0 to 2³¹ − 1
 */
export function randperm(generator: Generator, n: number): Int32Array {
  if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31) {
    fail("randperm", `n must be an integer from 0 to 2**31 - 1, but got ${show(n)}`, { n });
  }
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  for (let i = 0; i < n - 1; i++) {
    const j = i + below(generator, n - i);
    const value = order[j];
    order[j] = order[i];
    order[i] = value;
  }
  return order;
}
