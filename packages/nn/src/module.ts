// Module: the base class of everything with parameters. A module is a function.
import { noGrad, type DType, type HookHandle, type Tensor } from "@chainrule/core";
import {
  checkOptions, fail, isDType, isFloat, show, withState, type FunctionalCallOptions,
} from "@chainrule/core/internal";
import type { BufferOptions } from "./buffer.ts";
import { callable, failMissingForward } from "./calls.ts";
import { convert } from "./convert.ts";
import {
  addHook, type ForwardHook, type ForwardHookOptions, type ForwardPreHook, type FullBackwardHook,
  type FullBackwardPreHook, type HookOptions,
} from "./hooks.ts";
import { find } from "./lookup.ts";
import { members, membersOf } from "./members.ts";
import { runWith } from "./functional-state.ts";
import type { Parameter } from "./parameter.ts";
import { register } from "./registration.ts";
import { represent } from "./representation.ts";
import {
  load, stateOf, type LoadOptions, type LoadResult, type StateDict, type StateSource,
} from "./state-dict.ts";
import { distinct, join, walk } from "./walk.ts";

/** The method that Node's `console.log` calls. */
const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Options of listings by name. */
export interface NamedOptions {
  /** Put before every name. Default `""`. */
  readonly prefix?: string;
  /** Look into submodules too. Default `true`. */
  readonly recurse?: boolean;
  /** List what is reachable under several names once, under the first. Default `true`. */
  readonly removeDuplicate?: boolean;
}

/** Calling a module runs its `forward`, with the same types. */
export interface Module {
  (...args: Parameters<this["forward"]>): ReturnType<this["forward"]>;
}

/**
 * Base class of layers, losses and models: fields that hold parameters, buffers and modules (also
 * in arrays and Maps) belong to it without being registered.
 *
 * `model(x)` runs `model.forward(x)`. A generic or overloaded `forward` is typed best when called
 * by its own name.
 * @example
 * ```ts
 * class Net extends nn.Module {
 *   hidden = new nn.Linear(2, 8);
 *   output = new nn.Linear(8, 1);
 *   forward(x: Tensor): Tensor {
 *     return this.output(this.hidden(x).tanh());
 *   }
 * }
 * const y = new Net()(zeros([4, 2]));
 * console.log(y.shape); // [ 4, 1 ]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Module.html
 */
export abstract class Module {
  /** Whether layers such as `Dropout` behave as in training; set by `train` and `eval`. */
  declare training: boolean;

  constructor() {
    const self = callable() as this;
    Object.setPrototypeOf(self, new.target.prototype);
    self.training = true;
    return self;
  }

  /** Computes the output; subclasses define it, and calling the module runs it. */
  // `any`: the types of a call are those of the subclass's own method.
  abstract forward(...args: any[]): any;

  /** Settings to print between the parentheses after the name. */
  extraRepr(): string { return ""; }

  /** @internal Named members: own fields; containers list their items. */
  [members](): Iterable<readonly [string, unknown]> { return Object.entries(this); }

  /** Parameters of this module and those below, each once. */
  parameters(options: Pick<NamedOptions, "recurse"> = {}): Parameter[] {
    return this.namedParameters(options).map(([, parameter]) => parameter);
  }

  /** Parameters with their names, such as `hidden.weight`. */
  namedParameters(options?: NamedOptions): [string, Parameter][] {
    return listed("namedParameters", this, options, (module) => membersOf(module).parameters);
  }

  /** Buffers of this module and those below, each once. */
  buffers(options: Pick<NamedOptions, "recurse"> = {}): Tensor[] {
    return this.namedBuffers(options).map(([, buffer]) => buffer);
  }

  /** Buffers with their names. */
  namedBuffers(options?: NamedOptions): [string, Tensor][] {
    return listed("namedBuffers", this, options, (module) =>
      membersOf(module).buffers.map(({ name, buffer }) => [name, buffer]));
  }

  /** The modules held directly, each once. */
  children(): Module[] { return this.namedChildren().map(([, child]) => child); }

  /** The modules held directly, with their names. */
  namedChildren(): [string, Module][] { return distinct(membersOf(this).modules).map(copy); }

  /** This module and all below it, each once, parents first. */
  modules(): Module[] { return this.namedModules().map(([, module]) => module); }

  /** This module and all below it, with their names; its own is `""`. */
  namedModules(options?: Omit<NamedOptions, "recurse">): [string, Module][] {
    checkOptions("namedModules", options, ["prefix", "removeDuplicate"]);
    return walk(this, options?.prefix ?? "", options?.removeDuplicate ?? true).map(copy);
  }

  /**
   * The module at a path such as `"encoder.0"`.
   * @throws when there is none, naming the part that is missing
   */
  getSubmodule(target: string): Module { return find(this, "module", target) as Module; }

  /**
   * The parameter at a path such as `"encoder.0.weight"`.
   * @throws when there is none
   */
  getParameter(target: string): Parameter { return find(this, "parameter", target) as Parameter; }

  /**
   * The buffer at a path.
   * @throws when there is none
   */
  getBuffer(target: string): Tensor { return find(this, "buffer", target) as Tensor; }

  /**
   * Adds a parameter under a name that is made at run time; a field does the same.
   * @throws when the name is empty, contains a dot or is taken
   */
  registerParameter(name: string, parameter: Parameter | null): void {
    register(this, name, parameter, { kind: "parameter" });
  }

  /**
   * Adds a buffer under a name that is made at run time; a field holding a `Buffer` does the same.
   * @throws when the name is empty, contains a dot or is taken
   */
  registerBuffer(name: string, buffer: Tensor | null, options?: BufferOptions): void {
    checkOptions("registerBuffer", options, ["persistent"]);
    register(this, name, buffer, { kind: "buffer", persistent: options?.persistent ?? true });
  }

  /**
   * Adds a submodule under a name that is made at run time; a field does the same.
   * @throws when the name is empty, contains a dot or is taken
   */
  registerModule(name: string, module: Module | null): void {
    register(this, name, module, { kind: "module" });
  }

  /**
   * Calls `hook(module, args)` before each `forward`; arguments it returns, in an array or a single
   * one, take the place of those of the call. Options of a call are its last argument.
   */
  registerForwardPreHook(hook: ForwardPreHook<this>, options?: HookOptions): HookHandle {
    return addHook("registerForwardPreHook", this, "forwardPre", hook as ForwardPreHook, options);
  }

  /** Calls `hook(module, args, output)` after each `forward`; what it returns is the output. */
  registerForwardHook(hook: ForwardHook<this>, options?: ForwardHookOptions): HookHandle {
    return addHook("registerForwardHook", this, "forward", hook as ForwardHook, options);
  }

  /**
   * Calls `hook(module, gradOutput)` in backward, before the gradients of the outputs go into the
   * module; those it returns take their place.
   */
  registerFullBackwardPreHook(hook: FullBackwardPreHook<this>, options?: HookOptions): HookHandle {
    return addHook("registerFullBackwardPreHook", this, "backwardPre",
      hook as FullBackwardPreHook, options);
  }

  /**
   * Calls `hook(module, gradInput, gradOutput)` in backward, when the gradients of the arguments
   * are known: one for each, `null` for those without. What it returns takes the place of
   * `gradInput`. Arguments and outputs must not be changed in place.
   */
  registerFullBackwardHook(hook: FullBackwardHook<this>, options?: HookOptions): HookHandle {
    return addHook("registerFullBackwardHook", this, "backward", hook as FullBackwardHook, options);
  }

  /** Runs `visit` on every module below and on this one, children first. */
  apply(visit: (module: Module) => void): this {
    if (typeof visit !== "function") fail("apply", `takes a function, got ${show(visit)}`);
    for (const child of this.children()) child.apply(visit);
    visit(this);
    return this;
  }

  /**
   * Sets training mode here and below.
   * @throws when `mode` is not a truth value
   */
  train(mode = true): this {
    if (typeof mode !== "boolean") {
      fail("train", `training mode is expected to be boolean, got ${show(mode)}`);
    }
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Sets evaluation mode here and below. */
  eval(): this { return this.train(false); }

  /** Clears the gradients of all parameters; `setToNone: false` fills them with zeros instead. */
  zeroGrad(options?: {
    /** Whether `.grad` becomes `null`, not zeros. Default `true`. */
    readonly setToNone?: boolean;
  }): void {
    checkOptions("zeroGrad", options, ["setToNone"]);
    for (const parameter of this.parameters()) {
      if (options?.setToNone ?? true) parameter.grad = null;
      else if (parameter.grad !== null) parameter.grad = parameter.grad.detach().zero_();
    }
  }

  /** Switches gradients of all parameters on or off. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(requiresGrad);
    return this;
  }

  /**
   * Converts all parameters and buffers of floats to a dtype, in place; `"cpu"` changes nothing.
   * @throws when the target is neither a float dtype nor `"cpu"`
   */
  to(target: DType | "cpu"): this {
    if (target === "cpu") return this;
    if (!isDType(target) || !isFloat(target)) {
      fail("to", "only accepts floating point or complex dtypes, or \"cpu\", but got desired " +
        `dtype=${show(target)}`);
    }
    noGrad(() => {
      for (const tensor of [...this.parameters(), ...this.buffers()]) convert(tensor, target);
    });
    return this;
  }

  /** The module itself: there is no other device. */
  cpu(): this { return this; }

  /** Converts to float32. */
  float(): this { return this.to("float32"); }

  /** Converts to float64. */
  double(): this { return this.to("float64"); }

  /** Parameters and persistent buffers by name, detached but sharing memory with the module. */
  stateDict(): StateDict { return stateOf(this); }

  /**
   * Copies values into parameters and buffers, either all of them or, on any problem, none.
   * @throws with one message that names every missing, unexpected or misshapen entry
   */
  loadStateDict(stateDict: StateSource, options?: LoadOptions): LoadResult {
    return load(this, stateDict, options);
  }

  /** @internal What `func.functionalCall` runs: `body` with other tensors in place of own ones. */
  [withState]<T>(
    state: ReadonlyMap<string, Tensor>, options: Required<FunctionalCallOptions>, body: () => T,
  ): T {
    return runWith(this, state, options, body);
  }

  /** The module as PyTorch prints it: settings, and children indented below. */
  toString(): string { return represent(this); }

  /** What `console.log` shows in Node. */
  [inspect](): string { return this.toString(); }
}

Module.prototype.forward = function forward(this: Module): never {
  return failMissingForward(this);
};

function copy<T>([name, value]: readonly [string, T]): [string, T] {
  return [name, value];
}

/** Members of one kind of a module and, unless told otherwise, of all below it. */
function listed<T>(
  op: string, root: Module, options: NamedOptions | undefined,
  of: (module: Module) => readonly (readonly [string, T])[],
): [string, T][] {
  checkOptions(op, options, ["prefix", "recurse", "removeDuplicate"]);
  const { prefix = "", recurse = true, removeDuplicate = true } = options ?? {};
  const owners = recurse ? walk(root, prefix, removeDuplicate) : [[prefix, root] as const];
  const entries = owners.flatMap(([owner, module]) =>
    of(module).map(([name, value]) => [join(owner, name), value] as const));
  return (removeDuplicate ? distinct(entries) : entries).map(copy);
}

