// Structures of tensors: what functions under a transform take and return.
import { fail, show } from "../../errors.ts";
import { sameShape, showShape } from "../../shape/dims.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** A tensor, or tensors in arrays and plain objects, nested at will. */
export type Tree = Tensor | readonly Tree[] | { readonly [name: string]: Tree };

/** The structure `T` with something else in place of its tensors. */
export type Mapped<T, Leaf> = T extends Tensor ? Leaf : { [K in keyof T]: Mapped<T[K], Leaf> };

function isPlain(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}

/** The structure with its tensors replaced, in order; anything else is kept. */
export function mapTree<T, Leaf>(tree: T, replace: (leaf: Tensor) => Leaf): Mapped<T, Leaf> {
  const visit = (value: unknown): unknown => {
    if (value instanceof Tensor) return replace(value);
    if (Array.isArray(value)) return value.map(visit);
    if (!isPlain(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, visit(item)]));
  };
  return visit(tree) as Mapped<T, Leaf>;
}

/** The tensors of a structure, in order. */
export function leavesOf(tree: unknown): Tensor[] {
  const leaves: Tensor[] = [];
  mapTree(tree, (leaf) => leaves.push(leaf));
  return leaves;
}

/** The structure with its tensors replaced by those of a list, in order. */
export function fillTree<T, Leaf>(tree: T, leaves: readonly Leaf[]): Mapped<T, Leaf> {
  let next = 0;
  return mapTree(tree, () => leaves[next++]);
}

/**
 * The tensors of what a function returned.
 * @throws when there are none, or anything else is among them
 */
export function outputsOf(op: string, output: unknown): Tensor[] {
  const visit = (value: unknown): Tensor[] => {
    if (value instanceof Tensor) return [value];
    if (Array.isArray(value)) return value.flatMap(visit);
    if (isPlain(value)) return Object.values(value).flatMap(visit);
    return fail(op, `expected f(...args) to return only tensors, got unsupported type ${
      show(value)}`);
  };
  const leaves = visit(output);
  if (leaves.length > 0) return leaves;
  return fail(op, "Expected f to be a function that has non-empty output " +
    `(got output = ${show(output)})`);
}

/**
 * The tensors of `given`, which must be arranged like those of `tree`.
 * @throws when arrangement, shapes or dtypes differ
 */
export function leavesLike(
  op: string, given: unknown, tree: unknown, [name, like]: readonly [string, string],
): Tensor[] {
  const look = (value: unknown) => JSON.stringify(mapTree(value, () => "*")) ?? `${value}`;
  if (look(given) !== look(tree)) {
    fail(op, `Expected ${name} to have the same structure as ${like}: got ${look(given)} for ` +
      look(tree));
  }
  const expected = leavesOf(tree);
  return leavesOf(given).map((leaf, i) => {
    const { shape, dtype } = expected[i];
    if (!sameShape(leaf.shape, shape) || leaf.dtype !== dtype) {
      fail(op, `${name} must have the shapes and dtypes of ${like}, but number ${i} is ` +
        `${leaf.dtype} ${showShape(leaf.shape)} for ${dtype} ${showShape(shape)}`);
    }
    return leaf;
  });
}
