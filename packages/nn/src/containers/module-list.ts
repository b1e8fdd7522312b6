// ModuleList: modules in an array that a parent can list.
import { fail, show } from "@chainrule/core/internal";
import { failMissingForward } from "../calls.ts";
import type { Module } from "../module.ts";
import { NamedModules } from "./named.ts";

/**
 * A list of modules. An ordinary array in a field does the same; this one has PyTorch's name.
 * @see https://pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
 */
export class ModuleList<M extends Module = Module> extends NamedModules<M> {
  [index: number]: M;

  constructor(modules: Iterable<M> = []) {
    super();
    this.extend(modules);
  }

  /**
   * A list has no `forward`: run its modules one by one.
   * @throws always
   */
  forward(): never { return failMissingForward(this); }

  [Symbol.iterator](): IterableIterator<M> { return this.values(); }

  /**
   * The module at a position; negative ones count from the end.
   * @throws when there is none
   */
  at(index: number): M { return this.itemAt(index); }

  /** Adds a module at the end. */
  append(module: M): this {
    this.put(`${this.length}`, module);
    return this;
  }

  /**
   * Adds modules at the end.
   * @throws when they are not in an array or another iterable
   */
  extend(modules: Iterable<M>): this {
    if (typeof (modules as Iterable<M> | null)?.[Symbol.iterator] !== "function") {
      fail("ModuleList", `takes an iterable of modules, such as an array; got ${show(modules)}`);
    }
    for (const module of modules) this.append(module);
    return this;
  }

  /** Puts a module before position `index`; those behind move up. */
  insert(index: number, module: M): void {
    const items = [...this.values()];
    items.splice(index, 0, module);
    this.clear();
    this.extend(items);
  }
}
