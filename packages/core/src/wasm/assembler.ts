// Modules of one function over an imported memory.
import { flatten, sized, text, unsigned, vector, type Code } from "./encoding.ts";
import { types, type ValueType } from "./instructions.ts";

/** A scalar function over float64 that a module imports. */
export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  /** Number of its arguments. */
  readonly arity: number;
}

/** A function under construction: its parameters, then its locals, by number. */
export class FunctionBuilder {
  private readonly parameters: readonly ValueType[];
  private readonly locals: ValueType[] = [];
  private readonly imports: ImportedFunction[] = [];

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

  /** Number of an imported function, for `call`. */
  imported(module: string, name: string, arity: number): number {
    const known = this.imports.findIndex((one) => one.module === module && one.name === name);
    return known >= 0 ? known : this.imports.push({ module, name, arity }) - 1;
  }

  /** The functions that are imported so far. */
  get importedFunctions(): readonly ImportedFunction[] {
    return this.imports;
  }

  /** Bytes of a module that imports `env.memory`, `shared` or not, and exports this as `run`. */
  module(body: Code, shared = false): Uint8Array<ArrayBuffer> {
    const { imports } = this;
    const section = (id: number, content: Code): Code => [id, sized(content)];
    const signature = (arguments_: readonly ValueType[], results: readonly ValueType[]): Code =>
      [0x60, vector(arguments_.map((type) => types[type])), vector(results.map((t) => types[t]))];
    // A shared memory must have a maximum: 65536 pages admit every one.
    const limits = shared ? [0x03, unsigned(1), unsigned(65536)] : [0x00, unsigned(1)];
    return flatten([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, vector([signature(this.parameters, []),
        signature(["f64"], ["f64"]), signature(["f64", "f64"], ["f64"])])),
      section(2, vector([[text("env"), text("memory"), 0x02, limits],
        ...imports.map(({ module, name, arity }) => [text(module), text(name), 0x00, arity])])),
      section(3, vector([unsigned(0)])),
      section(7, vector([[text("run"), 0x00, unsigned(imports.length)]])),
      section(10, vector([sized([this.declarations(), body, 0x0b])])),
    ]);
  }

  /** The locals, neighbours of one type together. */
  private declarations(): Code {
    const runs: Code[] = [];
    for (let i = 0; i < this.locals.length;) {
      let end = i + 1;
      while (end < this.locals.length && this.locals[end] === this.locals[i]) end++;
      runs.push([unsigned(end - i), types[this.locals[i]]]);
      i = end;
    }
    return vector(runs);
  }
}
