// Reading and writing the elements that an index selects.
import { allNumbers, moveRows, offsetsOf, type RowOperand } from "../kernels/gather.ts";
import { broadcastStrides } from "../shape/broadcast.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { isContiguous } from "../shape/layout.ts";
import { Placed } from "../storage/place.ts";
import { lookUpRows } from "../storage/rows.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { isBatched, onEachSample } from "./batching.ts";
import { primitive, view as defineView } from "./define.ts";
import { windowLayout, type Selection } from "./index-items.ts";
import { indexPut } from "./indexing.ts";
import { addInto, arranged, copyInto, fresh } from "./memory.ts";
import type { Op } from "./op.ts";

/** Where the rows of a window begin, and the strides within one. */
function windowRows({ shape, strides, offset, storage }: Tensor, { rows }: Selection): RowOperand {
  const { numbers, dim, count } = rows!;
  const end = dim + count;
  return {
    data: storage.data, offset,
    rows: offsetsOf(numbers, shape.slice(dim, end), strides.slice(dim, end)),
    strides: strides.toSpliced(dim, count),
  };
}

/** Where the rows of a tensor begin that broadcasts to the shape of the result. */
function valueRows(values: Tensor, { rows, shape }: Selection): RowOperand {
  const { dim, shape: rowsShape } = rows!;
  const strides = broadcastStrides(values.shape, values.strides, shape);
  return {
    data: values.storage.data, offset: values.offset,
    rows: offsetsOf(allNumbers(numel(rowsShape)), rowsShape,
      strides.slice(dim, dim + rowsShape.length)),
    strides: strides.toSpliced(dim, rowsShape.length),
  };
}

/** Shape of one row: the dimensions of the window that are not looked up. */
function rowShape({ rows, axes }: Selection): Shape {
  return axes.toSpliced(rows!.dim, rows!.count).map(({ size }) => size);
}

/** Writes values of the target's dtype to the elements selected, or adds them there. */
export function write(
  target: Tensor, selection: Selection, values: Tensor, accumulate: boolean,
): void {
  if (isBatched(target) || isBatched(values)) {
    onEachSample(target, values, (one, own) => write(one, selection, own, accumulate));
    return;
  }
  const window = arranged(target, windowLayout(selection, target));
  if (selection.rows !== null) {
    moveRows(rowShape(selection), windowRows(window, selection), valueRows(values, selection),
      accumulate);
  } else if (accumulate) addInto(window, values);
  else copyInto(window, values);
}

/** Whole rows without gaps can be looked up in the heap. */
function lookUpInHeap(result: Tensor, window: Tensor, { rows }: Selection): boolean {
  const { numbers, dim, count } = rows!;
  const { shape, strides, storage, offset } = window;
  if (dim > 0 || !isContiguous(shape.slice(count), strides.slice(count))) return false;
  const starts = offsetsOf(numbers, shape.slice(0, count), strides.slice(0, count));
  return lookUpRows(new Placed(result.storage, result.strides, 0),
    new Placed(storage, strides, offset), starts, numel(shape.slice(count)));
}

/** A copy of the elements selected, where some are looked up. */
export const lookUp: Op<(input: Tensor, selection: Selection) => Tensor> = primitive({
  name: "index", inputs: ["input"],
  prepare: (input: Tensor, selection: Selection) => ({ inputs: [input], attributes: selection }),
  forward([input], selection) {
    const result = fresh(selection.shape, input.dtype);
    const window = arranged(input, windowLayout(selection, input));
    if (lookUpInHeap(result, window, selection)) return result;
    moveRows(rowShape(selection), valueRows(result, selection), windowRows(window, selection),
      false);
    return result;
  },
  gradients: (reads) => ({
    input: reads([], ({ grad, shapes: [shape], attributes }) =>
      indexPut(fresh(shape, grad.dtype), attributes, grad, { accumulate: true })),
  }),
  samples: [],
});

/** A view of the elements selected, where nothing is looked up. */
const shown: Op<(input: Tensor, selection: Selection) => Tensor> = defineView({
  name: "index",
  prepare: (input: Tensor, selection: Selection) => ({ input, attributes: selection }),
  geometry: (layout, selection) => windowLayout(selection, layout),
  samples: [],
});

/** The elements selected: a view where nothing is looked up, else a copy. */
export function selected(input: Tensor, selection: Selection): Tensor {
  return selection.rows === null ? shown(input, selection) : lookUp(input, selection);
}
