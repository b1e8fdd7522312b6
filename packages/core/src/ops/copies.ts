// Copies of a tensor's elements in other places: repeated, reversed, rotated.
import { allocate } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { normalizeDim, normalizeDims, showShape, type Shape } from "../shape/dims.ts";
import { narrowed } from "../shape/layout.ts";
import { Tensor } from "../tensor/tensor.ts";
import { clone } from "./convert.ts";
import { tensor } from "./creation.ts";
import { primitive } from "./define.ts";
import { indexSelect } from "./positions.ts";
import { asIntegers } from "./integer.ts";
import { arranged, copyInto, copyOf, freshFor } from "./memory.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { ravel } from "./rearrange.ts";
import { integers, real } from "./sample.ts";
import { expand, transpose, view, type Sizes } from "./view.ts";

function checkRepeats(op: string, given: readonly unknown[]): Shape {
  const repeats = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  if (!repeats.every((count) => Number.isInteger(count) && (count as number) >= 0)) {
    fail(op, `repeats must be whole numbers ≥ 0, got ${show(repeats)}`);
  }
  return repeats as Shape;
}

/** Copies side by side, as many per dimension as `repeats` says; more numbers add dimensions. */
export const repeat: Op<Sizes> = composite({
  name: "repeat",
  call(input: Tensor, ...given: unknown[]) {
    checkTensor("repeat", "input", input);
    const repeats = checkRepeats("repeat", given);
    const extra = repeats.length - input.ndim;
    if (extra < 0) {
      fail("repeat", "Number of dimensions of repeat dims can not be smaller than number of " +
        `dimensions of tensor: got ${showShape(repeats)} for shape ${showShape(input.shape)}`);
    }
    const shape = [...new Array<number>(extra).fill(1), ...input.shape];
    const apart = view(input, shape.flatMap((size) => [1, size]));
    const copies = clone(expand(apart, shape.flatMap((size, dim) => [repeats[dim], size])));
    return view(copies, shape.map((size, dim) => repeats[dim] * size));
  },
  samples: [[real([3, 2]), 2, 1, 2], [real([2, 1]), [1, 3]], [real([2]), 0, 2], [real([]), 3]],
  rejects: [{ args: [real([2, 3]), 2], message: "can not be smaller than number of dimensions" }],
});

/** Copies side by side; fewer numbers than dimensions repeat the last ones. */
export const tile: Op<Sizes> = composite({
  name: "tile",
  call(input: Tensor, ...given: unknown[]) {
    checkTensor("tile", "input", input);
    const repeats = checkRepeats("tile", given);
    const missing = Math.max(input.ndim - repeats.length, 0);
    return repeat(input, [...new Array<number>(missing).fill(1), ...repeats]);
  },
  samples: [[real([2]), [2, 3]], [real([2, 2]), 2]],
  rejects: [{ args: [real([2]), -1], message: "must be whole numbers ≥ 0" }],
});

/** Each element repeated: all equally often, or as often as a tensor or array says. */
export const repeatInterleave: Op<(
  input: Tensor, repeats: number | readonly number[] | Tensor, dim?: number,
) => Tensor> = composite({
  name: "repeatInterleave",
  call(input: Tensor, repeats, dim?: number) {
    checkTensor("repeatInterleave", "input", input);
    const source = dim === undefined || input.ndim === 0 ? ravel(input) : input;
    const axis = normalizeDim("repeatInterleave", dim ?? 0, source.ndim);
    const size = source.shape[axis];
    const given = repeats instanceof Tensor
      ? [...asIntegers("repeatInterleave", "repeats", repeats).toTypedArray()] : [repeats].flat();
    const counts = given.length === 1 ? new Array<number>(size).fill(given[0]) : given;
    if (counts.length !== size) {
      fail("repeatInterleave", "repeats must have the same size as input along dim: got " +
        `${counts.length} for size ${size}`);
    }
    if (!counts.every((count) => Number.isInteger(count) && count >= 0)) {
      fail("repeatInterleave", `repeats can not be negative: got ${show(repeats)}`);
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    const positions = allocate("int32", total, "repeatInterleave");
    let next = 0;
    counts.forEach((count, i) => positions.fill(i, next, next += count));
    return indexSelect(source, axis, tensor(positions));
  },
  samples: [[real([2, 2]), 3], [real([3, 2]), [1, 0, 2], 0], [real([2, 3]), integers([3], 3), -1]],
  rejects: [{ args: [real([3]), [1, 2], 0], message: "same size as input along dim" }],
});

/** A copy with the order of some dimensions reversed. */
export const flip: Op<Sizes> = primitive({
  name: "flip", inputs: ["input"], batches: true,
  prepare(input: Tensor, ...given: unknown[]) {
    checkTensor("flip", "input", input);
    const dims = (given.length === 1 && Array.isArray(given[0]) ? given[0] : given) as number[];
    return {
      inputs: [input],
      attributes: { dims: dims.length === 0 ? [] : normalizeDims("flip", dims, input.ndim) },
    };
  },
  forward([input], { dims }) {
    const { shape, strides } = input;
    const last = dims.reduce((sum, dim) => sum + (shape[dim] - 1) * strides[dim], input.offset);
    const reversed = strides.map((step, dim) => dims.includes(dim) ? -step : step);
    return copyOf(arranged(input, { shape, strides: reversed, offset: last }));
  },
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes: { dims } }) => flip(grad, dims)),
  }),
  samples: [[real([2, 3, 4]), [0, 2]], [real([3, 2]), -1], [real([2]), []], [real([0, 2]), 0]],
  rejects: [{ args: [real([2, 3]), [0, 0]], message: "dim 0 appears multiple times" }],
});

function flipped(op: string, input: Tensor, dim: number): Tensor {
  checkTensor(op, "input", input);
  if (input.ndim <= dim) {
    fail(op, `input must be >= ${dim + 1}-d, got shape ${showShape(input.shape)}`);
  }
  return flip(input, [dim]);
}

/** A copy with the columns (dimension 1) in reverse order. */
export const fliplr: Op<(input: Tensor) => Tensor> = composite({
  name: "fliplr",
  call: (input: Tensor) => flipped("fliplr", input, 1),
  samples: [[real([2, 3])]],
  rejects: [{ args: [real([3])], message: "must be >= 2-d" }],
});

/** A copy with the rows (dimension 0) in reverse order. */
export const flipud: Op<(input: Tensor) => Tensor> = composite({
  name: "flipud",
  call: (input: Tensor) => flipped("flipud", input, 0),
  samples: [[real([2, 3])]],
  rejects: [{ args: [real([])], message: "must be >= 1-d" }],
});

/** A rotation of one dimension: element `i` moves to `(i + shift) mod size`. */
interface Shift { readonly dim: number; readonly shift: number }

const shifted: Op<(input: Tensor, shifts: readonly Shift[]) => Tensor> = primitive({
  name: "roll", inputs: ["input"], batches: true,
  prepare: (input: Tensor, shifts: readonly Shift[]) => ({ inputs: [input], attributes: shifts }),
  forward: ([input], shifts) => shifts.reduce(shiftOnce, input),
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes }) =>
      shifted(grad, attributes.map(({ dim, shift }) => ({ dim, shift: -shift })))),
  }),
  samples: [],
});

function shiftOnce(input: Tensor, { dim, shift }: Shift): Tensor {
  const size = input.shape[dim];
  const result = freshFor([input], input.shape, input.dtype);
  const start = size === 0 ? 0 : ((shift % size) + size) % size;
  for (const [from, to, length] of [[0, start, size - start], [size - start, 0, start]]) {
    copyInto(arranged(result, narrowed(result, dim, to, length)),
      arranged(input, narrowed(input, dim, from, length)));
  }
  return result;
}

/** A copy with elements moved around the ends of dimensions; without `dims`, of the flat tensor. */
export const roll: Op<(
  input: Tensor, shifts: number | readonly number[], dims?: number | readonly number[],
) => Tensor> = composite({
  name: "roll",
  call(input: Tensor, shifts, dims?) {
    checkTensor("roll", "input", input);
    const amounts = [shifts].flat();
    if (amounts.length === 0) fail("roll", "`shifts` required");
    if (!amounts.every(Number.isInteger)) fail("roll", `shifts must be whole, got ${show(shifts)}`);
    const axes = [dims ?? []].flat();
    if (axes.length === 0 && amounts.length === 1) {
      const flat = ravel(input);
      return view(shifted(flat, [{ dim: 0, shift: amounts[0] }]), input.shape);
    }
    if (axes.length !== amounts.length) {
      fail("roll", `shifts and dimensions must align. shifts: ${amounts.length}, ` +
        `dims:${axes.length}`);
    }
    const moves = axes.map((dim, i) =>
      ({ dim: normalizeDim("roll", dim, input.ndim), shift: amounts[i] }));
    return input.ndim === 0 ? clone(input) : shifted(input, moves);
  },
  samples: [[real([3, 4]), [1, -1], [0, 1]], [real([5]), -7, 0], [real([2, 3]), 2], [real([0]), 1]],
  rejects: [{ args: [real([3]), [1, 2], [0]], message: "shifts: 2, dims:1" }],
});

/** A copy turned `k` quarter turns in the plane of two dimensions, from the first to the second. */
export const rot90: Op<(input: Tensor, k?: number, dims?: readonly number[]) => Tensor> =
  composite({
    name: "rot90",
    call(input: Tensor, k = 1, dims = [0, 1]) {
      checkTensor("rot90", "input", input);
      if (!Number.isInteger(k)) fail("rot90", `k must be a whole number, got ${show(k)}`);
      if (dims.length !== 2) {
        fail("rot90", `expected total rotation dims == 2, but got dims = ${dims.length}`);
      }
      if (input.ndim < 2) {
        fail("rot90", `expected total dims >= 2, but got total dims = ${input.ndim}`);
      }
      const [a, b] = dims.map((dim) => normalizeDim("rot90", dim, input.ndim));
      if (a === b) fail("rot90", `expected rotation dims to be different, got ${showShape(dims)}`);
      const turns = ((k % 4) + 4) % 4;
      if (turns === 0) return clone(input);
      if (turns === 2) return flip(input, [a, b]);
      return turns === 1 ? flip(transpose(input, a, b), [a]) : transpose(flip(input, [a]), a, b);
    },
    samples: [[real([2, 3])], [real([2, 3]), 2], [real([2, 3, 2]), -1, [1, 2]], [real([2, 2]), 4]],
    rejects: [{ args: [real([2, 2]), 1, [0, 0]], message: "rotation dims to be different" }],
  });

