/// <reference lib="esnext.disposable" preserve="true" />
// Hooks on nodes of the graph: functions that see, and may replace, what enters and leaves one.
import { fail, show } from "../errors.ts";
import { sameShape, showShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Hook } from "./hooks.ts";
import type { Node } from "./node.ts";

/** Undoes a registration; `using` does so at the end of a block. */
export interface HookHandle {
  /** Removes the hook; calling it again does nothing. */
  remove(): void;
  /** The same. */
  [Symbol.dispose](): void;
}

/** Gradients of the inputs or outputs of a node; `null` where there is none. */
export type NodeGradients = readonly (Tensor | null)[];

/** Gradients that take the place of those a hook was given; nothing leaves them as they are. */
export type Replacement = NodeGradients | Tensor | null | undefined | void;

/** Sees the gradients of the outputs of a node before it runs. */
export type NodePrehook = (gradOutputs: NodeGradients) => Replacement;

/** Sees the gradients of the inputs of a node when it has run, and those it was given. */
export type NodeHook = (gradInputs: NodeGradients, gradOutputs: NodeGradients) => Replacement;

/** Is called with a leaf whose `.grad` is up to date. */
export type PostAccumulateGradHook = (leaf: Tensor) => void;

/** The hooks of one node, each kind in order of registration. */
export interface NodeHooks {
  /** On single outputs: those of tensors. */
  readonly tensor: readonly { readonly index: number; readonly hook: Hook }[];
  readonly pre: readonly { readonly hook: NodePrehook }[];
  readonly accumulated: readonly { readonly hook: PostAccumulateGradHook }[];
  readonly post: readonly { readonly hook: NodeHook }[];
}

/** The hooks of a node that has none. */
export const noHooks: NodeHooks = { tensor: [], pre: [], accumulated: [], post: [] };

/** Named like this where the language does not have it, as compilers that lower `using` do. */
const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/** A handle that runs `remove` whenever it is asked to. */
export function handleOf(remove: () => void): HookHandle {
  return { remove, [dispose]: remove };
}

/**
 * Adds a hook of one kind to a node.
 * @throws when the hook is no function
 */
export function attach<K extends keyof NodeHooks>(
  op: string, node: Node, kind: K, entry: NodeHooks[K][number],
): HookHandle {
  if (typeof entry.hook !== "function") {
    fail(op, `a hook is a function of the gradient, got ${show(entry.hook)}`);
  }
  const { hooks } = node;
  const before: readonly NodeHooks[K][number][] = (hooks ?? noHooks)[kind];
  node.hooks = { ...(hooks ?? noHooks), [kind]: [...before, entry] };
  return handleOf(() => {
    const now: readonly NodeHooks[K][number][] = (node.hooks ?? noHooks)[kind];
    node.hooks = { ...(node.hooks ?? noHooks), [kind]: now.filter((other) => other !== entry) };
  });
}

/** Whether any of these hooks is given a gradient, which it may keep. */
export function seeGradients({ tensor, pre, post }: NodeHooks): boolean {
  return tensor.length + pre.length + post.length > 0;
}

/** Runs the hooks that come before a node over the gradients of its outputs, in place. */
export function runPrehooks({ pre }: NodeHooks, gradOutputs: (Tensor | null)[]): void {
  for (const { hook } of pre) {
    const versions = gradOutputs.map(versionOf);
    const given = hook([...gradOutputs]);
    checkUnchanged("registerPrehook", hook, gradOutputs, versions);
    const result = replacement("registerPrehook", hook, given, gradOutputs);
    for (let i = 0; i < result.length; i++) gradOutputs[i] = result[i];
  }
}

/** Runs the hooks that come after a node; gives the gradients of its inputs as they leave them. */
export function runPosthooks(
  { post }: NodeHooks, gradInputs: NodeGradients, gradOutputs: NodeGradients,
): NodeGradients {
  let current = gradInputs;
  for (const { hook } of post) {
    const seen = [...current, ...gradOutputs];
    const versions = seen.map(versionOf);
    const result = hook([...current], [...gradOutputs]);
    checkUnchanged("registerHook", hook, seen, versions);
    current = replacement("registerHook", hook, result, current);
  }
  return current;
}

/**
 * Runs the hooks of a leaf that has accumulated a gradient.
 * @throws when one of them returns something
 */
export function runPostAccumulateGradHooks({ accumulated }: NodeHooks, leaf: Tensor): void {
  for (const { hook } of accumulated) {
    const result: unknown = hook(leaf);
    if (result === undefined || result === null) continue;
    fail("registerPostAccumulateGradHook", `hooks should return None, that is nothing: hook ` +
      `'${nameOf(hook)}' returned ${show(result)}. Change .grad instead`);
  }
}

const versionOf = (gradient: Tensor | null) => gradient?.storage.version;

/** @throws when a hook has written to a gradient, which is not a copy as those of tensors are */
function checkUnchanged(
  op: string, hook: object, gradients: NodeGradients, versions: readonly (number | undefined)[],
): void {
  if (gradients.every((gradient, i) => versionOf(gradient) === versions[i])) return;
  fail(op, `hook '${nameOf(hook)}' changed a gradient in place, which others may hold: return ` +
    "another one instead");
}

/**
 * What a hook has made of gradients.
 * @throws when that cannot take their place
 */
function replacement(
  op: string, hook: object, result: unknown, before: NodeGradients,
): NodeGradients {
  if (result === undefined || result === null) return before;
  const after: readonly unknown[] = Array.isArray(result) ? result : [result];
  const name = nameOf(hook);
  if (after.length !== before.length) {
    fail(op, `hook '${name}' has returned an incorrect number of values (got ${after.length}, ` +
      `but expected ${before.length})`);
  }
  after.forEach((value, i) => checkReplacement(op, name, value, before[i]));
  return after as NodeGradients;
}

/**
 * Checks that what a hook returned can take the place of a gradient.
 * @throws when it is no gradient of the same tensor
 */
export function checkReplacement(
  op: string, hook: string, value: unknown, before: Tensor | null,
): void {
  if (value === before) return;
  if (before === null) {
    fail(op, `hook '${hook}' can't replace a null gradient with a non-null value`);
  }
  if (!(value instanceof Tensor)) {
    fail(op, `hook '${hook}' must return a tensor or nothing, got ${show(value)}`);
  }
  if (!sameShape(value.shape, before.shape)) {
    fail(op, `hook '${hook}' has changed the size of value: ` +
      `${showShape(before.shape)} became ${showShape(value.shape)}`);
  }
  if (value.dtype !== before.dtype) {
    fail(op, `hook '${hook}' has changed the type of value: ` +
      `${before.dtype} became ${value.dtype}`);
  }
}

/** How messages call a hook. */
export function nameOf(hook: object): string {
  return "name" in hook && hook.name ? `${hook.name}` : "anonymous";
}
