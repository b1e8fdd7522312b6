// Ops that read or write whole rows at positions of one dimension.
import { fail } from "../errors.ts";
import { normalizeDim, showShape } from "../shape/dims.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { mul } from "./binary.ts";
import { rowsSelection, type Selection } from "./index-items.ts";
import { indexPut } from "./indexing.ts";
import { asIntegers } from "./integer.ts";
import { checkOptions, checkTensor, composite, type Op } from "./op.ts";
import { integers, real } from "./sample.ts";
import { lookUp } from "./index-access.ts";

/** Positions along one dimension, for ops that refuse negative ones. */
function along(op: string, input: Tensor, dim: number, given: Tensor): Selection {
  checkTensor(op, "input", input);
  const axis = normalizeDim(op, dim, input.ndim);
  const positions = asIntegers(op, "index", given);
  if (positions.ndim > 1) {
    fail(op, "Index is supposed to be a vector, got shape " + showShape(positions.shape));
  }
  const size = input.shape[axis] ?? 1;
  const numbers = positions.toTypedArray() as Int32Array;
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i] < 0 || numbers[i] >= size) {
      fail(op, `index out of range in self: index ${numbers[i]} for dimension ${axis} with size ` +
        size, { index: numbers[i], dim: axis, size });
    }
  }
  return input.ndim === 0 ? rowsSelection([], 0, 0, numbers, [])
    : rowsSelection(input.shape, axis, 1, numbers, [numbers.length]);
}

/** A copy of some positions of a dimension; negative ones are refused. */
export const indexSelect: Op<(input: Tensor, dim: number, index: Tensor) => Tensor> = composite({
  name: "indexSelect",
  call: (input: Tensor, dim: number, positions: Tensor) =>
    lookUp(input, along("indexSelect", input, dim, positions)),
  samples: [
    [real([4, 2]), 0, integers([3], 4)], [real([2, 3, 2]), -1, integers([3], 2)],
    [real([3, 2]), 1, integers([0], 2)],
  ],
  rejects: [
    { args: [real([3]), 0, integers([1], 0, -1)], message: "index out of range in self" },
    { args: [real([3]), 0, integers([1, 1], 1)], message: "Index is supposed to be a vector" },
  ],
});

function checkSource(op: string, selection: Selection, source: Tensor): void {
  checkTensor(op, "source", source);
  const { shape, rows } = selection;
  if (source.ndim === shape.length && source.shape.every((size, d) => size === shape[d])) return;
  fail(op, `Number of indices (${rows!.numbers.length}) should be equal to source.size(dim), and ` +
    `other sizes to those of self: source has shape ${showShape(source.shape)}, ` +
    `expected ${showShape(shape)}`);
}

/** Options of `indexAdd`. */
export interface IndexAddOptions {
  /** Factor of `source`. Default 1. */
  readonly alpha?: number;
}

/** A copy with `alpha` times the rows of `source` added at positions of a dimension, in order. */
export const indexAdd: Op<(
  input: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions,
) => Tensor> = composite({
  name: "indexAdd",
  call(input: Tensor, dim: number, positions: Tensor, source: Tensor, options?) {
    checkOptions("indexAdd", options, ["alpha"]);
    const selection = along("indexAdd", input, dim, positions);
    checkSource("indexAdd", selection, source);
    const { alpha = 1 } = options ?? {};
    return indexPut(input, selection, alpha === 1 ? source : mul(source, alpha),
      { accumulate: true });
  },
  samples: [
    [real([3, 2]), 0, integers([2], 3), real([2, 2])],
    [real([2, 4]), 1, integers([3], 4), real([2, 3]), { alpha: -0.5 }],
  ],
  rejects: [{
    args: [real([3]), 0, integers([2], 3), real([3])], message: "Number of indices (2) should be",
  }],
});

/** A copy with positions of a dimension replaced by the rows of `source`. */
export const indexCopy: Op<(
  input: Tensor, dim: number, index: Tensor, source: Tensor,
) => Tensor> = composite({
  name: "indexCopy",
  call(input: Tensor, dim: number, positions: Tensor, source: Tensor) {
    const selection = along("indexCopy", input, dim, positions);
    checkSource("indexCopy", selection, source);
    return indexPut(input, selection, source);
  },
  samples: [[real([3, 2]), 0, integers([1], 3), real([1, 2])]],
  rejects: [{
    args: [real([3]), 0, integers([2], 3), real([3])], message: "Number of indices (2) should be",
  }],
});

/** A copy with positions of a dimension set to one value. */
export const indexFill: Op<(
  input: Tensor, dim: number, index: Tensor, value: Tensor | number,
) => Tensor> = composite({
  name: "indexFill",
  call: (input: Tensor, dim: number, positions: Tensor, value: Tensor | number) =>
    indexPut(input, along("indexFill", input, dim, positions), value),
  samples: [
    [real([3, 2]), 0, integers([2], 3), 1.5], [real([2, 3]), 1, integers([1], 3), real([])],
  ],
  rejects: [{
    args: [real([3]), 0, integers([1], 4, 3), 0], message: "index out of range in self",
  }],
});

/** Elements at positions of the flat tensor; negative ones count from the end. */
export const take: Op<(input: Tensor, index: Tensor) => Tensor> = composite({
  name: "take",
  call(input: Tensor, given: Tensor) {
    checkTensor("take", "input", input);
    const positions = asIntegers("take", "index", given);
    const numbers = positions.toTypedArray() as Int32Array;
    const count = input.numel();
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] < -count || numbers[i] >= count) {
        fail("take", `out of range: tried to access index ${numbers[i]} on a tensor of ` +
          `${count} elements.`);
      }
      if (numbers[i] < 0) numbers[i] += count;
    }
    return lookUp(input, rowsSelection(input.shape, 0, input.ndim, numbers, positions.shape));
  },
  samples: [[real([2, 3]), integers([2, 2], 6, -6)], [real([3]), integers([], 3)]],
  rejects: [{ args: [real([2]), integers([1], 3, 2)], message: "tried to access index 2" }],
});
