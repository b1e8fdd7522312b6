// Tangents that tensors carry in forward mode, one per level, and which levels are followed.
import { fail } from "../errors.ts";
import { showShape } from "../shape/dims.ts";
import { Tensor, type Tangent } from "../tensor/tensor.ts";
import { isGradEnabled } from "./modes.ts";

/** The levels whose tangents are followed, oldest first. */
export let levels: readonly number[] = [];

/** Whether there is any level: all that an op looks at while forward mode is off. */
export let isForward = false;

let created = 0;

/** Follows these levels only. */
export function setLevels(active: readonly number[]): void {
  levels = active;
  isForward = active.length > 0;
}

/** Runs `body` with a new level, the innermost one. Its number is never used again. */
export function withLevel<T>(body: (level: number) => T): T {
  const outer = levels;
  const level = ++created;
  setLevels([...outer, level]);
  try {
    return body(level);
  } finally {
    setLevels(outer);
  }
}

/** The tangent of a tensor at one level; `null` where it does not depend on that level's inputs. */
export function tangentAt(tensor: Tensor, level: number): Tensor | null {
  if (tensor.tangents === null) return null;
  for (const tangent of tensor.tangents) if (tangent.level === level) return tangent.value;
  return null;
}

/** Gives a tensor its tangent at one level. */
export function attach(tensor: Tensor, level: number, value: Tensor): void {
  tensor.tangents = [...without(tensor, level), { level, value }];
}

/** Takes the tangent of one level off a tensor. */
export function strip(tensor: Tensor, level: number): void {
  const others = without(tensor, level);
  tensor.tangents = others.length === 0 ? null : others;
}

function without({ tangents }: Tensor, level: number): readonly Tangent[] {
  return (tangents ?? []).filter((tangent) => tangent.level !== level);
}

/** A tensor's memory and tangents without its history. */
export function withoutHistory(tensor: Tensor): Tensor {
  const { storage, shape, strides, offset, tangents } = tensor;
  const result = new Tensor(storage, shape, strides, offset);
  result.tangents = tangents;
  return result;
}

/** Whether a tensor depends on the inputs of a level that is followed. */
export function isDual(input: Tensor | number): boolean {
  return isForward && typeof input !== "number" && input.tangents !== null &&
    input.tangents.some(({ level }) => levels.includes(level));
}

/**
 * Checks an in-place write before anything is changed: tangents of a base and its views are
 * tensors of their own, so a write to one would leave the others wrong.
 * @throws when the target has views or is one, and it or what is written has a tangent
 */
export function checkDualWrite(op: string, target: Tensor, inputs: readonly (Tensor | number)[],
): void {
  if (!isForward || (target.base === null && !target.viewed)) return;
  if (!isDual(target) && !inputs.some(isDual) && !(target.base !== null && isDual(target.base))) {
    return;
  }
  fail(op, "an in-place write in forward mode to a tensor that is a view or has views is not " +
    `supported: shape ${showShape(target.shape)}. Use the op without underscore, or clone() the ` +
    "tensor before the write", { shape: target.shape });
}

/**
 * Whether what a gradient rule computes may be differentiated in turn, so that it must be made of
 * ops: while recording, and in forward mode.
 */
export function isDifferentiating(): boolean {
  return isForward || isGradEnabled();
}
