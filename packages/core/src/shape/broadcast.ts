// Broadcasting of shapes: sizes align at the right; equal sizes match, and 1 matches any.
import { fail } from "../errors.ts";
import { sameShape, showShape, type Shape } from "./dims.ts";

/**
 * The shape two operands broadcast to.
 * @throws when two sizes differ and neither is 1
 */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b) || b.length === 0) return a;
  if (a.length === 0) return b;
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let i = rank - 1; i >= 0; i--) {
    const sizeA = a[i - rank + a.length] ?? 1;
    const sizeB = b[i - rank + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      fail(op, `The size of tensor a (${sizeA}) must match the size of tensor b (${sizeB}) ` +
        `at non-singleton dimension ${i}: shapes ${showShape(a)} and ${showShape(b)}`, { a, b });
    }
    result[i] = sizeA === 1 ? sizeB : sizeA;
  }
  return result;
}

/** Whether `shape` broadcasts to `target` without changing it. */
export function broadcastsTo(shape: Shape, target: Shape): boolean {
  const extra = target.length - shape.length;
  return extra >= 0 && shape.every((size, i) => size === 1 || size === target[i + extra]);
}

/** Strides that read a tensor of `shape` as if it had the shape `target`: 0 where it repeats. */
export function broadcastStrides(shape: Shape, strides: Shape, target: Shape): readonly number[] {
  if (sameShape(shape, target)) return strides;
  const extra = target.length - shape.length;
  const result = target.slice();
  for (let i = 0; i < target.length; i++) {
    const repeats = i < extra || (shape[i - extra] === 1 && target[i] !== 1);
    result[i] = repeats ? 0 : strides[i - extra];
  }
  return result;
}

/** Dimensions of `target` along which `shape` was repeated, in the numbering of `target`. */
export function broadcastDims(shape: Shape, target: Shape): readonly number[] {
  const extra = target.length - shape.length;
  const dims: number[] = [];
  for (let i = 0; i < target.length; i++) {
    if (i < extra || (shape[i - extra] === 1 && target[i] !== 1)) dims.push(i);
  }
  return dims;
}
