// A call of a module that has hooks: what runs around its `forward`, in which order.
import { fail, isThenable } from "@chainrule/core/internal";
import { BackwardHooks } from "./backward-hooks.ts";
import type { Entry, ForwardHook, ModuleHooks } from "./hooks.ts";
import type { Module } from "./module.ts";

/** Runs `forward` of a module between its hooks. */
export function callBetween(module: Module, given: unknown[], hooks: ModuleHooks): unknown {
  let args = given;
  for (const { hook } of hooks.forwardPre) {
    const result: unknown = hook(module, args);
    if (result === undefined || result === null) continue;
    refusePromise("registerForwardPreHook", hook, result);
    args = Array.isArray(result) ? result : [result];
  }
  const hasBackward = hooks.backwardPre.length + hooks.backward.length > 0;
  const around = hasBackward ? new BackwardHooks(module, hooks) : null;
  if (around !== null) args = around.enter(args);
  const output = runForward(module, args, hooks.forward);
  return around === null ? output : around.leave(output);
}

function runForward(
  module: Module, args: unknown[], hooks: readonly Entry<ForwardHook>[],
): unknown {
  let output: unknown = null;
  let next = 0;
  try {
    output = module.forward(...args);
    while (next < hooks.length) {
      const { hook } = hooks[next++];
      const result: unknown = hook(module, args, output);
      if (result === undefined || result === null) continue;
      if (!isThenable(output)) refusePromise("registerForwardHook", hook, result);
      output = result;
    }
    return output;
  } catch (error) {
    for (const { hook, alwaysCall } of hooks.slice(next)) {
      if (alwaysCall) output = callAnyway(hook, module, args, output);
    }
    throw error;
  }
}

/** Calls a hook after something has thrown: that error is the one to be seen. */
function callAnyway(hook: ForwardHook, module: Module, args: unknown[], output: unknown): unknown {
  try {
    return hook(module, args, output) ?? output;
  } catch (error) {
    console.warn("module forward hook with `alwaysCall: true` raised an exception that was " +
      `silenced as another error was raised in forward: ${String(error)}`);
    return output;
  }
}

function refusePromise(op: string, hook: object, result: unknown): void {
  if (!isThenable(result)) return;
  result.then(undefined, () => {}); // its own failure must not surface as unhandled
  const name = "name" in hook && hook.name ? hook.name : "anonymous";
  fail(op, `hook '${name}' returned a promise, which would take the place of a value: hooks are ` +
    "synchronous. Start what takes time without returning it");
}
