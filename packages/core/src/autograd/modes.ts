/// <reference lib="esnext.disposable" preserve="true" />
// Whether operations are recorded: synchronous, dynamically scoped, for a callback or by a guard.
import { fail, show } from "../errors.ts";
import { refuseAsync, refuseUnfinished } from "./synchronous.ts";

let enabled = true;

/** How many callbacks are running in a mode of their own. */
let depth = 0;

/** The guard opened last of those that are open. */
let top: Guard | null = null;

/** Whether the guards that are open will be looked at when the code that runs has returned. */
let isWatched = false;

/** What a mode function gives when it is called without a callback: `using` closes it. */
export interface GradModeGuard {
  /**
   * Sets the mode that was set before this was opened; calling it again does nothing.
   * @throws when the guard has crossed an `await` or a `yield`, or is not the one opened last
   */
  [Symbol.dispose](): void;
}

/** Whether operations on tensors that require gradients are being recorded. */
export function isGradEnabled(): boolean {
  return enabled;
}

/**
 * Runs `body` with recording switched on or off and restores the mode afterwards.
 * @throws when `body` returns a promise or a generator: what it does after its first `await`, or
 *   when it is iterated, would run in whatever mode happens to be set then
 */
export function setGradEnabled<T>(mode: boolean, body: () => T): T;
/** Switches recording on or off until the guard is closed: `using guard = setGradEnabled(…)`. */
export function setGradEnabled(mode: boolean): GradModeGuard;
export function setGradEnabled<T>(mode: boolean, body?: () => T): T | GradModeGuard {
  if (typeof mode !== "boolean") {
    fail("setGradEnabled", `takes true or false first, got ${show(mode)}`);
  }
  return arguments.length < 2
    ? new Guard("setGradEnabled", mode) : scoped("setGradEnabled", mode, body!);
}

/**
 * Runs `body` without recording: its results require no gradient. In-place writes to leaves are
 * allowed inside.
 * @throws when `body` returns a promise
 * @see https://pytorch.org/docs/stable/generated/torch.no_grad.html
 */
export function noGrad<T>(body: () => T): T;
/**
 * Stops recording until the guard is closed, at the end of the block that says
 * `using guard = noGrad()`. For synchronous code: a guard that crosses an `await` is reported.
 */
export function noGrad(): GradModeGuard;
export function noGrad<T>(body?: () => T): T | GradModeGuard {
  return arguments.length === 0 ? new Guard("noGrad", false) : scoped("noGrad", false, body!);
}

/**
 * Runs `body` with recording, inside `noGrad`.
 * @throws when `body` returns a promise
 */
export function enableGrad<T>(body: () => T): T;
/** Records until the guard is closed, at the end of the block: `using guard = enableGrad()`. */
export function enableGrad(): GradModeGuard;
export function enableGrad<T>(body?: () => T): T | GradModeGuard {
  return arguments.length === 0
    ? new Guard("enableGrad", true) : scoped("enableGrad", true, body!);
}

function scoped<T>(op: string, mode: boolean, body: () => T): T {
  if (typeof body !== "function") {
    fail(op, `takes a function and runs it in that mode, as in ${op}(() => …); got ${show(body)}`);
  }
  refuseAsync(op, body);
  const before = enabled;
  enabled = mode;
  depth++;
  try {
    const result = body();
    refuseUnfinished(op, result);
    return result;
  } finally {
    depth--;
    enabled = before;
    if (top !== null) closeWithin();
  }
}

/** Named like this where the language does not have it, as compilers that lower `using` do. */
const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

class Guard implements GradModeGuard {
  readonly op: string;
  /** The mode to go back to. */
  readonly before = enabled;
  /** The guard that was opened last before this one. */
  readonly below = top;
  /** How many callbacks were running when it was opened. */
  readonly depth = depth;
  state: "open" | "abandoned" | "closed" = "open";
  readonly #trace: Error;

  constructor(op: string, mode: boolean) {
    this.op = op;
    this.#trace = traced();
    top = this;
    enabled = mode;
    if (isWatched) return;
    isWatched = true;
    queueMicrotask(closeAbandoned);
  }

  /** Where it was opened, as engines say it. */
  get place(): string {
    const frames = (this.#trace.stack ?? "").split("\n").filter((line) => / at |@/.test(line));
    return frames[3]?.trim().replace(/^at /, "") ?? "a place the engine does not tell";
  }

  [dispose](): void {
    const { op, state } = this;
    this.state = "closed";
    if (state === "closed") return;
    if (state === "abandoned") fail(op, whyAbandoned(this));
    const last = top!;
    const isLast = last === this && this.depth === depth;
    closeFinished();
    if (isLast) return;
    fail(op, `the guard opened at ${this.place} was closed inside ` + (last === this
      ? "a callback that runs in a mode of its own"
      : `the scope of ${last.op}, opened at ${last.place}`) +
      ": scopes end in the reverse order of their beginnings, so it has crossed a yield");
  }
}

/** Knows who called: this, the guard, the function that made it, and the caller of that. */
function traced(): Error {
  const engine = Error as { stackTraceLimit?: number };
  const limit = engine.stackTraceLimit;
  if (limit !== undefined) engine.stackTraceLimit = 4; // half the time of ten
  const trace = new Error();
  if (limit !== undefined) engine.stackTraceLimit = limit;
  return trace;
}

/** Goes back to the mode before the guards that are closed and have nothing above them. */
function closeFinished(): void {
  while (top !== null && top.state === "closed" && top.depth === depth) {
    enabled = top.before;
    top = top.below;
  }
}

/** Ends the guards that a callback has opened and not closed. */
function closeWithin(): void {
  while (top !== null && top.depth > depth) abandon();
  closeFinished();
}

/** Ends all guards: this runs on its own, so whatever opened them has returned. */
function closeAbandoned(): void {
  isWatched = false;
  while (top !== null) {
    enabled = top.before;
    abandon();
  }
}

function abandon(): void {
  const guard = top!;
  top = guard.below;
  if (guard.state !== "open") return;
  guard.state = "abandoned";
  console.warn(`${guard.op}: ${whyAbandoned(guard)}`);
}

function whyAbandoned({ op, place }: Guard): string {
  return `the guard opened at ${place} was still open when the code that opened it had returned. ` +
    "It has crossed an await or a yield, which a grad mode cannot span because other code runs " +
    "meanwhile, or was never closed. The mode before it has been set again. Await first, then " +
    `open ${op}(() => …), or a guard, in each synchronous part`;
}
