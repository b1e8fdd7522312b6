// Finding one member of a module by its path.
import type { Tensor } from "@chainrule/core";
import { fail, show } from "@chainrule/core/internal";
import type { Module } from "./module.ts";
import { join, walk } from "./walk.ts";

/** What can be looked up, and how messages call it. */
const kinds = {
  module: ["getSubmodule", "an nn.Module"],
  parameter: ["getParameter", "an nn.Parameter"],
  buffer: ["getBuffer", "a buffer"],
} as const;

/**
 * The member of one kind at `path`.
 * @throws when the path leads nowhere, naming the first part that is missing, or to something else
 */
export function find(root: Module, kind: keyof typeof kinds, path: string): Module | Tensor {
  const [op, expected] = kinds[kind];
  if (typeof path !== "string") fail(op, `a path is a string, got ${show(path)}`);
  const everything = { removeDuplicate: false };
  const modules = new Map(walk(root, "", false));
  const candidates = {
    module: modules,
    parameter: new Map(root.namedParameters(everything)),
    buffer: new Map(root.namedBuffers(everything)),
  };
  const found = candidates[kind].get(path);
  if (found !== undefined) return found;
  if (Object.values(candidates).some((named) => named.has(path))) {
    fail(op, `\`${path}\` is not ${expected}`, { path });
  }
  const owner = ownerOf(modules, path);
  const rest = owner === "" ? path : path.slice(owner.length + 1);
  return fail(op, `${modules.get(owner)!.constructor.name} has no attribute ` +
    `\`${firstMissing([...modules.keys()], owner, rest)}\``, { path });
}

/** Name of the deepest module that `path` begins with. */
function ownerOf(modules: ReadonlyMap<string, Module>, path: string): string {
  const parts = path.split(".");
  for (let count = parts.length - 1; count > 0; count--) {
    const name = parts.slice(0, count).join(".");
    if (modules.has(name)) return name;
  }
  return "";
}

/** The beginning of `rest` that leads nowhere; items of arrays count as one with their field. */
function firstMissing(names: readonly string[], owner: string, rest: string): string {
  const parts = rest.split(".");
  for (let count = 1; count < parts.length; count++) {
    const start = parts.slice(0, count).join(".");
    if (!names.some((name) => name.startsWith(`${join(owner, start)}.`))) return start;
  }
  return rest;
}
