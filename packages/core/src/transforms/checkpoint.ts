// Checkpoints: parts of a computation that save nothing and are computed again for backward.
import { isGradEnabled, enableGrad } from "../autograd/modes.ts";
import { save, unpackSaved, type Saved } from "../autograd/node.ts";
import { alias, withSavedHooks, type SavedHooks } from "../autograd/saved-hooks.ts";
import type { DType } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { forkRng, getRngState, setRngState } from "../random/fork.ts";
import type { GeneratorState } from "../random/generator.ts";
import { sameShape, showShape, type Shape } from "../shape/dims.ts";
import { checkOptions } from "../tensor/options.ts";
import { Tensor } from "../tensor/tensor.ts";

/** Options of `checkpoint`. */
export interface CheckpointOptions {
  /** Draw the same random numbers again: the default generator's only. Default `true`. */
  readonly preserveRngState?: boolean;
  /** `"none"` leaves out the comparison of what both runs save. Default `"default"`. */
  readonly determinismCheck?: "default" | "none";
}

const optionNames = ["preserveRngState", "determinismCheck"];

/** What one run saves at one position; the value while it is there. */
interface Slot {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Who saves it: `mul as input`. */
  readonly role: string;
  /** Version of a parameter, which must be the same in both runs. */
  readonly version: number | null;
  value: { readonly tensor: Tensor; readonly version: number } | null;
}

/** One call of `checkpoint`. */
interface Frame {
  readonly fn: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
  /** For each argument that is a tensor, how it is kept. */
  readonly kept: readonly (Saved | null)[];
  readonly slots: Slot[];
  readonly rng: GeneratorState | null;
  readonly isChecked: boolean;
}

/**
 * Calls `fn(…args)` without keeping what it saves for backward: backward calls `fn` again, with
 * the same random numbers, up to the last value that it needs.
 * @param rest the arguments of `fn`, and after them perhaps `CheckpointOptions`
 * @throws in backward, when the second run saves other values than the first
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * const block = (input: Tensor) => input.exp().sin();
 * checkpoint(block, x).sum().backward();
 * ```
 * @see https://pytorch.org/docs/stable/checkpoint.html
 */
export function checkpoint<A extends readonly unknown[], R>(
  fn: (...args: A) => R, ...rest: readonly [...A] | readonly [...A, CheckpointOptions]
): R {
  if (typeof fn !== "function") {
    fail("checkpoint", `takes a function and its arguments, got ${show(fn)}`);
  }
  const { args, options } = split(rest);
  checkOptions("checkpoint", options, optionNames);
  const { preserveRngState = true, determinismCheck = "default" } = options;
  if (determinismCheck !== "default" && determinismCheck !== "none") {
    fail("checkpoint", "determinismCheck must be \"default\" or \"none\", got " +
      show(determinismCheck));
  }
  const run = fn as unknown as (...args: readonly unknown[]) => R;
  if (!isGradEnabled()) return run(...args);
  const kept = args.map((arg, i) =>
    arg instanceof Tensor ? save(`argument ${i}`, arg, "checkpoint") : null);
  const frame: Frame = {
    fn: run, kept, slots: [],
    args: args.map((arg) => arg instanceof Tensor ? null : arg),
    rng: preserveRngState ? getRngState() : null, isChecked: determinismCheck === "default",
  };
  return withSavedHooks("checkpoint", firstRun(frame), () => run(...args));
}

/**
 * Runs functions one after the other, all but the last of `segments` parts as checkpoints.
 * @throws unless there are at least as many functions as segments
 * @see https://pytorch.org/docs/stable/checkpoint.html
 */
export function checkpointSequential(
  functions: Iterable<(input: Tensor) => Tensor>, segments: number, input: Tensor,
  options: CheckpointOptions = {},
): Tensor {
  const list = [...functions];
  if (!Number.isInteger(segments) || segments < 1 || segments > list.length) {
    fail("checkpointSequential", `segments must be an integer from 1 to ${list.length}, the ` +
      `number of functions, got ${show(segments)}`);
  }
  checkOptions("checkpointSequential", options, optionNames);
  const size = Math.floor(list.length / segments);
  const part = (start: number, end?: number) => (value: Tensor) =>
    list.slice(start, end).reduce((result, fn) => fn(result), value);
  const last = size * (segments - 1);
  let value = input;
  for (let start = 0; start < last; start += size) {
    value = checkpoint(part(start, start + size), value, options);
  }
  return part(last)(value);
}

/** Arguments and options: the latter are a last object with nothing but names of options. */
function split(rest: readonly unknown[]): {
  readonly args: readonly unknown[]; readonly options: CheckpointOptions;
} {
  const last = rest.at(-1);
  const isOptions = typeof last === "object" && last !== null &&
    Object.getPrototypeOf(last) === Object.prototype &&
    Object.keys(last).length > 0 && Object.keys(last).every((name) => optionNames.includes(name));
  return isOptions ? { args: rest.slice(0, -1), options: last } : { args: rest, options: {} };
}

/** Hooks of the first run: they keep positions instead of values. */
function firstRun(frame: Frame): SavedHooks<Slot> {
  return {
    pack(tensor, op, name) {
      const slot = { ...described(tensor, op, name), value: null };
      frame.slots.push(slot);
      return slot;
    },
    unpack(slot) {
      if (slot.value === null) runAgain(frame);
      const { tensor, version } = slot.value!;
      if (tensor.storage.version !== version) {
        fail("checkpoint", "one of the variables needed for gradient computation has been " +
          `modified by an inplace operation: what was saved by ${slot.role} was changed by ` +
          `${tensor.storage.writer || "an in-place write"} when it was computed again`);
      }
      return tensor;
    },
    release(slot) { slot.value = null; },
  };
}

function described(tensor: Tensor, op: string, name: string): Omit<Slot, "value"> {
  const { shape, dtype, storage } = tensor;
  const version = tensor.history?.isAccumulator ? storage.version : null;
  return { shape, dtype, role: `${op} as ${name}`, version };
}

/** Thrown through `fn` when all values that are needed have been computed again. */
const enough = Symbol("checkpoint: enough");

/** Runs `fn` again until it has saved as much as the first time, and fills the slots. */
function runAgain(frame: Frame): void {
  const { fn, slots, rng, isChecked } = frame;
  const count = slots.length;
  let next = 0;
  const found: { problem: string | null } = { problem: null };
  const hooks: SavedHooks<Tensor> = {
    pack(tensor, op, name) {
      const kept = alias(tensor);
      if (next >= count) return kept;
      const again = described(tensor, op, name);
      if (isChecked) found.problem = difference(next, slots[next], again);
      slots[next].value = { tensor: kept, version: kept.storage.version };
      if (++next === count || found.problem !== null) throw enough;
      return kept;
    },
    unpack: (tensor) => tensor,
  };
  const args = frame.kept.map((saved, i) =>
    saved === null ? frame.args[i] : unpackSaved(saved, "checkpoint")) as never[];
  const run = () => enableGrad(() => withSavedHooks("checkpoint", hooks, () => fn(...args)));
  try {
    if (rng === null) run();
    else forkRng(() => { setRngState(rng); run(); });
  } catch (error) {
    if (error !== enough) throw error;
  }
  if (found.problem !== null) fail("checkpoint", found.problem);
  if (next < count) {
    fail("checkpoint", "A different number of tensors was saved during the original forward and " +
      `recomputation: ${count} during forward, ${next} during recomputation. The function must ` +
      "do the same both times");
  }
}

/** How a value differs from the one that the first run saved, in words. */
function difference(
  position: number, slot: Slot, again: Omit<Slot, "value">,
): string | null {
  const show = ({ shape, dtype, role }: Omit<Slot, "value">) =>
    `${role}, ${dtype} of shape ${showShape(shape)}`;
  if (!sameShape(slot.shape, again.shape) || slot.dtype !== again.dtype ||
    slot.role !== again.role) {
    return "Recomputed values for the following tensors have different metadata than during the " +
      `forward pass: tensor at position ${position}: saved by ${show(slot)}; recomputed by ` +
      `${show(again)}. The function must do the same both times`;
  }
  if (slot.version === again.version) return null;
  return "one of the variables needed for gradient computation has been modified by an inplace " +
    `operation: the parameter saved by ${show(slot)}, was changed between forward and backward`;
}
