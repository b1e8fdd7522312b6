// Lines of the user's code: which one called an operation. Kept only while `detectAnomaly` runs.

const traces = new WeakMap<object, Error>();

/** Frames to keep: modules inside modules are many calls away from the user's code. */
const DEPTH = 60;

/** Remembers which line of the user's code is running, for a node or for memory that is written. */
export function keepTrace(owner: object): void {
  traces.set(owner, here());
}

/** The line that was remembered, as `file:line:column`; `null` where none was. */
export function lineOf(owner: object): string | null {
  const trace = traces.get(owner);
  return trace === undefined ? null : userLine(trace);
}

/** The line of the user's code that is running. */
export function currentLine(): string | null {
  return userLine(here());
}

/** The same as a part of a sentence: ` at file:line:column`, or nothing. */
export function atLine(owner: object): string {
  const line = lineOf(owner);
  return line === null ? "" : ` at ${line}`;
}

function here(): Error {
  const engine = Error as { stackTraceLimit?: number };
  const limit = engine.stackTraceLimit;
  if (limit !== undefined) engine.stackTraceLimit = DEPTH;
  const trace = new Error();
  if (limit !== undefined) engine.stackTraceLimit = limit;
  return trace;
}

const place = /^(?:\s*at )?(?:.*[(@])?(.+?:\d+:\d+)\)?$/;

/** The first frame that lies in no package of ours. */
function userLine({ stack }: Error): string | null {
  for (const frame of `${stack}`.split("\n")) {
    const [, found] = place.exec(frame.trim()) ?? [];
    if (found === undefined || /^node:|[\\/]node_modules[\\/]vitest[\\/]/.test(found)) continue;
    const path = normal(found);
    if (!isOurs(path)) return path;
  }
  return null;
}

function normal(path: string): string {
  const url = path.replace(/^async /, "").replace(/\\/g, "/");
  return url.replace(/^file:\/\/(?:\/(?=[A-Za-z]:))?/, "");
}

/** The folder that holds this package and its siblings. */
const packages = normal(import.meta.url).replace(/[^/]+\/(src|dist)\/.*$/, "");

const sibling = /^(core|nn|optim|data)\/(src|dist)\//;

function isOurs(path: string): boolean {
  const scope = path.lastIndexOf("/@chainrule/");
  return (scope >= 0 && sibling.test(path.slice(scope + 12))) ||
    (path.startsWith(packages) && sibling.test(path.slice(packages.length)));
}
