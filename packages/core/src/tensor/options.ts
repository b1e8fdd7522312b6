// The check that every options object of a call goes through.
import { fail, show } from "../errors.ts";
import { Tensor } from "./tensor.ts";

/**
 * Checks the options object of a call: nothing but the known names.
 * @throws when it is no object or has an unknown option, naming those there are
 */
export function checkOptions(op: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null || options instanceof Tensor ||
    Array.isArray(options)) {
    fail(op, `options must be an object such as {${known.join(", ")}}, got ${show(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    fail(op, known.length === 0 ? `has no options, got ${name}`
      : `unknown option ${name}; there is ${known.join(", ")}`, { option: name });
  }
}
