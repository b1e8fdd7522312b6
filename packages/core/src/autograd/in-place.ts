// Writing in place: what a write must respect, and what it leaves behind in the graph.
import { fits, typeNames, type DType } from "../dtype.ts";
import { fail } from "../errors.ts";
import { sameShape, showShape, type Shape } from "../shape/dims.ts";
import { overlaps } from "../shape/layout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { anomaly } from "./anomaly.ts";
import { isGradEnabled } from "./modes.ts";
import { edgeTo, type Differentiable, type Edge } from "./node.ts";
import { record, type Input } from "./record.ts";
import { checkViewWrite, rebase } from "./views.ts";

/**
 * Checks an in-place write of a result into `target` before anything is changed.
 * @throws when a leaf that requires grad would be overwritten while recording, or when shape,
 *   dtype, overlapping memory or the way a view was made forbid the write
 */
export function checkInPlace(
  op: string, target: Tensor, shape: Shape, dtype: DType, recorded: boolean,
): void {
  checkHistoryWrite(op, target, recorded);
  if (!sameShape(shape, target.shape)) {
    fail(op, `output with shape ${showShape(target.shape)} doesn't match the broadcast shape ` +
      showShape(shape));
  }
  if (!fits(dtype, target.dtype)) {
    fail(op, `result type ${typeNames[dtype]} can't be cast to the desired output type ` +
      typeNames[target.dtype]);
  }
  if (overlaps(target.shape, target.strides)) {
    fail(op, "unsupported operation: more than one element of the written-to tensor refers to a " +
      "single memory location. Please clone() the tensor before the write");
  }
}

/**
 * Checks that the history of `target` may be replaced by that of a write to it.
 * @throws when it is a leaf that requires a gradient, a view of one, or a view that its making
 *   forbids to write to
 */
export function checkHistoryWrite(op: string, target: Tensor, recorded: boolean): void {
  if (isGradEnabled() && target.history?.isAccumulator) {
    fail(op, "a leaf Variable that requires grad is being used in an in-place operation. " +
      "Wrap the update in noGrad(() => …), or use the op without underscore");
  }
  checkViewWrite(op, target, recorded);
  if (isGradEnabled() && target.base?.history?.isAccumulator) {
    fail(op, "a view of a leaf Variable that requires grad is being used in an in-place " +
      "operation. Wrap the update in noGrad(() => …), or use the op without underscore");
  }
}

/** Counts a write to a tensor's memory. */
export function bumpVersion(target: Tensor, writer: string): void {
  target.storage.version++;
  target.storage.writer = writer;
  if (anomaly !== null) anomaly.written(target.storage);
}

/**
 * Gives `target`, to which `op` was written, the history of that, and what shares its memory the
 * same. To be called after the write.
 */
export function recordWrite(
  op: Differentiable, inputs: readonly Input[], target: Tensor, attributes: unknown,
): void {
  const before = target.history;
  record(op, inputs, [target], attributes);
  if (target.history !== before) rebase(target, edgeTo(target) as Edge);
}

/** The same for an op with several outputs, of which it has written some to its inputs. */
export function recordWrites(
  op: Differentiable, inputs: readonly Input[], outputs: readonly Tensor[], attributes: unknown,
  written: readonly Tensor[],
): void {
  const before = written.map(({ history }) => history);
  record(op, inputs, outputs, attributes);
  const changed = written.filter(({ history }, i) => history !== before[i]);
  const edges = changed.map((target) => edgeTo(target) as Edge); // before any of them is rebased
  changed.forEach((target, i) => rebase(target, edges[i]));
}
