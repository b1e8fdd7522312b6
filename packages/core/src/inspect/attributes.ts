// Settings of an operation in a few words.
import type { Differentiable } from "../autograd/node.ts";
import { PointwiseOp } from "../ops/pointwise.ts";
import { showShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";

const longest = 60;

/** Attributes as `dim: 1, keepdim: true`: what is missing or false is left out, long lists cut. */
export function describeAttributes(op: Differentiable, attributes: unknown): string {
  if (op instanceof PointwiseOp) return describeScalars(op, attributes as readonly number[]);
  const text = isRecord(attributes)
    ? Object.entries(attributes).filter(([, value]) => ![undefined, null, false].includes(value))
      .map(([name, value]) => `${name}: ${describe(value)}`).join(", ")
    : attributes === null || attributes === undefined ? ""
      : Array.isArray(attributes) ? attributes.slice(0, 9).map(describe).join(", ")
        : describe(attributes);
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

function describeScalars(
  { scalars, defaults }: PointwiseOp, values: readonly number[],
): string {
  return scalars.map((name, i) => values[i] === defaults[i] ? "" : `${name}: ${values[i]}`)
    .filter((text) => text !== "").join(", ");
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !ArrayBuffer.isView(value) && !(value instanceof Tensor);
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return `tensor ${showShape(value.shape)}`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const list = value as unknown as ArrayLike<unknown>;
    const items = Array.from({ length: Math.min(list.length, 8) }, (_, i) => describe(list[i]));
    return `[${items.join(", ")}${list.length > 8 ? ", …" : ""}]`;
  }
  if (typeof value === "object" && value !== null) return "{…}";
  return typeof value === "function" ? "function" : String(value);
}
