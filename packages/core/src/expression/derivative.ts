// The derivative of an expression, as an expression: reverse accumulation over its tree.
import { primitives } from "./primitives.ts";
import { substitute, topological, variable, variablesOf, type Expression } from "./expression.ts";

/** The gradient that flows into the result of an expression, as the variable of that name. */
export const grad = variable("grad");

/** The result of the expression whose derivative is taken, as the variable of that name. */
export const output = variable("output");

/**
 * Gradient that reaches `name` when `grad` reaches `root`; `null` where nothing depends on it.
 *
 * Method: walk from the result to the variables, adding what reaches each node. Zeros are never
 * written down, so that `0 · NaN` cannot appear: an absent contribution stays absent.
 */
export function derivative(root: Expression, name: string): Expression | null {
  const reached = new Map<Expression, Expression>([[root, grad]]);
  const nodes = topological([root]);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    const arriving = reached.get(node);
    if (arriving === undefined || node.kind === "constant" || node.kind === "variable") continue;
    primitives[node.kind].derivative(arriving, node, ...node.args).forEach((part, k) => {
      const arg = node.args[k];
      if (part === null || arg === undefined || !variablesOf(arg).has(name)) return;
      const known = reached.get(arg);
      reached.set(arg, known === undefined ? part : known.add(part));
    });
  }
  return reached.get(variable(name)) ?? null;
}

/**
 * The derivative in terms of `output` where that needs no more variables than before, so that an
 * op like `exp` saves its result instead of its input.
 */
export function throughOutput(gradient: Expression, root: Expression): Expression {
  if (root.args.length === 0) return gradient;
  const replaced = substitute(gradient, new Map([[root, output]]));
  const before = variablesOf(gradient);
  const after = variablesOf(replaced);
  const saved = (names: ReadonlySet<string>) => [...names].filter((name) => name !== "grad").length;
  return after.has("output") && saved(after) <= saved(before) ? replaced : gradient;
}
