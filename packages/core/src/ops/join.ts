// Ops on lists of tensors: concatenation, and tensors made to fit each other.
import { promote } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { broadcastShapes } from "../shape/broadcast.ts";
import { normalizeDim, sameShape, showShape, type Shape } from "../shape/dims.ts";
import { narrowed } from "../shape/layout.ts";
import { Tensor } from "../tensor/tensor.ts";
import { primitive } from "./define.ts";
import { arranged, copyInto, fresh, freshFor } from "./memory.ts";
import { checkOptions, checkTensor, composite, type Op } from "./op.ts";
import { ravel, unsqueeze } from "./rearrange.ts";
import { real } from "./sample.ts";
import { expand, narrow, transpose, view } from "./view.ts";

/** Tensors joined along a dimension. */
export type Join = (tensors: readonly Tensor[], dim?: number) => Tensor;

/** Where each tensor of a concatenation begins along `dim`, and how long it is. */
interface Places {
  readonly dim: number;
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
}

function checkList(op: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors)) fail(op, `expected an array of tensors, got ${show(tensors)}`);
  tensors.forEach((item, i) => checkTensor(op, `item ${i} of tensors`, item));
}

/** Whether `cat` passes over a tensor: PyTorch lets a vector without elements join any shape. */
function isSkipped({ shape }: Tensor): boolean {
  return shape.length === 1 && shape[0] === 0;
}

function placesOf(tensors: readonly Tensor[], dim: number): Places {
  if (tensors.length === 0) fail("cat", "torch.cat(): expected a non-empty list of Tensors");
  tensors.forEach((item, i) => {
    if (item.ndim > 0) return;
    fail("cat", `zero-dimensional tensor (at position ${i}) cannot be concatenated`);
  });
  const { shape } = tensors.find((item) => !isSkipped(item)) ?? tensors[0];
  const axis = normalizeDim("cat", dim, shape.length);
  let end = 0;
  const sizes = tensors.map((item, i) => {
    if (isSkipped(item)) return 0;
    if (item.ndim !== shape.length) {
      fail("cat", "Tensors must have same number of dimensions: got " +
        `${shape.length} and ${item.ndim}`);
    }
    const other = item.shape.findIndex((size, d) => d !== axis && size !== shape[d]);
    if (other >= 0) {
      fail("cat", `Sizes of tensors must match except in dimension ${axis}. Expected size ` +
        `${shape[other]} but got size ${item.shape[other]} for tensor number ${i} in the list.`);
    }
    return item.shape[axis];
  });
  return { dim: axis, sizes, starts: sizes.map((size) => (end += size) - size) };
}

/** Tensors one after the other along a dimension; all other sizes agree. */
export const cat: Op<Join> = primitive({
  name: "cat", inputs: ["tensors…"], batches: true,
  prepare(tensors: readonly Tensor[], dim = 0) {
    checkList("cat", tensors);
    return { inputs: tensors, attributes: placesOf(tensors, dim) };
  },
  forward(tensors, { dim, starts, sizes }) {
    const { shape } = tensors.find((item) => !isSkipped(item)) ?? tensors[0];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const dtype = tensors.map((item) => item.dtype).reduce(promote);
    const result = freshFor(tensors, shape.with(dim, total), dtype);
    tensors.forEach((item, i) => {
      const part = narrowed(result, dim, starts[i], item.shape[dim]);
      if (item.numel() > 0) copyInto(arranged(result, part), item);
    });
    return result;
  },
  gradients: (reads) => ({
    "tensors…": reads([], ({ grad, shapes, attributes: { dim, starts, sizes } }, position) =>
      shapes[position].length === grad.ndim
        ? narrow(grad, dim, starts[position], sizes[position])
        : fresh(shapes[position], grad.dtype)), // a skipped vector
  }),
  samples: [
    [[real([2, 3]), real([2, 2])], 1], [[real([2]), real([3])]], [[real([2, 0]), real([2, 3])], -1],
    [[real([0]), real([2, 3])], 1], [[real([1, 2])]],
    [[real([1, 0]), real([2, 0])]],
  ],
  rejects: [
    { args: [[]], message: "expected a non-empty list of Tensors" },
    { args: [[real([]), real([])]], message: "zero-dimensional tensor (at position 0)" },
    {
      args: [[real([2, 3]), real([2, 4])]],
      message: "Expected size 3 but got size 4 for tensor number 1 in the list",
    },
    { args: [[real([0, 3]), real([2, 4])]], message: "Sizes of tensors must match" },
  ],
});

/** Tensors of one shape side by side along a new dimension. */
export const stack: Op<Join> = composite({
  name: "stack",
  call(tensors: readonly Tensor[], dim = 0) {
    checkList("stack", tensors);
    if (tensors.length === 0) fail("stack", "stack expects a non-empty TensorList");
    const { shape, ndim } = tensors[0];
    const odd = tensors.findIndex((item) => !sameShape(item.shape, shape));
    if (odd >= 0) {
      fail("stack", "stack expects each tensor to be equal size, but got " +
        `${showShape(shape)} at entry 0 and ${showShape(tensors[odd].shape)} at entry ${odd}`);
    }
    const axis = normalizeDim("stack", dim, ndim + 1);
    return cat(tensors.map((item) => unsqueeze(item, axis)), axis);
  },
  samples: [
    [[real([2, 3]), real([2, 3])], 1], [[real([2]), real([2])], -1], [[real([]), real([])]],
  ],
  rejects: [{
    args: [[real([2]), real([3])]],
    message: "equal size, but got [2] at entry 0 and [3] at entry 1",
  }],
});

/** The same elements with dimensions of size 1 in front until there are `ndim`. */
function atLeast(item: Tensor, ndim: number): Tensor {
  if (item.ndim >= ndim) return item;
  return view(item, [...new Array<number>(ndim - item.ndim).fill(1), ...item.shape]);
}

/** Tensors side by side: along dimension 1, vectors along dimension 0. */
export const hstack: Op<(tensors: readonly Tensor[]) => Tensor> = composite({
  name: "hstack",
  call(tensors: readonly Tensor[]) {
    checkList("hstack", tensors);
    const items = tensors.map((item) => atLeast(item, 1));
    return cat(items, items.length > 0 && items[0].ndim === 1 ? 0 : 1);
  },
  samples: [[[real([2, 3]), real([2, 1])]], [[real([2]), real([])]]],
  rejects: [{ args: [[real([2, 3]), real([3, 1])]], message: "Sizes of tensors must match" }],
});

/** Tensors below each other along dimension 0; a vector is one row. */
export const vstack: Op<(tensors: readonly Tensor[]) => Tensor> = composite({
  name: "vstack",
  call(tensors: readonly Tensor[]) {
    checkList("vstack", tensors);
    return cat(tensors.map((item) => atLeast(item, 2)), 0);
  },
  samples: [[[real([3]), real([2, 3])]], [[real([]), real([])]]],
  rejects: [{ args: [[real([3]), real([2])]], message: "Sizes of tensors must match" }],
});

/** Tensors behind each other along dimension 2; vectors and matrices have depth 1. */
export const dstack: Op<(tensors: readonly Tensor[]) => Tensor> = composite({
  name: "dstack",
  call(tensors: readonly Tensor[]) {
    checkList("dstack", tensors);
    const items = tensors.map((item) => atLeast(item, 2));
    return cat(items.map((item) => item.ndim === 2 ? unsqueeze(item, 2) : item), 2);
  },
  samples: [[[real([2, 3]), real([2, 3])]], [[real([2]), real([2])]]],
  rejects: [{ args: [[real([3]), real([2])]], message: "Sizes of tensors must match" }],
});

/** Tensors expanded, without copies, to the shape they broadcast to. */
export const broadcastTensors: Op<(...tensors: Tensor[]) => Tensor[]> = composite({
  name: "broadcastTensors",
  call(...tensors: Tensor[]) {
    checkList("broadcastTensors", tensors);
    const shape = tensors.reduce<Shape>((common, item) =>
      broadcastShapes("broadcastTensors", common, item.shape), []);
    return tensors.map((item) => expand(item, shape));
  },
  samples: [[real([]), real([2])], [real([2, 1]), real([3])]],
  rejects: [{ args: [real([2]), real([3])], message: "must match the size of tensor b (3)" }],
});

/** How `meshgrid` orders its first two dimensions. */
export interface MeshgridOptions {
  /** `"ij"`: rows follow the first vector; `"xy"`: columns do. Default `"ij"`. */
  readonly indexing?: "ij" | "xy";
}

/** Coordinates of a grid, `meshgrid(x, y, { indexing: "ij" })`: views, each over all dimensions. */
export const meshgrid: Op<(
  ...tensors: Tensor[] | [...tensors: Tensor[], options: MeshgridOptions]
) => Tensor[]> = composite({
  name: "meshgrid",
  call(...given: readonly (Tensor | MeshgridOptions)[]) {
    const last = given.at(-1);
    const options = last instanceof Tensor ? undefined : last;
    const tensors = (options === undefined ? given : given.slice(0, -1)) as readonly Tensor[];
    checkOptions("meshgrid", options, ["indexing"]);
    checkList("meshgrid", tensors);
    const { indexing = "ij" } = options ?? {};
    if (indexing !== "ij" && indexing !== "xy") {
      fail("meshgrid", `indexing must be one of "xy" or "ij", got ${show(indexing)}`);
    }
    const odd = tensors.find((item) => item.ndim > 1);
    if (tensors.length === 0 || odd !== undefined) {
      fail("meshgrid", odd === undefined ? "meshgrid expects a non-empty TensorList"
        : "Expected 0D or 1D tensor in the tensor list but got shape " + showShape(odd.shape));
    }
    const shape = tensors.map((item) => item.numel());
    const grids = tensors.map((item, dim) =>
      expand(view(ravel(item), shape.map((size, d) => d === dim ? size : 1)), shape));
    return indexing === "xy" && shape.length > 1
      ? grids.map((grid) => transpose(grid, 0, 1)) : grids;
  },
  samples: [
    [real([3]), real([2])], [real([2]), real([]), real([3]), { indexing: "xy" }],
  ],
  rejects: [{ args: [real([2, 2])], message: "Expected 0D or 1D tensor in the tensor list" }],
});
