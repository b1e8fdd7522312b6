// The state of a module by name: taking it, and loading it completely or not at all.
import { noGrad, Tensor } from "@chainrule/core";
import { checkOptions, copyInto, copyOf, fail, sameShape, show, bumpVersion, type Shape,
} from "@chainrule/core/internal";
import { membersOf } from "./members.ts";
import type { Module } from "./module.ts";
import { join, walk } from "./walk.ts";

/** Values of parameters and persistent buffers by name, in the order of registration. */
export type StateDict = Map<string, Tensor>;

/** What `loadStateDict` reads: a Map, or an object with the names as keys. */
export type StateSource = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Options of `loadStateDict`. */
export interface LoadOptions {
  /** Whether names must agree exactly; shapes always must. Default `true`. */
  readonly strict?: boolean;
}

/** Names that only one side has. */
export interface LoadResult {
  /** In the module but not in the state dict. */
  readonly missingKeys: readonly string[];
  /** In the state dict but not in the module. */
  readonly unexpectedKeys: readonly string[];
}

/** Parameters and persistent buffers under every one of their names. */
function entriesOf(root: Module): Map<string, Tensor> {
  const entries = new Map<string, Tensor>();
  for (const [owner, module] of walk(root, "", false)) {
    const { parameters, buffers } = membersOf(module);
    for (const [name, parameter] of parameters) entries.set(join(owner, name), parameter);
    for (const { name, buffer, persistent } of buffers) {
      if (persistent) entries.set(join(owner, name), buffer);
    }
  }
  return entries;
}

/** The state of a module: detached tensors that share its memory. */
export function stateOf(module: Module): StateDict {
  return new Map([...entriesOf(module)].map(([name, tensor]) => [name, tensor.detach()]));
}

/**
 * Copies a state into a module, after everything was checked.
 * @throws with all problems in one message, the module unchanged
 */
export function load(module: Module, source: StateSource, options?: LoadOptions): LoadResult {
  checkOptions("loadStateDict", options, ["strict"]);
  const state = mapOf(source);
  const targets = entriesOf(module);
  const missingKeys = [...targets.keys()].filter((name) => !state.has(name));
  const unexpectedKeys = [...state.keys()].filter((name) => !targets.has(name));
  const problems = (options?.strict ?? true) ? nameProblems(missingKeys, unexpectedKeys) : [];
  const copies: [Tensor, Tensor][] = [];
  for (const [name, target] of targets) {
    const value: unknown = state.get(name);
    if (!state.has(name)) continue;
    if (!(value instanceof Tensor)) {
      problems.push(`While copying the parameter named "${name}", expected torch.Tensor or ` +
        `Tensor-like object from checkpoint but received ${show(value)}`);
    } else if (!sameShape(value.shape, target.shape)) {
      problems.push(`size mismatch for ${name}: copying a param with shape ${size(value.shape)} ` +
        `from checkpoint, the shape in current model is ${size(target.shape)}.`);
    } else copies.push([target, value]);
  }
  if (problems.length > 0) {
    fail("loadStateDict", `Error(s) in loading state_dict for ${module.constructor.name}:\n\t` +
      problems.join("\n\t"), { missingKeys, unexpectedKeys });
  }
  noGrad(() => write(copies));
  return { missingKeys, unexpectedKeys };
}

function mapOf(source: StateSource): ReadonlyMap<string, unknown> {
  if (source instanceof Map) return source;
  if (typeof source !== "object" || source === null || source instanceof Tensor ||
    Array.isArray(source)) {
    fail("loadStateDict", `Expected state_dict to be dict-like, got ${show(source)}.`);
  }
  return new Map(Object.entries(source));
}

function nameProblems(missing: readonly string[], unexpected: readonly string[]): string[] {
  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");
  return [
    ...(missing.length > 0 ? [`Missing key(s) in state_dict: ${quoted(missing)}. `] : []),
    ...(unexpected.length > 0 ? [`Unexpected key(s) in state_dict: ${quoted(unexpected)}. `] : []),
  ];
}

/** Shapes as PyTorch's message has them, so that it can be searched for. */
function size(shape: Shape): string {
  return `torch.Size([${shape.join(", ")}])`;
}

/** Copies values; those that lie in memory that is about to be written are taken aside first. */
function write(copies: readonly (readonly [Tensor, Tensor])[]): void {
  const written = new Set(copies.map(([target]) => target.storage));
  const values = copies.map(([, value]) => written.has(value.storage) ? copyOf(value) : value);
  copies.forEach(([target], i) => {
    copyInto(target, values[i]);
    bumpVersion(target, "loadStateDict");
  });
}
