// Scalar functions that JavaScript lacks, or defines otherwise than IEEE 754 and PyTorch do.

/** `a ** b` with `1 ** NaN = 1` and `(-1) ** ±∞ = 1`, as C's pow has it. */
export function pow(a: number, b: number): number {
  if (a === 1 || (a === -1 && (b === Infinity || b === -Infinity))) return 1;
  return a ** b;
}

/** Remainder with the sign of the divisor. */
export function remainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** Largest whole number not above `a / b`, free of that quotient's rounding; `a / b` for b = 0. */
export function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b;
  const rest = a % b;
  const below = rest !== 0 && rest < 0 !== b < 0 ? 1 : 0;
  return Math.round((a - rest) / b) - below || a / b * 0; // keeps the sign of zero
}

/** -1, 0 or 1; 0 for NaN. */
export function sign(a: number): number {
  return a > 0 ? 1 : a < 0 ? -1 : 0;
}

/** Nearest whole number, halves to the even one; keeps the sign of zero. */
export function round(a: number): number {
  const floor = Math.floor(a);
  const rest = a - floor;
  if (rest < 0.5) return floor === 0 && (a < 0 || Object.is(a, -0)) ? -0 : floor;
  if (rest > 0.5 || floor % 2 !== 0) return floor === -1 ? -0 : floor + 1;
  return rest === 0.5 ? floor : a;
}
export { erf, erfc } from "./erf.ts";
