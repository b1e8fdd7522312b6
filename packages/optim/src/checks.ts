// Checks of hyper-parameters that several optimizers share.
import { fail, show } from "@chainrule/core/internal";

/**
 * Checks a hyper-parameter that may not be negative.
 * @throws when it is not a number ≥ 0
 */
export function checkAtLeastZero(op: string, name: string, value: unknown): void {
  if (typeof value !== "number" || !(value >= 0)) fail(op, `Invalid ${name}: ${show(value)}`);
}

/**
 * Checks a switch.
 * @throws when it is not `true` or `false`
 */
export function checkBoolean(op: string, name: string, value: unknown): void {
  if (typeof value !== "boolean") fail(op, `${name} must be true or false, got ${show(value)}`);
}

/**
 * Checks the decay rates of running averages.
 * @throws when they are not two numbers in `[0, 1)`
 */
export function checkBetas(op: string, betas: readonly [number, number]): void {
  if (!Array.isArray(betas) || betas.length !== 2) {
    fail(op, `betas must be two numbers, got ${show(betas)}`);
  }
  betas.forEach((beta, i) => {
    if (typeof beta !== "number" || !(beta >= 0 && beta < 1)) {
      fail(op, `Invalid beta parameter at index ${i}: ${show(beta)}`);
    }
  });
}
