// Walks over a tree of modules by name.
import { membersOf } from "./members.ts";
import type { Module } from "./module.ts";

/** Name of a member inside the module called `prefix`. */
export function join(prefix: string, name: string): string {
  return prefix === "" ? name : `${prefix}.${name}`;
}

/**
 * A module and everything below it, parents first, with full names. With `removeDuplicate` each
 * module comes once, under its first name; without, once per name (cycles are cut).
 */
export function walk(
  root: Module, prefix: string, removeDuplicate: boolean,
): (readonly [string, Module])[] {
  const result: (readonly [string, Module])[] = [];
  const seen = new Set<Module>();
  const visit = (name: string, module: Module): void => {
    if (seen.has(module)) return;
    seen.add(module);
    result.push([name, module]);
    for (const [key, child] of membersOf(module).modules) visit(join(name, key), child);
    if (!removeDuplicate) seen.delete(module);
  };
  visit(prefix, root);
  return result;
}

/** The entries whose value did not occur before. */
export function distinct<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  const seen = new Set<T>();
  return entries.filter(([, value]) => !seen.has(value) && seen.add(value));
}
