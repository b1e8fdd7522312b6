// The elements of a window of a tensor: shown, put into zeros, or replaced by zeros. Gradients of
// writes to views are made of these.
import { isContiguous } from "../shape/layout.ts";
import { extent, type Window } from "../shape/window.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { primitive } from "./define.ts";
import { addInto, arranged, copyInto, copyOf, fresh, rowMajor } from "./memory.ts";
import type { Op } from "./op.ts";

/** Shape of the whole in memory that positions of a window refer to, with zeros in it. */
function roomFor({ whole }: Window, dtype: Tensor["dtype"]): Tensor {
  return isContiguous(whole.shape, whole.strides) ? fresh(whole.shape, dtype)
    : arranged(fresh([extent(whole)], dtype), { ...whole, offset: 0 });
}

/** A copy of `input` in such memory. */
function inRoom(input: Tensor, window: Window): Tensor {
  const room = roomFor(window, input.dtype);
  copyInto(room, input);
  return room;
}

/** The elements of the window in a tensor that `roomFor` has made, or in row-major order. */
function within(room: Tensor, { shape, strides, offset }: Window): Tensor {
  return arranged(room, { shape, strides, offset: room.offset + offset });
}

const prepare = (input: Tensor, window: Window) => ({ inputs: [input], attributes: window });

/** Copies of the elements of a window. */
export const shown: Op<(input: Tensor, window: Window) => Tensor> = primitive({
  name: "shown", inputs: ["input"], multilinear: true, prepare,
  forward([input], window) {
    const { shape, strides } = window.whole;
    const room = isContiguous(shape, strides) ? rowMajor(input) : inRoom(input, window);
    return copyOf(within(room, window));
  },
  gradients: (reads) => ({ input: reads([], ({ grad, attributes }) => placed(grad, attributes)) }),
  samples: [],
});

/** Zeros of the shape of the whole, with the elements of the input added in a window. */
export const placed: Op<(input: Tensor, window: Window) => Tensor> = primitive({
  name: "placed", inputs: ["input"], multilinear: true, prepare,
  forward([input], window) {
    const room = roomFor(window, input.dtype);
    addInto(within(room, window), input);
    return rowMajor(room);
  },
  gradients: (reads) => ({ input: reads([], ({ grad, attributes }) => shown(grad, attributes)) }),
  samples: [],
});

/** A copy with zeros in a window. */
export const cleared: Op<(input: Tensor, window: Window) => Tensor> = primitive({
  name: "cleared", inputs: ["input"], multilinear: true, prepare,
  forward([input], window) {
    const room = inRoom(input, window);
    copyInto(within(room, window), fresh([], input.dtype));
    return rowMajor(room);
  },
  gradients: (reads) => ({ input: reads([], ({ grad, attributes }) => cleared(grad, attributes)) }),
  samples: [],
});
