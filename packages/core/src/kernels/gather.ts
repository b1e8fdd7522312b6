// Kernels that look positions up in a table: whole rows, or single elements along a dimension.
import type { TypedArray } from "../dtype.ts";
import { numel, type Shape } from "../shape/dims.ts";
import { collapse, type Operand } from "./operand.ts";

/** Memory walked by rows: `rows[i]` is how far row `i` lies from `offset`. */
export interface RowOperand extends Operand {
  readonly rows: Int32Array;
}

/** Runs shorter than this are copied faster one by one than through a subarray. */
const shortRun = 12;

/**
 * Copies row `i` of `source` to row `i` of `target`, or adds it there, in order. Both hold elements
 * of one class; the strides refer to `shape`, the dimensions within a row.
 *
 * Method: rows that are contiguous in both are moved as blocks; otherwise the rows are the
 * innermost loop, so that looking up columns walks each line of memory once.
 */
export function moveRows(
  shape: Shape, target: RowOperand, source: RowOperand, accumulate: boolean,
): void {
  if (numel(shape) === 0) return;
  const { shape: sizes, strides } = collapse(shape, [target, source]);
  const inner = sizes.length - 1;
  const blocks = inner >= 0 && strides[0][inner] === 1 && strides[1][inner] === 1;
  const count = target.rows.length;
  forEachOffset(blocks ? sizes.slice(0, inner) : sizes, strides, [target.offset, source.offset],
    blocks
      ? (at) => {
        for (let i = 0; i < count; i++) {
          moveBlock(target.data, at[0] + target.rows[i], source.data, at[1] + source.rows[i],
            sizes[inner], accumulate);
        }
      }
      : (at) => moveElements(target, at[0], source, at[1], accumulate));
}

function moveBlock(
  target: TypedArray, to: number, source: TypedArray, from: number, length: number,
  accumulate: boolean,
): void {
  if (accumulate) for (let i = 0; i < length; i++) target[to + i] += source[from + i];
  else if (length < shortRun) for (let i = 0; i < length; i++) target[to + i] = source[from + i];
  else target.set(source.subarray(from, from + length), to);
}

function moveElements(
  target: RowOperand, to: number, source: RowOperand, from: number, accumulate: boolean,
): void {
  const { data: written, rows: places } = target;
  const { data: read, rows } = source;
  if (accumulate) {
    for (let i = 0; i < rows.length; i++) written[to + places[i]] += read[from + rows[i]];
  } else {
    for (let i = 0; i < rows.length; i++) written[to + places[i]] = read[from + rows[i]];
  }
}

/** How far elements lie from the first, given their row-major numbers within `shape`. */
export function offsetsOf(
  numbers: Int32Array, shape: Shape, strides: readonly number[],
): Int32Array {
  const offsets = new Int32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    let rest = numbers[i];
    let offset = 0;
    for (let dim = shape.length - 1; dim > 0; dim--) {
      offset += (rest % shape[dim]) * strides[dim];
      rest = Math.floor(rest / shape[dim]);
    }
    offsets[i] = shape.length === 0 ? 0 : offset + rest * strides[0];
  }
  return offsets;
}

/** `0, 1, …, count - 1`: the numbers of all elements. */
export function allNumbers(count: number): Int32Array {
  const numbers = new Int32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = i;
  return numbers;
}

/**
 * Moves elements between `values` and the places of `table` that `index` names along one dimension:
 * reads `values ← table`, writes or adds `table ← values`. All strides refer to `shape`; those of
 * `table` are 0 in the dimension looked up, whose own stride is `step`.
 */
export function moveAlong(
  shape: Shape, table: Operand, step: number, index: Operand, values: Operand,
  mode: "read" | "write" | "add",
): void {
  if (numel(shape) === 0) return;
  const { shape: sizes, strides } = collapse(shape, [table, index, values]);
  const inner = sizes.length - 1;
  const count = inner < 0 ? 1 : sizes[inner];
  const [a, b, c] = strides.map((steps) => inner < 0 ? 0 : steps[inner]);
  const offsets = [table.offset, index.offset, values.offset];
  forEachOffset(sizes.slice(0, Math.max(inner, 0)), strides, offsets, (at) => {
    let [t, i, v] = at;
    for (let k = 0; k < count; k++, t += a, i += b, v += c) {
      const place = t + index.data[i] * step;
      if (mode === "read") values.data[v] = table.data[place];
      else if (mode === "write") table.data[place] = values.data[v];
      else table.data[place] += values.data[v];
    }
  });
}

/** Calls `visit` with the position in each operand, once per index of `shape`, row-major. */
function forEachOffset(
  shape: Shape, strides: readonly (readonly number[])[], offsets: readonly number[],
  visit: (positions: readonly number[]) => void,
): void {
  const index = shape.map(() => 0);
  const positions = offsets.slice();
  for (;;) {
    visit(positions);
    let dim = shape.length - 1;
    for (; dim >= 0; dim--) {
      const steps = ++index[dim] < shape[dim] ? 1 : 1 - shape[dim];
      for (let k = 0; k < positions.length; k++) positions[k] += strides[k][dim] * steps;
      if (steps === 1) break;
      index[dim] = 0;
    }
    if (dim < 0) return;
  }
}
