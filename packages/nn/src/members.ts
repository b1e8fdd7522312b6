// What belongs to a module: parameters, buffers and submodules, found in its own fields.
import { Tensor } from "@chainrule/core";
import { fail, show } from "@chainrule/core/internal";
import { Buffer } from "./buffer.ts";
import type { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

/** The method by which a module tells its named members: own fields, or a container's items. */
export const members: unique symbol = Symbol("chainrule.members");

/** A buffer with its place in the state dict. */
export interface NamedBuffer {
  readonly name: string;
  readonly buffer: Tensor;
  readonly persistent: boolean;
}

/** The members of one module, in the order of its fields. */
export interface Members {
  readonly parameters: (readonly [string, Parameter])[];
  readonly buffers: NamedBuffer[];
  readonly modules: (readonly [string, Module])[];
}

/** What a field held when it was last looked at: what it may become depends on it. */
export type Slot =
  | { readonly kind: "parameter" | "module" }
  | { readonly kind: "buffer"; readonly persistent: boolean };

const slotsByModule = new WeakMap<Module, Map<string, Slot>>();

/** The slots of a module by field name. */
export function slotsOf(module: Module): Map<string, Slot> {
  let slots = slotsByModule.get(module);
  if (slots === undefined) slotsByModule.set(module, slots = new Map());
  return slots;
}

/** Whether a value is a module. */
export function isModule(value: unknown): value is Module {
  return typeof value === "function" && members in value;
}

/**
 * Parameters, buffers and submodules of one module; arrays and Maps are looked into, their items
 * named `field.key`.
 * @throws when a field has been given something that its kind forbids, such as a plain tensor in
 *   place of a parameter
 */
export function membersOf(module: Module): Members {
  const found: Members = { parameters: [], buffers: [], modules: [] };
  const slots = slotsOf(module);
  const names = new Set<string>();
  for (const [name, value] of module[members]()) {
    names.add(name);
    const slot = slots.get(name);
    if (slot?.kind === "buffer" && value instanceof Tensor && !isParameter(value)) {
      const { persistent } = value instanceof Buffer ? value : slot;
      found.buffers.push({ name, buffer: value, persistent });
      continue;
    }
    checkSlot(module, name, slot, value);
    const kind = kindOf(value);
    if (kind !== null) slots.set(name, kind);
    collect(name, value, found, []);
  }
  for (const name of slots.keys()) if (!names.has(name)) slots.delete(name);
  return found;
}

/** Tensors that stand in the place of a parameter while a functional call runs. */
export const standIns: WeakSet<object> = new WeakSet();

function isParameter(value: unknown): value is Parameter {
  return value instanceof Parameter || (value instanceof Tensor && standIns.has(value));
}

function kindOf(value: unknown): Slot | null {
  if (isParameter(value)) return { kind: "parameter" };
  if (value instanceof Buffer) return { kind: "buffer", persistent: value.persistent };
  return isModule(value) ? { kind: "module" } : null;
}

function collect(name: string, value: unknown, found: Members, within: readonly unknown[]): void {
  if (typeof value !== "object" && typeof value !== "function") return;
  if (isParameter(value)) found.parameters.push([name, value]);
  else if (value instanceof Buffer) {
    found.buffers.push({ name, buffer: value, persistent: value.persistent });
  } else if (isModule(value)) found.modules.push([name, value]);
  else if ((Array.isArray(value) || value instanceof Map) && !within.includes(value)) {
    for (const [key, item] of value.entries()) {
      collect(`${name}.${key}`, item, found, [...within, value]);
    }
  }
}

/** What a field of each kind accepts besides parameters and modules, and how messages say so. */
const accepted = {
  parameter: ["parameter", "nn.Parameter or null"],
  buffer: ["buffer", "Tensor or null"],
  module: ["child module", "nn.Module or null"],
} as const;

function checkSlot(module: Module, name: string, slot: Slot | undefined, value: unknown): void {
  if (slot === undefined || value === null || value === undefined) return;
  if (isParameter(value) || (isModule(value) && slot.kind !== "parameter")) return;
  const [kind, expected] = accepted[slot.kind];
  fail(module.constructor.name,
    `cannot assign '${show(value)}' as ${kind} '${name}' (${expected} expected)`,
    { field: name, value });
}
