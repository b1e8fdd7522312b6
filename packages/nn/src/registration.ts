// Members that are added by name rather than by assigning a field.
import { Tensor } from "@chainrule/core";
import { fail, show } from "@chainrule/core/internal";
import { Buffer } from "./buffer.ts";
import { isModule, slotsOf, type Slot } from "./members.ts";
import type { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";

const ops = {
  parameter: "registerParameter", buffer: "registerBuffer", module: "registerModule",
} as const;

/**
 * Makes `value` the field `name` of a module.
 * @throws when the name cannot be one, is taken by something else, or the value is of another kind
 */
export function register(
  module: Module, name: string, value: Tensor | Module | null, slot: Slot,
): void {
  const { kind } = slot;
  const op = ops[kind];
  if (typeof name !== "string") {
    fail(op, `${kind} name should be a string. Got ${show(name)}`);
  }
  if (name.includes(".")) fail(op, `${kind} name can't contain ".", got ${show(name)}`);
  if (name === "") fail(op, `${kind} name can't be empty string ""`);
  const slots = slotsOf(module);
  if (name in module && slots.get(name)?.kind !== kind) {
    fail(op, `attribute '${name}' already exists`, { name });
  }
  checkValue(op, name, value, kind);
  const field = slot.kind === "buffer" && value instanceof Tensor
    ? new Buffer(value, { persistent: slot.persistent }) : value;
  slots.set(name, slot);
  Object.defineProperty(module, name,
    { value: field, configurable: true, enumerable: true, writable: true });
}

function checkValue(op: string, name: string, value: unknown, kind: Slot["kind"]): void {
  if (value === null) return;
  if (kind === "module" && !isModule(value)) {
    fail(op, `${show(value)} is not a Module subclass`);
  }
  if (kind === "buffer" && !(value instanceof Tensor)) {
    fail(op, `cannot assign '${show(value)}' object to buffer '${name}' (Tensor or null required)`);
  }
  if (kind === "parameter" && !(value instanceof Parameter)) {
    fail(op, `cannot assign '${show(value)}' object to parameter '${name}' ` +
      "(nn.Parameter or null required)");
  }
}
