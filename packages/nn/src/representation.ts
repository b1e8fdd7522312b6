// How a module prints: its name, its settings and its children, as PyTorch lays them out.
import { membersOf } from "./members.ts";
import type { Module } from "./module.ts";

/** The text of a module; a module that contains itself is shown as `Name(…)` there. */
export function represent(module: Module, within: readonly Module[] = []): string {
  const name = module.constructor.name;
  if (within.includes(module)) return `${name}(…)`;
  const extra = module.extraRepr();
  const settings = extra === "" ? [] : extra.split("\n");
  const children = membersOf(module).modules.map(([key, child]) =>
    `(${key}): ${represent(child, [...within, module])}`);
  if (children.length === 0 && settings.length < 2) return `${name}(${extra})`;
  const lines = [...settings, ...children].map((line) => `  ${line.replaceAll("\n", "\n  ")}\n`);
  return `${name}(\n${lines.join("")})`;
}

/** Settings as layers print them: `name=value, …`; strings are quoted. */
export function settings(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${typeof value === "string" ? `'${value}'` : shown(value)}`)
    .join(", ");
}

function shown(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value.length === 1 ? `(${value[0]},)` : `(${value.join(", ")})`;
}
