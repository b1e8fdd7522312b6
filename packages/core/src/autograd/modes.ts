// Whether operations are recorded: a synchronous, dynamically scoped switch.
import { fail, show } from "../errors.ts";

let enabled = true;

/** Whether operations on tensors that require gradients are being recorded. */
export function isGradEnabled(): boolean {
  return enabled;
}

/**
 * Runs `body` with recording switched on or off and restores the mode afterwards.
 * @throws when `body` returns a promise or a generator: what it does after its first `await`, or
 *   when it is iterated, would run in whatever mode happens to be set then
 */
export function setGradEnabled<T>(mode: boolean, body: () => T): T {
  return scoped("setGradEnabled", mode, body);
}

/**
 * Runs `body` without recording: its results require no gradient. In-place writes to leaves are
 * allowed inside.
 * @throws when `body` returns a promise
 * @see https://pytorch.org/docs/stable/generated/torch.no_grad.html
 */
export function noGrad<T>(body: () => T): T {
  return scoped("noGrad", false, body);
}

/**
 * Runs `body` with recording, inside `noGrad`.
 * @throws when `body` returns a promise
 */
export function enableGrad<T>(body: () => T): T {
  return scoped("enableGrad", true, body);
}

function scoped<T>(op: string, mode: boolean, body: () => T): T {
  if (typeof body !== "function") {
    fail(op, `takes a function and runs it in that mode, as in ${op}(() => …); got ${show(body)}`);
  }
  if (isAsyncFunction(body)) refuse(op);
  const before = enabled;
  enabled = mode;
  try {
    const result = body();
    if (isThenable(result)) {
      result.then(undefined, () => {}); // its own failure must not surface as unhandled
      refuse(op);
    }
    if (isGenerator(result)) {
      fail(op, "the callback returned a generator, whose body runs later, in whatever mode is " +
        `set then: open ${op}(() => …) inside it, or around the loop that runs it`);
    }
    return result;
  } finally {
    enabled = before;
  }
}

function refuse(op: string): never {
  fail(op, "the callback returned a promise; a grad mode cannot span an await, because other " +
    `code runs meanwhile. Await first, then open ${op}(() => …) around each synchronous part`);
}

function isAsyncFunction(body: unknown): boolean {
  return Object.prototype.toString.call(body) === "[object AsyncFunction]";
}

function isGenerator(value: unknown): boolean {
  return /^\[object (Async)?Generator\]$/.test(Object.prototype.toString.call(value));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
