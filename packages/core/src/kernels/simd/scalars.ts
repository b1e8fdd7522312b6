// The parts of expressions that are made of numbers only: computed once per run, in float64.
import { topological, variablesOf, type Expression } from "../../expression/expression.ts";
import { primitives } from "../../expression/primitives.ts";

/** The largest parts of `roots` that depend on nothing but variables in `scalars`. */
export function scalarParts(
  roots: readonly Expression[], scalars: readonly string[],
): readonly Expression[] {
  if (scalars.length === 0) return [];
  const isScalar = (node: Expression): boolean => {
    const names = variablesOf(node);
    return names.size > 0 && [...names].every((name) => scalars.includes(name));
  };
  const parts = new Set<Expression>();
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (isScalar(node)) parts.add(node);
    else node.args.forEach(visit);
  };
  roots.forEach(visit);
  return [...parts];
}

/** Evaluates parts for values of the variables `names`. */
export function evaluator(
  parts: readonly Expression[], names: readonly string[],
): (values: readonly number[]) => number[] {
  const nodes = topological(parts);
  const indices = new Map(nodes.map((node, i) => [node, i]));
  const steps = nodes.map((node): ((values: readonly number[], done: number[]) => number) => {
    if (node.kind === "constant") return () => node.value;
    if (node.kind === "variable") {
      const at = names.indexOf(node.name);
      return (values) => values[at];
    }
    const { evaluate } = primitives[node.kind];
    const args = node.args.map((arg) => indices.get(arg)!);
    return (_, done) => Number(evaluate(...args.map((i) => done[i])));
  });
  const results = parts.map((part) => indices.get(part)!);
  return (values) => {
    const done: number[] = [];
    for (const step of steps) done.push(step(values, done));
    return results.map((i) => done[i]);
  };
}
