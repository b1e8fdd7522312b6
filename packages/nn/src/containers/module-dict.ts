// ModuleDict: modules by name that a parent can list.
import { fail, show } from "@chainrule/core/internal";
import { failMissingForward } from "../calls.ts";
import type { Module } from "../module.ts";
import { NamedModules } from "./named.ts";

/**
 * Modules by name. A Map in a field does the same; this one has PyTorch's name.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleDict.html
 */
export class ModuleDict<M extends Module = Module> extends NamedModules<M> {
  constructor(modules: ReadonlyMap<string, M> | Readonly<Record<string, M>> = {}) {
    super();
    const entries = modules instanceof Map
      ? modules : Object.entries(modules as Readonly<Record<string, M>>);
    for (const [name, module] of entries) this.put(name, module);
  }

  /**
   * A dictionary has no `forward`: run its modules one by one.
   * @throws always
   */
  forward(): never { return failMissingForward(this); }

  [Symbol.iterator](): IterableIterator<[string, M]> { return this.entries(); }

  /** Whether there is a module of that name. */
  has(name: string): boolean { return this.named(name) !== undefined; }

  /**
   * The module of that name.
   * @throws when there is none
   */
  get(name: string): M {
    return this.named(name) ?? fail("ModuleDict", `no module is called ${show(name)}; there is ` +
      [...this.keys()].join(", "), { name });
  }

  /** Adds a module, or puts it in place of the one of that name. */
  set(name: string, module: M): this {
    this.put(name, module);
    return this;
  }
}
