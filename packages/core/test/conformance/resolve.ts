// From the names and arguments of a fixture to calls of the public API.
import { Tensor } from "../../src/index.ts";

/** Where a fixture looks an op up. */
export type Space = "torch" | "tensor" | "functional" | "linalg" | "special";

/** Named arguments that are positional here, by op and in order. */
export type Placement = Readonly<Record<string, readonly string[]>>;

/** The functions of each namespace that there is; methods of tensors are always there. */
export type Namespaces = { readonly [S in Exclude<Space, "tensor">]?: object } & {
  /** Placement of arguments beyond that of this package's own ops. */
  readonly placement?: Placement;
};

/** What a fixture calls. */
export interface Named {
  readonly op: string;
  readonly ns: Space;
}

/** A call that takes a fixture's decoded arguments and named arguments. */
export type Call = (args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>) => unknown;

/**
 * Placement of arguments by op: what a call cannot do without, and its one main
 * setting. Elsewhere only `dim` is, and the others are fields of the options object.
 */
const ownPlacement: Placement = {
  flatten: ["startDim", "endDim"],
  tril: ["diagonal"], triu: ["diagonal"], tril_: ["diagonal"], triu_: ["diagonal"],
  diag: ["diagonal"], roll: ["dims"], rot90: ["k", "dims"], tensordot: ["dims"],
  norm: ["p", "dim"],
};

/** Names of the fixtures that are no names of PyTorch, and the method that does the same here. */
const renamed: Readonly<Record<string, string>> = { setitem: "indexPut_" };

/** Looks an op up; `null` where it does not exist. */
export function resolve({ op, ns }: Named, namespaces: Namespaces): Call | null {
  const owner = ns === "tensor" ? undefined : namespaces[ns] as Record<string, unknown> | undefined;
  const method = ns === "tensor" || ns === "torch" ? methodOf(renamed[op] ?? op) : null;
  const call = typeof owner?.[op] === "function"
    ? owner[op] as (...args: unknown[]) => unknown : method;
  if (call === null) return null;
  const names = namespaces.placement?.[op] ?? ownPlacement[op] ?? ["dim"];
  return (args, kwargs) => call(...args, ...placed(names, kwargs));
}

/** How a missing op is listed: `inv` of `linalg` as `linalg.inv`. */
export function nameOf({ op, ns }: Named): string {
  return ns === "torch" || ns === "tensor" ? op : `${ns}.${op}`;
}

function methodOf(op: string): ((...args: unknown[]) => unknown) | null {
  const method: unknown = Object.getOwnPropertyDescriptor(Tensor.prototype, op)?.value;
  if (typeof method !== "function") return null;
  return (self, ...args) => method.apply(self, args);
}

function placed(
  names: readonly string[], kwargs: Readonly<Record<string, unknown>>,
): unknown[] {
  const used = names.findLastIndex((name) => name in kwargs) + 1;
  const result = names.slice(0, used).map((name) => kwargs[name]);
  const options = Object.entries(kwargs).filter(([name]) => !names.includes(name));
  if (options.length > 0) {
    while (result.length < used) result.push(undefined);
    result.push(Object.fromEntries(options));
  }
  return result;
}
