// Callbacks that must be done when they return: what runs later would run in another mode.
import { fail } from "../errors.ts";

/** @throws when calling `body` would give a promise: nothing of it has run yet */
export function refuseAsync(op: string, body: unknown): void {
  if (Object.getPrototypeOf(body) !== Function.prototype && // a third of the time of the rest
    Object.prototype.toString.call(body) === "[object AsyncFunction]") refuse(op);
}

/** @throws when what a callback returned shows that part of it is still to run */
export function refuseUnfinished(op: string, result: unknown): void {
  if (isThenable(result)) {
    result.then(undefined, () => {}); // its own failure must not surface as unhandled
    refuse(op);
  }
  if (isGenerator(result)) {
    fail(op, "the callback returned a generator, whose body runs later, in whatever mode is " +
      `set then: open ${op}(() => …) inside it, or around the loop that runs it`);
  }
}

/** Whether a value is a promise or like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

function isGenerator(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    /^\[object (Async)?Generator\]$/.test(Object.prototype.toString.call(value));
}

function refuse(op: string): never {
  fail(op, "the callback returned a promise; a grad mode cannot span an await, because other " +
    `code runs meanwhile. Await first, then open ${op}(() => …) around each synchronous part`);
}
