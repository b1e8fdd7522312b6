// Ops that select elements by position or mask, and write to what they selected.
import { fits, typeNames } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { checkDualWrite } from "../autograd/tangents.ts";
import { bumpVersion, checkInPlace, recordWrite } from "../autograd/in-place.ts";
import { isRecorded } from "../autograd/record.ts";
import { broadcastShapes, broadcastsTo } from "../shape/broadcast.ts";
import { showShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { adopt, full } from "./creation.ts";
import { primitive } from "./define.ts";
import {
  isSelection, rowsSelection, select, trueNumbers, windowLayout, type IndexItem, type Selection,
} from "./index-items.ts";
import { arranged, copyOf } from "./memory.ts";
import { checkOptions, checkTensor, composite, type Op } from "./op.ts";
import { booleans, integers, real } from "./sample.ts";
import { lookUp, selected, write } from "./index-access.ts";
import { expand } from "./view.ts";

/**
 * Elements at `items`, one per dimension: `x.index(0, "1:3", null)`. A view, unless positions are
 * looked up by an array, a tensor or a mask.
 * @see https://pytorch.org/docs/stable/tensor_view.html
 */
export const index: Op<(input: Tensor, ...items: IndexItem[]) => Tensor> = composite({
  name: "index",
  call(input: Tensor, ...items: IndexItem[]) {
    checkTensor("index", "input", input);
    return selected(input, select("index", input.shape, items));
  },
  samples: [
    [real([3, 5]), "1:", "::2"], [real([3, 4]), ":", null, { start: 1, stop: 2 }],
    [real([3, 4]), [0, 2, 0]], [real([2, 3, 4]), ":", [0, 1], [0, 1]],
    [real([2, 3, 4]), 0, ":", integers([2], 4)], [real([2, 3]), booleans([2, 3])],
    [real([2, 3, 4]), [0, 1], ":", [0, 2]], [real([2, 3, 4]), "...", -1], [real([]), null],
  ],
  rejects: [
    { args: [real([3]), 5], message: "index 5 is out of bounds for dimension 0 with size 3" },
    { args: [real([3]), [3]], message: "index 3 is out of bounds for dimension 0 with size 3" },
    {
      args: [real([2, 3, 4]), [0, 1], [0, 1, 2]],
      message: "indexing tensors could not be broadcast together with shapes [2], [3]",
    },
    { args: [real([3]), "::0"], message: "step must be greater than zero" },
    { args: [real([2]), 0, 0], message: "too many indices for tensor of dimension 1" },
    { args: [real([]), 0], message: "invalid index of a 0-dim tensor" },
    {
      args: [real([2, 3, 4]), booleans([3])],
      message: "The shape of the mask [3] at index 0 does not match the shape of the indexed " +
        "tensor [2, 3, 4] at index 0",
    },
  ],
});

/** Options of `indexPut` and `indexPut_`. */
export interface IndexPutOptions {
  /** Add the values to what is there, each time an element is named. Default `false`. */
  readonly accumulate?: boolean;
}

/** What a write to selected elements needs, checked. */
interface Put { readonly selection: Selection; readonly accumulate: boolean }

function preparePut(
  op: string, input: Tensor, indices: readonly IndexItem[] | Selection, given: Tensor | number,
  options: IndexPutOptions | undefined,
): { inputs: [Tensor, Tensor]; attributes: Put } {
  checkTensor(op, "input", input);
  checkOptions(op, options, ["accumulate"]);
  if (typeof indices !== "object" || indices === null || indices instanceof Tensor) {
    fail(op, `indices must be an array of index items, got ${show(indices)}`);
  }
  const selection = isSelection(indices) ? indices : select(op, input.shape, indices);
  const values = typeof given === "number" ? full([], given, { dtype: input.dtype }) : given;
  checkTensor(op, "values", values);
  if (!broadcastsTo(values.shape, selection.shape)) {
    fail(op, `shape mismatch: value tensor of shape ${showShape(values.shape)} cannot be ` +
      `broadcast to indexing result of shape ${showShape(selection.shape)}`);
  }
  if (!fits(values.dtype, input.dtype)) {
    fail(op, `result type ${typeNames[values.dtype]} can't be cast to the desired output type ` +
      typeNames[input.dtype]);
  }
  const { accumulate = false } = options ?? {};
  return { inputs: [input, values], attributes: { selection, accumulate } };
}

/** Values in the dtype of the tensor they are written to. */
function converted(values: Tensor, target: Tensor): Tensor {
  return values.dtype === target.dtype ? values : copyOf(values, target.dtype);
}

/**
 * A copy with the elements at `indices` replaced by `values`, or (`accumulate`) with them added.
 * Where an element is named twice and not accumulated, the last value is kept.
 */
export const indexPut: Op<(
  input: Tensor, indices: readonly IndexItem[] | Selection, values: Tensor | number,
  options?: IndexPutOptions,
) => Tensor> = primitive({
  name: "indexPut", inputs: ["input", "values"],
  prepare: (
    input: Tensor, indices: readonly IndexItem[] | Selection, values: Tensor | number,
    options?: IndexPutOptions,
  ) => preparePut("indexPut", input, indices, values, options),
  forward([input, values], { selection, accumulate }) {
    const result = copyOf(input);
    write(result, selection, converted(values, result), accumulate);
    return result;
  },
  gradients: (reads) => ({
    input: reads([], ({ grad, attributes: { selection, accumulate } }) =>
      accumulate ? grad : indexPut(grad, selection, 0)),
    values: reads([], ({ grad, attributes: { selection } }) => selected(grad, selection)),
  }),
  samples: [
    [real([3, 2]), [[0, 2], [1, 1]], real([2])],
    [real([4]), [[1, 1, 3]], real([3]), { accumulate: true }],
    [real([3, 4]), [1, "::2"], real([2])],
    [real([2, 3]), [[[true, false, true], [false, false, true]]], 1.5],
    [real([3, 2]), ["...", 1], real([1]), { accumulate: true }],
  ],
  rejects: [
    {
      args: [real([3]), [[0, 1]], real([3])],
      message: "value tensor of shape [3] cannot be broadcast to indexing result of shape [2]",
    },
    { args: [real([3]), [[3]], 0], message: "index 3 is out of bounds" },
  ],
});

/**
 * Writes `values` to the elements at `indices`, as `x[…] = values` does in PyTorch, and returns the
 * tensor: `x.indexPut_([0, "1:3"], 0)`.
 * @throws before anything is written
 */
export const indexPut_: Op<(
  input: Tensor, indices: readonly IndexItem[], values: Tensor | number, options?: IndexPutOptions,
) => Tensor> = composite({
  name: "indexPut_",
  call(input: Tensor, indices, given, options?) {
    const { inputs: [target, values], attributes } =
      preparePut("indexPut_", input, indices, given, options);
    const { definition } = indexPut;
    const recorded = isRecorded(definition, [target, values]);
    checkInPlace("indexPut_", target, target.shape, values.dtype, recorded);
    checkDualWrite("indexPut_", target, [values]);
    const before = arranged(target, target);
    before.tangents = target.tangents;
    before.history = target.history;
    before.outputIndex = target.outputIndex;
    const source = values.storage === target.storage
      ? apartFrom(target, values, attributes.selection) : converted(values, target);
    write(target, attributes.selection, source, attributes.accumulate);
    bumpVersion(target, "indexPut_");
    recordWrite(definition, [before, values], target, attributes);
    return target;
  },
  samples: indexPut.definition.samples, rejects: indexPut.definition.rejects,
});

/**
 * Values that share memory with the tensor they are written to, copied.
 * @throws when they are a block that partly overlaps the block written to
 */
function apartFrom(target: Tensor, values: Tensor, selection: Selection): Tensor {
  const window = arranged(target, windowLayout(selection, target));
  const distance = Math.abs(window.offset - values.offset);
  if (selection.rows === null && window.isContiguous() && values.isContiguous() && distance > 0 &&
    distance < (window.offset < values.offset ? window : values).numel()) {
    fail("indexPut_", "unsupported operation: some elements of the input tensor and the " +
      "written-to tensor refer to a single memory location. Please clone() the tensor before " +
      "performing the operation.");
  }
  return copyOf(values);
}

/** The elements for which `mask` is true, in one dimension; both are broadcast to each other. */
export const maskedSelect: Op<(input: Tensor, mask: Tensor) => Tensor> = composite({
  name: "maskedSelect",
  call(input: Tensor, mask: Tensor) {
    checkTensor("maskedSelect", "input", input);
    checkTensor("maskedSelect", "mask", mask);
    if (mask.dtype !== "bool") {
      fail("maskedSelect", `expected BoolTensor for mask, got ${mask.dtype}`);
    }
    const shape = broadcastShapes("maskedSelect", mask.shape, input.shape);
    const numbers = trueNumbers(expand(mask, shape));
    return lookUp(expand(input, shape),
      rowsSelection(shape, 0, shape.length, numbers, [numbers.length]));
  },
  samples: [[real([2, 3]), booleans([3])], [real([2]), booleans([2, 2])], [real([]), booleans([])]],
  rejects: [{
    args: [real([3]), booleans([2])],
    message: "The size of tensor a (2) must match the size of tensor b (3)",
  }],
});

/** Positions of the elements that are not zero, one row each: int32 `[count, ndim]`. */
export const nonzero: Op<(input: Tensor) => Tensor> = composite({
  name: "nonzero",
  call(input: Tensor) {
    checkTensor("nonzero", "input", input);
    const { shape, ndim } = input;
    const numbers = trueNumbers(input);
    const positions = new Int32Array(numbers.length * ndim);
    for (let i = 0; i < numbers.length; i++) {
      for (let dim = ndim - 1, rest = numbers[i]; dim >= 0; dim--) {
        positions[i * ndim + dim] = rest % shape[dim];
        rest = Math.floor(rest / shape[dim]);
      }
    }
    return adopt(positions, [numbers.length, ndim], "int32", false);
  },
  samples: [[real([2, 3])], [booleans([4])], [real([])]],
});

