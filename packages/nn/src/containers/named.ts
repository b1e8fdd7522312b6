// What containers share: modules by name, in order, reachable as properties as well.
import { fail, show } from "@chainrule/core/internal";
import { isModule, members } from "../members.ts";
import { Module } from "../module.ts";

/** Base of the containers: an ordered Map of modules. */
export abstract class NamedModules<M extends Module = Module> extends Module {
  readonly #items = new Map<string, M>();

  /** @internal The items, then fields of a subclass. */
  override *[members](): Iterable<readonly [string, unknown]> {
    yield* this.#items;
    for (const [name, value] of Object.entries(this)) {
      if (/^\d+$/.test(name)) this.#failBeyond(name);
      yield [name, value];
    }
  }

  /** `model[5] = layer` makes a field, which no position leads to and `forward` does not run. */
  #failBeyond(name: string): never {
    fail(this.constructor.name, `index ${name} is out of range: there are ${this.length} ` +
      "modules; append adds one");
  }

  /** Number of modules. */
  override get length(): number { return this.#items.size; }

  /** Names and modules in order. */
  entries(): IterableIterator<[string, M]> { return this.#items.entries(); }

  /** Names in order. */
  keys(): IterableIterator<string> { return this.#items.keys(); }

  /** Modules in order. */
  values(): IterableIterator<M> { return this.#items.values(); }

  /** @internal The module of that name. */
  protected named(name: string): M | undefined { return this.#items.get(name); }

  /** @internal Adds or replaces a module, and makes it the property `name`. */
  protected put(name: string, module: M): void {
    const container = this.constructor.name;
    if (!isModule(module)) fail(container, `${show(module)} is not a Module subclass`);
    if (name === "") fail(container, 'module name can\'t be empty string ""');
    if (name.includes(".")) fail(container, `module name can't contain ".", got ${show(name)}`);
    if (!this.#items.has(name) && name in this) {
      fail(container, `attribute '${name}' already exists`);
    }
    this.#items.set(name, module);
    Object.defineProperty(this, name, {
      configurable: true,
      get: () => this.#items.get(name),
      set: (value: M) => { this.put(name, value); },
    });
  }

  /** @internal Removes all modules. */
  protected clear(): void {
    for (const name of this.#items.keys()) Reflect.deleteProperty(this, name);
    this.#items.clear();
  }

  /** @internal The module at a position; negative ones count from the end. */
  protected itemAt(index: number): M {
    const items = [...this.#items.values()];
    const item = Number.isInteger(index) ? items.at(index) : undefined;
    return item ?? fail(this.constructor.name, `index ${show(index)} is out of range: there are ` +
      `${items.length} modules`, { index, length: items.length });
  }
}
