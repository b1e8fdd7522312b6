// Structures of dimensions beside structures of values: which dimension belongs to which leaf.

/** One dimension for all tensors, or a structure of dimensions; `null` where none is meant. */
export type DimTree = number | null | readonly DimTree[] | { readonly [name: string]: DimTree };

function isPlain(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}

/**
 * The structure with each leaf replaced, given the dimension that belongs to it.
 * @param mismatch refuses dimensions that are arranged in another way
 */
export function mapWithDims(
  tree: unknown, dims: unknown, replace: (leaf: unknown, dim: unknown) => unknown,
  mismatch: () => never,
): unknown {
  const visit = (value: unknown, dim: unknown): unknown => {
    const isOne = !Array.isArray(dim) && !isPlain(dim);
    if (Array.isArray(value)) {
      if (isOne) return value.map((item) => visit(item, dim));
      if (!Array.isArray(dim) || dim.length !== value.length) return mismatch();
      return value.map((item, i) => visit(item, dim[i]));
    }
    if (isPlain(value)) {
      const names = Object.keys(value);
      if (!isOne && (!isPlain(dim) || Object.keys(dim).length !== names.length ||
        names.some((name) => !(name in dim)))) return mismatch();
      return Object.fromEntries(names.map((name) =>
        [name, visit(value[name], isOne ? dim : (dim as { [name: string]: unknown })[name])]));
    }
    return isOne ? replace(value, dim) : mismatch();
  };
  return visit(tree, dims);
}
