// JavaScript source for expressions: statements that compute them, shared parts once.
import { primitives } from "./primitives.ts";
import { topological, type Expression } from "./expression.ts";
import * as special from "./special.ts";

/** Source of a computation: statements to run, then one source per root. */
export interface Emitted {
  readonly statements: string;
  readonly results: readonly string[];
}

/**
 * Source that computes `roots`. `names` gives the source of each variable. With `integer`,
 * products wrap like 32-bit integers instead of losing their low bits.
 */
export function emit(
  roots: readonly Expression[], names: ReadonlyMap<string, string>, integer = false,
): Emitted {
  const sources = new Map<Expression, string>();
  const statements: string[] = [];
  for (const node of topological(roots)) {
    if (node.kind === "constant") sources.set(node, literal(node.value));
    else if (node.kind === "variable") sources.set(node, names.get(node.name)!);
    else {
      const logical = node.kind === "and" || node.kind === "or" || node.kind === "not";
      const args = node.args.map((arg, i) => {
        const source = sources.get(arg)!;
        const isTruth = logical || (node.kind === "select" && i === 0);
        if (isTruth === arg.isBoolean) return source;
        return isTruth ? `(${source} !== 0)` : `(${source} ? 1 : 0)`;
      });
      const make = primitives[node.kind].source;
      const source = integer && node.kind === "mul" ? `Math.imul(${args})` : make(...args);
      const name = `t${statements.length}`;
      statements.push(`const ${name} = ${source};`);
      sources.set(node, name);
    }
  }
  return { statements: statements.join(" "), results: roots.map((root) => sources.get(root)!) };
}

/** The source of a value as it is stored: truth values become 0 and 1. */
export function stored(source: string, root: Expression, toBool: boolean): string {
  if (root.isBoolean) return `(${source} ? 1 : 0)`;
  return toBool ? `(${source} !== 0 ? 1 : 0)` : source;
}

/** Compiles the source of a function expression; the special functions are in scope. */
export function compile<F>(source: string): F {
  return new Function("special", `"use strict"; return ${source};`)(special) as F;
}

/** Whether code can be generated here: a content security policy may forbid it. */
export function canGenerateCode(): boolean {
  return allowed && (generates ??= compiles());
}

let allowed = true;
let generates: boolean | undefined;

/** Runs `body` with generated code allowed or not, to compare the paths. */
export function withGeneratedCode<T>(isAllowed: boolean, body: () => T): T {
  const before = allowed;
  allowed = isAllowed;
  try {
    return body();
  } finally {
    allowed = before;
  }
}

function compiles(): boolean {
  try {
    return compile<() => boolean>("() => true")();
  } catch {
    return false;
  }
}

function literal(value: number): string {
  if (Object.is(value, -0)) return "(-0)";
  return value < 0 ? `(${value})` : `${value}`;
}
