// Modules as functions of their parameters: func.functionalCall.
import { fail, show } from "../../errors.ts";
import { stack } from "../../ops/join.ts";
import { checkOptions } from "../../ops/op.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** The method by which a module puts other tensors in the place of its own, until they go back. */
export const withState: unique symbol = Symbol.for("chainrule.withState");

/** Options of `functionalCall`. */
export interface FunctionalCallOptions {
  /** Whether a tensor with several names is replaced under all of them. Default `true`. */
  readonly tieWeights?: boolean;
  /** Whether every parameter and buffer must be given. Default `false`. */
  readonly strict?: boolean;
}

/** Tensors by the names that a module's parameters and buffers have. */
export type State = { readonly [name: string]: Tensor };

/** What `functionalCall` can call: a module of `@chainrule/nn`. */
export interface Stateful<A extends readonly unknown[], R> {
  (...args: A): R;
  /** @internal Runs `body` with the tensors of `state` in place of the module's own. */
  [withState]<T>(
    state: ReadonlyMap<string, Tensor>, options: Required<FunctionalCallOptions>, body: () => T,
  ): T;
}

/**
 * Calls a module with other tensors in place of its parameters and buffers, by name; those that
 * are not given stay its own. The module is as before afterwards.
 * @param state tensors by name, or several such objects, each name in one of them
 * @throws when the module has no such name, or with `strict` when one is missing
 * @example
 * ```ts
 * const layer = new nn.Linear(2, 1);
 * const loss = (state: func.State) => func.functionalCall(layer, state, [ones([1, 2])]).sum();
 * const { bias } = func.grad(loss)(Object.fromEntries(layer.namedParameters()));
 * console.log(bias.tolist()); // [ 1 ]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.func.functional_call.html
 */
export function functionalCall<A extends readonly unknown[], R>(
  module: Stateful<A, R>, state: State | readonly State[], args: A,
  options: FunctionalCallOptions = {},
): R {
  checkOptions("functionalCall", options, ["tieWeights", "strict"]);
  if (typeof module !== "function" || !(withState in module)) {
    fail("functionalCall", `takes a module, got ${show(module)}`);
  }
  if (!Array.isArray(args as unknown)) {
    fail("functionalCall", `the arguments of the module go in an array, got ${show(args)}`);
  }
  const { tieWeights = true, strict = false } = options;
  return module[withState](namedTensors(state), { tieWeights, strict }, () => {
    const result = module(...args);
    if (typeof result === "object" && result !== null && "then" in result) {
      fail("functionalCall", "the module returned a promise, but its own parameters are put back " +
        "before that settles: await what it needs first");
    }
    return result;
  });
}

function namedTensors(state: State | readonly State[]): ReadonlyMap<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const part of Array.isArray(state) ? state as readonly State[] : [state as State]) {
    if (typeof part !== "object" || part === null || part instanceof Tensor) {
      fail("functionalCall", `expected tensors by name, got ${show(part)}`);
    }
    for (const [name, value] of Object.entries(part)) {
      if (!(value instanceof Tensor)) {
        fail("functionalCall", `\`${name}\` must be a tensor, got ${show(value)}`);
      }
      if (tensors.has(name)) fail("functionalCall", `\`${name}\` appears in several objects`);
      tensors.set(name, value);
    }
  }
  return tensors;
}

/** What `stackModuleState` reads of a module. */
export interface Listed {
  readonly training: boolean;
  namedParameters(): (readonly [string, Tensor])[];
  namedBuffers(): (readonly [string, Tensor])[];
}

/**
 * The parameters and the buffers of like modules, stacked by name along a new first dimension:
 * `[parameters, buffers]`, to be mapped over with `functionalCall` as an ensemble. Parameters are
 * leaves of their own and require a gradient as those of the modules do.
 * @throws when there is no module, or they differ in class, mode or names
 * @see https://pytorch.org/docs/stable/generated/torch.func.stack_module_state.html
 */
export function stackModuleState(
  models: readonly Listed[],
): [parameters: Record<string, Tensor>, buffers: Record<string, Tensor>] {
  const op = "stackModuleState";
  if (!Array.isArray(models) || models.length === 0) {
    fail(op, "Expected at least one model, got 0.");
  }
  const [first] = models;
  if (models.some((model) => model.training !== first.training)) {
    fail(op, "Expected all models to have the same training/eval mode.");
  }
  if (models.some((model) => model.constructor !== first.constructor)) {
    fail(op, "Expected all models to be of the same class.");
  }
  return [
    stacked(op, models.map((model) => model.namedParameters())),
    stacked(op, models.map((model) => model.namedBuffers())),
  ];
}

function stacked(
  op: string, listings: readonly (readonly (readonly [string, Tensor])[])[],
): Record<string, Tensor> {
  const [names, ...others] = listings.map((listing) => listing.map(([name]) => name));
  if (others.some((list) => `${list}` !== `${names}`)) {
    fail(op, "Expected all models to have the same parameters and buffers.");
  }
  return Object.fromEntries(names.map((name, i) => {
    const parts = listings.map((listing) => listing[i][1]);
    const whole = stack(parts.map((part) => part.detach()));
    return [name, parts[0].requiresGrad ? whole.requiresGrad_() : whole];
  }));
}
