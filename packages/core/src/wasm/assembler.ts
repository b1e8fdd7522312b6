// Modules of one function over an imported memory.
import { flatten, sized, text, unsigned, vector, type Code } from "./encoding.ts";
import { types, type ValueType } from "./instructions.ts";

/** A function under construction: its parameters, then its locals, by number. */
export class FunctionBuilder {
  private readonly parameters: readonly ValueType[];
  private readonly locals: ValueType[] = [];

  constructor(parameters: readonly ValueType[]) {
    this.parameters = parameters;
  }

  /** Number of a new local. */
  local(type: ValueType): number {
    return this.parameters.length + this.locals.push(type) - 1;
  }

  /** Numbers of several new locals of one type. */
  many(count: number, type: ValueType): number[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** Bytes of a module that imports `env.memory` and exports this function as `run`. */
  module(body: Code): Uint8Array<ArrayBuffer> {
    const section = (id: number, content: Code): Code => [id, sized(content)];
    const signature = [0x60, vector(this.parameters.map((type) => types[type])), vector([])];
    const locals = vector(this.locals.map((type) => [unsigned(1), types[type]]));
    return flatten([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, vector([signature])),
      section(2, vector([[text("env"), text("memory"), 0x02, 0x00, unsigned(1)]])),
      section(3, vector([unsigned(0)])),
      section(7, vector([[text("run"), 0x00, unsigned(0)]])),
      section(10, vector([sized([locals, body, 0x0b])])),
    ]);
  }
}
