// Views that a tensor becomes itself: the same memory, from now on in another arrangement. They are
// methods only.
import { bumpVersion, checkHistoryWrite } from "../autograd/in-place.ts";
import { isGradEnabled } from "../autograd/modes.ts";
import { release, retain } from "../autograd/node.ts";
import { fail } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { arranged } from "./memory.ts";
import { checkTensor, composite, type Op } from "./op.ts";
import { squeeze, t, unsqueeze } from "./rearrange.ts";
import { transpose } from "./view.ts";

/** The arrangement of a tensor, to be changed: nothing else may. */
type Rearranged = { -readonly [K in "shape" | "strides" | "offset"]: Tensor[K] };

/** The view that an op gives, taken on by its input. */
function becoming<F extends (input: Tensor, ...rest: never[]) => Tensor>(op: Op<F>): Op<F> {
  const { name, samples, rejects } = op.definition;
  return composite<(input: Tensor, ...rest: never[]) => Tensor>({
    name: `${name}_`, samples, rejects,
    call(input, ...rest) {
      checkTensor(`${name}_`, "input", input);
      checkRearranged(`${name}_`, input);
      const before = arranged(input, input);
      before.history = input.history;
      before.outputIndex = input.outputIndex;
      before.tangents = input.tangents;
      const view = op(before, ...rest);
      const isRetained = release(input);
      const { shape, strides, offset } = view;
      Object.assign(input as Rearranged, { shape, strides, offset });
      input.history = view.history;
      input.outputIndex = view.outputIndex;
      input.tangents = view.tangents;
      if (isRetained) retain(input);
      bumpVersion(input, `${name}_`);
      return input;
    },
  }) as Op<F>;
}

/** @throws when there is a history that would not get the new shape */
function checkRearranged(name: string, input: Tensor): void {
  checkHistoryWrite(name, input, input.history !== null && isGradEnabled());
  if (input.history !== null && !isGradEnabled()) {
    fail(name, "inside of noGrad a tensor that requires a gradient must keep its shape, which " +
      "its gradient has: use the op without underscore");
  }
}

/** `squeeze` in place: dimensions of size 1 are dropped. */
export const squeeze_: typeof squeeze = becoming(squeeze);

/** `unsqueeze` in place: a dimension of size 1 is added. */
export const unsqueeze_: typeof unsqueeze = becoming(unsqueeze);

/** `transpose` in place: two dimensions are swapped. */
export const transpose_: typeof transpose = becoming(transpose);

/** `t` in place: rows and columns of a matrix are swapped. */
export const t_: typeof t = becoming(t);
