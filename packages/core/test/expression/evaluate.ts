// Evaluates expressions in float64 through the JavaScript that kernels are made of.
import { variablesOf, type Expression } from "../../src/expression/expression.ts";
import { compile, emit } from "../../src/expression/javascript.ts";

/** The value of an expression for values of its variables; truth values give 0 and 1. */
export function evaluate(
  root: Expression, values: { readonly [name: string]: number },
): number {
  const names = [...variablesOf(root)];
  const { statements, results } =
    emit([root], new Map(names.map((name, i) => [name, `v${i}`])));
  const parameters = names.map((_, i) => `v${i}`).join(", ");
  const run = compile<(...args: number[]) => number | boolean>(
    `function (${parameters}) { ${statements} return ${results[0]}; }`);
  return Number(run(...names.map((name) => values[name])));
}
