// The list of what the fixtures know and this package still lacks.
import { readFileSync } from "node:fs";

/** Sorted names: functions, layers, and steps of random streams. */
export const missing = JSON.parse(
  readFileSync(new URL("./missing.json", import.meta.url), "utf8")) as {
  functional: string[]; layers: string[]; streams: string[];
};
