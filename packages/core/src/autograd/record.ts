// Recording: what an operation leaves behind in the graph, and what an in-place write must respect.
import { fits, typeNames, type DType } from "../dtype.ts";
import { fail } from "../errors.ts";
import { sameShape, showShape, type Shape } from "../shape/dims.ts";
import { overlaps } from "../shape/layout.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { anomaly } from "./anomaly.ts";
import { pushForward } from "./forward.ts";
import { isGradEnabled } from "./modes.ts";
import { edgeTo, Node, release, retain, save, typeOf, type Differentiable, type Edge, type Saved }
  from "./node.ts";
import { withoutSavedHooks } from "./saved-hooks.ts";
import { isForward } from "./tangents.ts";

/** An input of an operation; numbers have no gradient. */
export type Input = Tensor | number;

/** Whether an operation on these inputs will be recorded. */
export function isRecorded(op: Differentiable, inputs: readonly Input[]): boolean {
  if (!isGradEnabled()) return false;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    if (typeof input !== "number" && input.history !== null && op.rules[i] !== null) return true;
  }
  return false;
}

/**
 * Gives `outputs` the history of `op` on `inputs`, and saves what the rules that can run will read;
 * in forward mode gives them their tangents.
 */
export function record(
  op: Differentiable, inputs: readonly Input[], outputs: readonly Tensor[], attributes: unknown,
): void {
  const isKept = isRecorded(op, inputs);
  if (isKept) recordNode(op, inputs, outputs, attributes);
  if (anomaly !== null) {
    const node = isKept ? outputs.find(({ history }) => history !== null)?.history : null;
    anomaly.forward(op, inputs, outputs, attributes, (node ?? null) as Node | null);
  }
  if (isForward) withoutSavedHooks(() => pushForward(op, inputs, outputs, attributes));
}

function recordNode(
  op: Differentiable, inputs: readonly Input[], outputs: readonly Tensor[], attributes: unknown,
): void {
  const edges = new Array<Edge | null>(inputs.length); // arrays that grow take more memory
  const shapes = new Array<Shape>(inputs.length);
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    const isNumber = typeof input === "number";
    edges[i] = isNumber || op.rules[i] === null ? null : edgeTo(input);
    shapes[i] = isNumber ? scalar : input.shape;
  }
  const types = outputs.map(typeOf);
  const node = new Node(op, attributes, edges, shapes, types, null);
  for (let index = 0; index < outputs.length; index++) {
    const output = outputs[index];
    if (!output.isFloatingPoint()) continue;
    const isRetained = release(output); // written in place: what is kept is the gradient after it
    output.history = node;
    output.outputIndex = index;
    if (isRetained) retain(output);
  }
  node.saved = savedFor(node, inputs, outputs);
}

const scalar: Shape = [];

/** The values that the rules of a node will read, each once. */
function savedFor(
  { op, edges }: Node, inputs: readonly Input[], outputs: readonly Tensor[],
): readonly Saved[] {
  const saved: Saved[] = [];
  for (let i = 0; i < edges.length; i++) {
    if (edges[i] === null) continue;
    for (const name of op.rules[i]!.reads) {
      if (saved.some((item) => item.name === name)) continue;
      const value = name === "output" ? outputs[0] : inputs[op.inputs.indexOf(name)];
      saved.push(save(name, value, op.name));
    }
  }
  return saved;
}

/**
 * Checks an in-place write of a result into `target` before anything is changed.
 * @throws when a leaf that requires grad would be overwritten while recording, or when shape,
 *   dtype or overlapping memory forbid the write
 */
export function checkInPlace(
  op: string, target: Tensor, shape: Shape, dtype: DType, recorded: boolean,
): void {
  if (isGradEnabled() && target.history?.isAccumulator) {
    fail(op, "a leaf Variable that requires grad is being used in an in-place operation. " +
      "Wrap the update in noGrad(() => …), or use the op without underscore");
  }
  if (isGradEnabled() && target.base?.history?.isAccumulator) {
    fail(op, "a view of a leaf Variable that requires grad is being used in an in-place " +
      "operation. Wrap the update in noGrad(() => …), or use the op without underscore");
  }
  if (recorded && (target.base !== null || target.viewed)) {
    fail(op, "recording an in-place write to a tensor that has views is not supported: " +
      "use the op without underscore, or noGrad(() => …) if no gradient is wanted");
  }
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

/** Counts a write to a tensor's memory. */
export function bumpVersion(target: Tensor, writer: string): void {
  target.storage.version++;
  target.storage.writer = writer;
  if (anomaly !== null) anomaly.written(target.storage);
}
