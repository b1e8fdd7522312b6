// Sequential: modules one after the other.
import type { Tensor } from "@chainrule/core";
import { isModule } from "../members.ts";
import type { Module } from "../module.ts";
import { NamedModules } from "./named.ts";

/** Modules with names: a Map, or pairs in an array. */
export type ModulesByName = ReadonlyMap<string, Module> | readonly (readonly [string, Module])[];

/**
 * Passes its input through modules one after the other.
 *
 * Modules are named by position, or by the Map or pairs that are given; they are also properties:
 * `model[0]`, `model.at(-1)`.
 * @example
 * ```ts
 * const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
 * console.log(model(zeros([4, 2])).shape); // [ 4, 1 ]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export class Sequential extends NamedModules {
  // `any`: what a module at a position is, only the caller knows.
  [index: number]: any;

  constructor(...modules: readonly Module[]);
  constructor(modules: ModulesByName);
  constructor(...given: readonly Module[] | readonly [ModulesByName]) {
    super();
    const [first] = given;
    if (given.length === 1 && isNamed(first)) {
      for (const [name, module] of first) this.put(name, module);
    } else (given as readonly Module[]).forEach((module, i) => this.put(`${i}`, module));
  }

  /** Output of the last module. */
  forward(input: Tensor): Tensor {
    let result = input;
    for (const module of this.values()) result = module(result) as Tensor;
    return result;
  }

  [Symbol.iterator](): IterableIterator<Module> { return this.values(); }

  /**
   * The module at a position; negative ones count from the end.
   * @throws when there is none
   */
  at(index: number): Module { return this.itemAt(index); }

  /** Adds a module at the end. */
  append(module: Module): this {
    this.put(`${this.length}`, module);
    return this;
  }

  /** The modules at positions `start ≤ i < end`, with their names, as another `Sequential`. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential([...this.entries()].slice(start, end));
  }
}

function isNamed(given: Module | ModulesByName | undefined): given is ModulesByName {
  return given instanceof Map || (Array.isArray(given) && !given.some(isModule));
}
