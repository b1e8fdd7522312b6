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

/** Computes parts for values of the variables `names` and writes them behind `at`. */
export type Evaluator = (values: readonly number[], results: number[], at: number) => void;

/** The evaluator of some parts. */
export function evaluator(parts: readonly Expression[], names: readonly string[]): Evaluator {
  const nodes = topological(parts);
  const indices = new Map(nodes.map((node, i) => [node, i]));
  const done = new Array<number>(nodes.length).fill(0);
  const steps = nodes.map((node, i): ((values: readonly number[]) => void) => {
    if (node.kind === "constant") return () => { done[i] = node.value; };
    if (node.kind === "variable") {
      const at = names.indexOf(node.name);
      return (values) => { done[i] = values[at]; };
    }
    const { evaluate } = primitives[node.kind];
    const [a, b, c] = node.args.map((arg) => indices.get(arg)!);
    return () => { done[i] = Number(evaluate(done[a], done[b], done[c])); };
  });
  const places = parts.map((part) => indices.get(part)!);
  return (values, results, at) => {
    for (let i = 0; i < steps.length; i++) steps[i](values);
    for (let k = 0; k < places.length; k++) results[at + k] = done[places[k]];
  };
}
