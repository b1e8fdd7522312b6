// The encoding of the conformance fixtures: tensors, special numbers, views, references and slices.
import { tensor, type DType, type Tensor } from "../../src/index.ts";
import { isFloat } from "../../src/internal.ts";

/** A number as the fixtures write it; JSON lacks some. */
export type Coded = number | boolean | "nan" | "inf" | "-inf" | "-0";

/** A tensor in a fixture, row by row. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: readonly Coded[];
  readonly dtype: DType;
}

/** A tensor argument: a leaf, and the views of it that are passed. */
export interface TensorArgument {
  readonly tensor: TensorData;
  readonly requiresGrad?: boolean;
  readonly view?: readonly (readonly [method: string, ...args: unknown[]])[];
}

/** Any value of a fixture. */
export type Encoded = unknown;

const special: Readonly<Record<string, number>> =
  { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 };

/** A number of a fixture. */
export function decodeNumber(value: Coded): number {
  return typeof value === "string" ? special[value] : Number(value);
}

function has<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === "object" && value !== null && key in value;
}

/** Decodes the arguments of one case and remembers its leaves, in order of appearance. */
export class Decoder {
  /** Every leaf, and those whose gradient the case states. */
  readonly leaves: Tensor[] = [];
  readonly flagged: Tensor[] = [];
  private readonly passed: Tensor[] = [];
  private readonly floats: DType | null;
  private readonly variables: Readonly<Record<string, Tensor>>;

  /**
   * @param floats dtype in place of float64; `null` leaves every dtype as it is written
   * @param variables what `{"var": name}` stands for
   */
  constructor(floats: DType | null, variables: Readonly<Record<string, Tensor>> = {}) {
    this.floats = floats;
    this.variables = variables;
  }

  /** The value that an argument stands for. */
  value(encoded: Encoded): unknown {
    if (Array.isArray(encoded)) return encoded.map((item) => this.value(item));
    if (has(encoded, "tensor")) return this.argument(encoded as unknown as TensorArgument);
    if (has(encoded, "ref")) return this.passed[encoded.ref as number];
    if (has(encoded, "var")) return this.variables[encoded.var as string];
    if (has(encoded, "number")) return decodeNumber(encoded.number as Coded);
    return encoded;
  }

  /** The values of an object of named arguments. */
  values(encoded: Readonly<Record<string, Encoded>> = {}): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(encoded).map(([name, item]) => [name, this.value(item)]));
  }

  /** Items of `x.index(…)`. */
  index(items: readonly Encoded[]): unknown[] {
    return items.map((item) => {
      if (has(item, "slice")) {
        const [start, stop, step] = item.slice as (number | null)[];
        return `${start ?? ""}:${stop ?? ""}${step === null ? "" : `:${step}`}`;
      }
      return has(item, "ellipsis") ? "..." : this.value(item);
    });
  }

  /** A tensor of a fixture. */
  tensor({ shape, data, dtype }: TensorData): Tensor {
    const flat = data.map(decodeNumber);
    const type = this.floats !== null && isFloat(dtype) ? this.floats : dtype;
    return tensor(flat, { dtype: type }).reshape([...shape]);
  }

  private argument({ tensor: data, requiresGrad = false, view = [] }: TensorArgument): Tensor {
    const leaf = this.tensor(data);
    if (requiresGrad) this.flagged.push(leaf.requiresGrad_());
    this.leaves.push(leaf);
    const shown = view.reduce<Tensor>((current, [method, ...args]) => {
      const call = (current as unknown as Record<string, (...args: unknown[]) => Tensor>)[method];
      return call.apply(current, method === "index" ? this.index(args) : args);
    }, leaf);
    this.passed.push(shown);
    return shown;
  }
}
