// The arguments of a function under a transform: which are differentiated, and what leaves again.
import { isGradEnabled } from "../../autograd/modes.ts";
import { withoutHistory } from "../../autograd/tangents.ts";
import { nodeOf, type Node } from "../../autograd/node.ts";
import { typeNames } from "../../dtype.ts";
import { fail, show } from "../../errors.ts";
import { view } from "../../ops/view.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { fillTree, leavesOf, mapTree, type Mapped } from "./tree.ts";

/** Positions of the arguments that are differentiated: one, or several. */
export type Argnums = number | readonly number[];

/** What a transform gives for the arguments chosen by `N`: one result, or an array of them. */
export type Chosen<A extends readonly unknown[], N extends Argnums, Leaf> =
  N extends number ? Mapped<A[N], Leaf>
  : { -readonly [K in keyof N]: N[K] extends number ? Mapped<A[N[K]], Leaf> : never };

/**
 * The chosen arguments: one, or an array of them as `argnums` is an array.
 * @throws when `argnums` names no argument
 */
export function chosen(op: string, args: readonly unknown[], argnums: Argnums): unknown {
  if (!Array.isArray(argnums)) return args[position(op, argnums, args.length)];
  if (argnums.length === 0) fail(op, "argnums must be non-empty");
  const positions = argnums.map((argnum) => position(op, argnum, args.length));
  if (new Set(positions).size !== positions.length) {
    fail(op, `argnums elements must be unique, got ${show(argnums)}`);
  }
  return positions.map((i) => args[i]);
}

/** All arguments with the chosen ones replaced. */
export function withChosen(
  op: string, args: readonly unknown[], argnums: Argnums, replacement: unknown,
): unknown[] {
  const result = [...args];
  if (!Array.isArray(argnums)) result[position(op, argnums, args.length)] = replacement;
  else {
    argnums.forEach((argnum, i) => {
      result[position(op, argnum, args.length)] = (replacement as unknown[])[i];
    });
  }
  return result;
}

function position(op: string, argnum: unknown, count: number): number {
  if (!Number.isInteger(argnum)) {
    fail(op, `argnums must be a whole number or an array of them, got ${show(argnum)}`);
  }
  const found = (argnum as number) < 0 ? (argnum as number) + count : argnum as number;
  if (found < 0 || found >= count) {
    fail(op, `Got argnum=${argnum}, but only ${count} positional inputs`);
  }
  return found;
}

/**
 * The tensors of a structure that is to be differentiated.
 * @throws when there are none, or one holds no floats
 */
export function variablesOf(op: string, name: string, tree: unknown): Tensor[] {
  const leaves = leavesOf(tree);
  if (leaves.length === 0) fail(op, `Expected ${name} to contain at least one tensor`);
  for (const { dtype } of leaves.filter((leaf) => !leaf.isFloatingPoint())) {
    fail(op, `only tensors of floating point dtype can be differentiated, but ${name} has ` +
      typeNames[dtype], { dtype });
  }
  return leaves;
}

/** A graph that a transform made for itself, from inputs of its own. */
export interface Traced<T> {
  /** The structure of inputs that the function was given. */
  readonly inputs: T;
  /** Its tensors, which gradients are taken with respect to. */
  readonly variables: readonly Tensor[];
}

/**
 * Inputs that nobody else has, so that gradients with respect to them are those of the function.
 * They stay connected to what the given ones were computed from.
 */
export function traced<T>(op: string, name: string, tree: T): Traced<T> {
  const recording = isGradEnabled();
  const variables = variablesOf(op, name, tree).map((leaf) => {
    if (recording && leaf.history !== null) return view(leaf, leaf.shape);
    return withoutHistory(leaf).requiresGrad_();
  });
  return { inputs: fillTree(tree, variables) as T, variables };
}

/** Whether tensors depend on a leaf that requires a gradient, other than these inputs. */
export function dependsOnMore(
  tensors: readonly Tensor[], { variables }: Traced<unknown>,
): boolean {
  const seen = new Set<Node | null>(variables.map((variable) =>
    variable.isLeaf ? nodeOf(variable) : null));
  const stack = tensors.map(nodeOf);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node === null || seen.has(node)) continue;
    if (node.isAccumulator) return true;
    seen.add(node);
    for (const edge of node.edges) if (edge !== null) stack.push(edge.node);
  }
  return false;
}

/** What leaves a transform: without history, unless it depends on more than the inputs. */
export function released<T>(tree: T, trace: Traced<unknown>): T {
  const isKept = (leaf: Tensor) => isGradEnabled() && dependsOnMore([leaf], trace);
  return mapTree(tree, (leaf) =>
    leaf.history === null || isKept(leaf) ? leaf : withoutHistory(leaf)) as T;
}
