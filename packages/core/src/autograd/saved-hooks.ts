// Hooks on what the graph saves: how values are kept between forward and backward.
import { fail, show } from "../errors.ts";
import { sameShape, showShape, type Shape } from "../shape/dims.ts";
import { trackCreations } from "../storage/storage.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { DType } from "../dtype.ts";
import { noGrad } from "./modes.ts";
import { refuseAsync, refuseUnfinished } from "./synchronous.ts";

/** @internal How saved tensors are kept while these hooks are in force. */
export interface SavedHooks<P> {
  /** What to keep in place of a tensor that `op` saves under a name. */
  pack(tensor: Tensor, op: string, name: string): P;
  unpack(packed: P): Tensor;
  /** The node that a value belongs to has run. */
  release?(packed: P): void;
}

/** @internal The hooks in force, `null` outside of all scopes. */
export let savedHooks: SavedHooks<unknown> | null = null;

/** @internal Runs `body` with hooks on what is saved; inner ones hide outer ones. */
export function withSavedHooks<P, T>(op: string, hooks: SavedHooks<P>, body: () => T): T {
  refuseAsync(op, body);
  const before = savedHooks;
  savedHooks = hooks as SavedHooks<unknown>;
  try {
    const result = body();
    refuseUnfinished(op, result);
    return result;
  } finally {
    savedHooks = before;
  }
}

/** @internal Runs `body` without hooks: what it saves is not what the user's code saves. */
export function withoutSavedHooks(body: () => void): void {
  const before = savedHooks;
  savedHooks = null;
  try {
    body();
  } finally {
    savedHooks = before;
  }
}

/**
 * Runs `body` so that what it saves for backward is kept as `pack` gives it: compressed, counted,
 * moved. `unpack` makes the tensor again, once for each node that reads it in a backward pass.
 * @throws when `body` returns a promise, or `pack` changes a tensor in place
 * @example
 * ```ts
 * const x = tensor([1, 2], { requiresGrad: true });
 * let bytes = 0;
 * const y = autograd.savedTensorsHooks(
 *   (saved) => { bytes += saved.numel() * saved.elementSize(); return saved; },
 *   (saved) => saved,
 *   () => x.exp().sum());
 * y.backward();
 * console.log(bytes); // 8
 * ```
 * @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.graph.saved_tensors_hooks
 */
export function savedTensorsHooks<P, T>(
  pack: (tensor: Tensor) => P, unpack: (packed: P) => Tensor, body: () => T,
): T {
  for (const part of [pack, unpack, body]) {
    if (typeof part === "function") continue;
    fail("savedTensorsHooks", `takes pack, unpack and a function to run, got ${show(part)}`);
  }
  return withSavedHooks("savedTensorsHooks", {
    pack: (tensor) => noGrad(() => pack(alias(tensor))),
    unpack: (packed) => noGrad(() => unpack(packed)),
  }, body);
}

/** @internal What hooks have made of a saved tensor. */
export interface Packed {
  readonly hooks: SavedHooks<unknown>;
  readonly value: unknown;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Its version, if the tensor itself is kept: then a later change can be found. */
  readonly version: number | null;
  readonly tangents: Tensor["tangents"];
}

/** @internal Keeps a tensor as the hooks in force want it. */
export function packed(tensor: Tensor, op: string, name: string): Packed {
  const hooks = savedHooks!;
  const { shape, dtype, storage } = tensor;
  const { version } = storage;
  const value = userCode(() => hooks.pack(tensor, op, name));
  if (storage.version !== version) {
    fail("savedTensorsHooks", "A saved tensor pack hook is modifying its input in place: what " +
      `${op} saved as ${name}. Tensors provided as input to pack hook can not be modified by ` +
      "in-place operations as this can lead to unexpected side-effects");
  }
  const isKept = value instanceof Tensor && value.storage === storage;
  const { tangents } = tensor;
  return { hooks, value, shape, dtype, version: isKept ? version : null, tangents };
}

/**
 * @internal The tensor that was packed.
 * @throws when the hook gives something else
 */
export function unpacked(packed: Packed, op: string): Tensor {
  const { hooks, value, shape, dtype, tangents } = packed;
  const tensor: unknown = userCode(() => hooks.unpack(value));
  if (!(tensor instanceof Tensor)) {
    fail("savedTensorsHooks", "Output of saved tensor unpack_hook expected to be a Tensor but " +
      `got ${show(tensor)}, for a tensor that ${op} saved`);
  }
  if (!sameShape(tensor.shape, shape) || tensor.dtype !== dtype) {
    fail("savedTensorsHooks", `unpack gave a tensor of ${tensor.dtype} with shape ` +
      `${showShape(tensor.shape)}, but ${op} saved one of ${dtype} with shape ${showShape(shape)}`);
  }
  if (tangents === null || tensor.tangents !== null) return tensor;
  const dual = alias(tensor);
  dual.tangents = tangents;
  return dual;
}

/** @internal A node has run: what hooks unpacked for it is not needed any more. */
export function releasePacked(values: Iterable<{ readonly packed: Packed | null }>): void {
  for (const { packed } of values) packed?.hooks.release?.(packed.value);
}

/** @internal The same memory and tangents without history. */
export function alias({ storage, shape, strides, offset, tangents }: Tensor): Tensor {
  const result = new Tensor(storage, shape, strides, offset);
  result.tangents = tangents;
  return result;
}

/** What a user makes in a hook is not the engine's to give up. */
function userCode<T>(body: () => T): T {
  const tracked = trackCreations(null);
  try {
    return body();
  } finally {
    trackCreations(tracked);
  }
}
