// What went wrong outside this package, for the messages of this package.

/** The message of whatever was thrown, with its cause, which is where `fetch` puts the reason. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
