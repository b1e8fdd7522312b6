// Hooks on modules: their types, where they are kept, and how they are registered.
import type { HookHandle, NodeGradients, Replacement } from "@chainrule/core";
import { checkOptions, fail, handleOf, show } from "@chainrule/core/internal";
import type { Module } from "./module.ts";

/** What a module is called with. */
export type Arguments<M extends Module> = Parameters<M["forward"]>;
/** What a module returns. */
export type Output<M extends Module> = ReturnType<M["forward"]>;
/** What a hook returns to leave things as they are. */
export type Nothing = null | undefined | void;

/** Sees the arguments of a call before `forward`; those it returns take their place. */
export type ForwardPreHook<M extends Module = Module> =
  (module: M, args: Arguments<M>) => Arguments<M> | Arguments<M>[0] | Nothing;

/** Sees the arguments and the output of a call; what it returns takes the output's place. */
export type ForwardHook<M extends Module = Module> =
  (module: M, args: Arguments<M>, output: Output<M>) => Output<M> | Nothing;

/** Sees the gradients of the outputs of a call before they go into the module. */
export type FullBackwardPreHook<M extends Module = Module> =
  (module: M, gradOutput: NodeGradients) => Replacement;

/** Sees the gradients of the arguments of a call, and those of its outputs. */
export type FullBackwardHook<M extends Module = Module> =
  (module: M, gradInput: NodeGradients, gradOutput: NodeGradients) => Replacement;

/** Options of every registration. */
export interface HookOptions {
  /** Whether this hook runs before those that are there. Default `false`. */
  readonly prepend?: boolean;
}

/** Options of `registerForwardHook`. */
export interface ForwardHookOptions extends HookOptions {
  /** Whether it is also called when `forward` or another hook throws. Default `false`. */
  readonly alwaysCall?: boolean;
}

/** A registered hook. */
export interface Entry<H> {
  readonly hook: H;
  readonly alwaysCall: boolean;
}

/** The hooks of one module, or of all, each kind in the order they run in. */
export interface ModuleHooks {
  readonly forwardPre: readonly Entry<ForwardPreHook>[];
  readonly forward: readonly Entry<ForwardHook>[];
  readonly backwardPre: readonly Entry<FullBackwardPreHook>[];
  readonly backward: readonly Entry<FullBackwardHook>[];
}

const none: ModuleHooks = { forwardPre: [], forward: [], backwardPre: [], backward: [] };

/** How many hooks there are on all modules: a call looks no further while there are none. */
export let registered = 0;

const byModule = new WeakMap<Module, ModuleHooks>();
let everywhere = none;

/** The hooks that run around a call of a module: those of all modules, then its own. */
export function hooksAround(module: Module): ModuleHooks | null {
  const own = byModule.get(module);
  if (own === undefined && everywhere === none) return null;
  const { forwardPre, forward, backwardPre, backward } = own ?? none;
  return {
    forwardPre: [...everywhere.forwardPre, ...forwardPre],
    forward: [...everywhere.forward, ...forward],
    backwardPre: [...everywhere.backwardPre, ...backwardPre],
    backward: [...everywhere.backward, ...backward],
  };
}

/**
 * Adds a hook to one module, or to all of them for `null`.
 * @throws when the hook is no function
 */
export function addHook<K extends keyof ModuleHooks>(
  op: string, module: Module | null, kind: K, hook: ModuleHooks[K][number]["hook"],
  options: ForwardHookOptions | undefined,
): HookHandle {
  checkOptions(op, options, kind === "forward" ? ["prepend", "alwaysCall"] : ["prepend"]);
  if (typeof hook !== "function") fail(op, `a hook is a function, got ${show(hook)}`);
  const entry = { hook, alwaysCall: options?.alwaysCall ?? false };
  const change = (edit: (entries: readonly object[]) => readonly object[]) => {
    const before = module === null ? everywhere : byModule.get(module) ?? none;
    const after = { ...before, [kind]: edit(before[kind]) };
    if (module !== null) byModule.set(module, after);
    else everywhere = Object.values(after).some(({ length }) => length > 0) ? after : none;
  };
  change((entries) => options?.prepend ? [entry, ...entries] : [...entries, entry]);
  registered++;
  let isThere = true;
  return handleOf(() => {
    if (!isThere) return;
    isThere = false;
    registered--;
    change((entries) => entries.filter((other) => other !== entry));
  });
}

/** Calls `hook` before the `forward` of every module. For debugging and profiling. */
export function registerModuleForwardPreHook(hook: ForwardPreHook): HookHandle {
  return addHook("registerModuleForwardPreHook", null, "forwardPre", hook, undefined);
}

/** Calls `hook` after the `forward` of every module. For debugging and profiling. */
export function registerModuleForwardHook(
  hook: ForwardHook, options?: Pick<ForwardHookOptions, "alwaysCall">,
): HookHandle {
  return addHook("registerModuleForwardHook", null, "forward", hook, options);
}

/** Calls `hook` with the gradients of the outputs of every module. For debugging and profiling. */
export function registerModuleFullBackwardPreHook(hook: FullBackwardPreHook): HookHandle {
  return addHook("registerModuleFullBackwardPreHook", null, "backwardPre", hook, undefined);
}

/** Calls `hook` with the gradients of the inputs of every module. For debugging and profiling. */
export function registerModuleFullBackwardHook(hook: FullBackwardHook): HookHandle {
  return addHook("registerModuleFullBackwardHook", null, "backward", hook, undefined);
}
