// Plans that lay the windows of images out as columns, for convolution as a matrix product.
import type { Step } from "../heap-kernel.ts";
import { planCopies, type Copy } from "./copy.ts";

/** Windows over one spatial dimension. */
export interface Window {
  /** Size of the image. */
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** Number of places of a window. */
export function places({ size, kernel, stride, padding, dilation }: Window): number {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

/**
 * `[N, C, H, W] → [N, C, kH, kW, outH, outW]`: `out[…, y, x, i, j] = in[…, i·stride + y·dilation −
 * padding, …]`, zero outside the image. Both float32 and without gaps. `zero` is the address of
 * a float32 zero; it is read only if there is padding.
 */
export function planUnfold(
  images: number, channels: number, rows: Window, columns: Window,
  out: number, input: number, zero: number, shared: boolean,
): Step[] {
  const [outRows, outColumns] = [places(rows), places(columns)];
  const window = outRows * outColumns * 4;
  const planes = images * channels;
  const area = rows.kernel * columns.kernel * window;
  const copies: Copy[] = [];
  const add = (at: number, shape: readonly number[], from: number, inStrides: readonly number[]) =>
    copies.push({ shape: [planes, ...shape], out: at,
      outStrides: [area, outColumns * 4, 4], in: from, inStrides });
  const blank = (at: number, height: number, width: number) =>
    add(at, [height, width], zero, [0, 0, 0]);
  for (let y = 0; y < rows.kernel; y++) {
    const [top, bottom] = inside(rows, y, outRows);
    for (let x = 0; x < columns.kernel; x++) {
      const [left, right] = inside(columns, x, outColumns);
      const start = out + (y * columns.kernel + x) * window;
      const at = (i: number, j: number) => start + 4 * (i * outColumns + j);
      const row = top * rows.stride + y * rows.dilation - rows.padding;
      const column = left * columns.stride + x * columns.dilation - columns.padding;
      add(at(top, left), [bottom - top, right - left], input + 4 * (row * columns.size + column),
        [4 * rows.size * columns.size, 4 * rows.stride * columns.size, 4 * columns.stride]);
      blank(at(0, 0), top, outColumns);
      blank(at(bottom, 0), outRows - bottom, outColumns);
      blank(at(top, 0), bottom - top, left);
      blank(at(top, right), bottom - top, outColumns - right);
    }
  }
  return planCopies(copies, 4, shared);
}

/** The first place at which offset `k` of the window lies in the image, and the one behind. */
function inside({ size, stride, padding, dilation }: Window, k: number, count: number) {
  const shift = padding - k * dilation;
  const first = Math.min(count, Math.max(0, Math.ceil(shift / stride)));
  const end = Math.min(count, Math.max(first, Math.ceil((size + shift) / stride)));
  return [first, end] as const;
}
