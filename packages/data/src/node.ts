// Node's own modules, reached so that a browser or a bundler never sees an import of them.
import { fail } from "@chainrule/core/internal";

interface Builtins {
  "node:crypto": typeof import("node:crypto");
  "node:fs": typeof import("node:fs");
  "node:path": typeof import("node:path");
  "node:util": typeof import("node:util");
  "node:zlib": typeof import("node:zlib");
}

/** Whether Node's modules are there. */
export function isNode(): boolean {
  return typeof globalThis.process?.getBuiltinModule === "function";
}

/**
 * One of Node's modules, synchronously.
 * @throws ChainruleError in a browser, naming the operation that needs files
 */
export function builtin<Id extends keyof Builtins>(id: Id, op: string): Builtins[Id] {
  if (!isNode()) fail(op, `needs ${id}, which only Node (20.16 or newer) has`);
  return process.getBuiltinModule(id as string) as Builtins[Id];
}
