// The state of the default generator, as a whole and for the length of one call.
import { fail, show } from "../errors.ts";
import { defaultGenerator, type GeneratorState } from "./generator.ts";

/** A copy of the default generator's state, for `setRngState`. */
export function getRngState(): GeneratorState {
  return defaultGenerator.getState();
}

/**
 * Continues the default generator from where `getRngState` was called.
 * @throws when `state` did not come from `getRngState`
 */
export function setRngState(state: GeneratorState): void {
  defaultGenerator.setState(state);
}

/**
 * Runs `body` and then puts the default generator back to where it was, whatever `body` drew.
 * @throws when `body` returns a promise: other code would draw in between
 * @see https://pytorch.org/docs/stable/random.html#torch.random.fork_rng
 */
export function forkRng<T>(body: () => T): T {
  if (typeof body !== "function") {
    fail("forkRng", `takes a function, as in forkRng(() => …); got ${show(body)}`);
  }
  const state = defaultGenerator.getState();
  try {
    const result: unknown = body();
    if (typeof result === "object" && result !== null && "then" in result) {
      Promise.resolve(result).catch(() => {}); // its own failure must not surface as unhandled
      fail("forkRng", "the callback returned a promise; the state cannot be kept across an " +
        "await, because other code may draw meanwhile. Use a Generator of your own there");
    }
    return result as T;
  } finally {
    defaultGenerator.setState(state);
  }
}
