// How this package refuses: an error whose message starts with the op, and whose details are data.

/** Refusal of a data operation: `message` is `op: problem`, `details` holds the values. */
export class DataError extends Error {
  override readonly name = "DataError";
  readonly op: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(op: string, problem: string, details: Record<string, unknown> = {}) {
    super(`${op}: ${problem}`);
    this.op = op;
    this.details = details;
  }
}

/**
 * Refuses an operation.
 * @throws DataError always, with the message `op: problem`
 */
export function fail(op: string, problem: string, details?: Record<string, unknown>): never {
  throw new DataError(op, problem, details);
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
  if (typeof value === "object" && value !== null) return value.constructor?.name ?? "an object";
  return String(value);
}

/** The message of whatever was thrown, with its cause, which is where `fetch` puts the reason. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
