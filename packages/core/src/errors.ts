// The one error class of the library and the way every check raises it.

/** What was wrong, in data: the op that refused and the values it was given. */
export interface ErrorDetails {
  readonly [name: string]: unknown;
}

/** Refusal of an operation: `message` starts with the op's name, `details` holds the values. */
export class ChainruleError extends Error {
  override readonly name = "ChainruleError";
  readonly op: string;
  readonly details: ErrorDetails;

  constructor(op: string, problem: string, details: ErrorDetails = {}) {
    super(`${op}: ${problem}`);
    this.op = op;
    this.details = details;
  }
}

/**
 * Refuses an operation.
 * @throws ChainruleError always, with the message `op: problem`
 */
export function fail(op: string, problem: string, details?: ErrorDetails): never {
  throw new ChainruleError(op, problem, details);
}

/** A value as error messages show it: short, and telling strings from numbers. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return value.name ? `function ${value.name}` : "a function";
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map(show).join(", ");
    return `[${items}${value.length > 8 ? ", …" : ""}]`;
  }
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (typeof value === "object" && value !== null) {
    const name = value.constructor?.name;
    return name && name !== "Object" ? name : `{${Object.keys(value).slice(0, 8).join(", ")}}`;
  }
  return String(value);
}
