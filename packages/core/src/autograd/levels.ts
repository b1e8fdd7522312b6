// The levels of vmap that are running: which there are, and what random numbers are to them.
import { fail } from "../errors.ts";
import { newLevel, type Level } from "../storage/batched.ts";

/** Random ops under vmap: refused, drawn anew for each sample, or drawn once for all. */
export type Randomness = "error" | "different" | "same";

interface Running {
  readonly level: Level;
  readonly randomness: Randomness;
}

let running: readonly Running[] = [];

/** Runs `body` inside a new level. */
export function insideLevel<T>(
  size: number, randomness: Randomness, body: (level: Level) => T,
): T {
  const outer = running;
  const level = newLevel(size);
  running = [...outer, { level, randomness }];
  try {
    return body(level);
  } finally {
    running = outer;
  }
}

/** Whether code runs inside a level: what it computes is per sample. */
export function isInside(level: Level): boolean {
  return running.some((one) => one.level === level);
}

/** Whether code runs inside any level. */
export function isInsideVmap(): boolean {
  return running.length > 0;
}

/**
 * The levels for each of whose samples random numbers are to be drawn.
 * @throws inside a level that does not say how
 */
export function drawnLevels(op: string): readonly Level[] {
  if (running.some(({ randomness }) => randomness === "error")) {
    fail(op, "vmap: called random operation while in randomness error mode. Please either use " +
      "the 'same' or 'different' randomness flags on vmap or perform the randomness operation " +
      "out of vmap");
  }
  return running.filter(({ randomness }) => randomness === "different").map(({ level }) => level);
}
