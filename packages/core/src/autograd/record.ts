// Recording: what an operation leaves behind in the graph.
import type { Shape } from "../shape/dims.ts";
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
  const node = isRecorded(op, inputs) ? recordNode(op, inputs, outputs, attributes) : null;
  if (anomaly !== null) anomaly.forward(op, inputs, outputs, attributes, node);
  if (isForward) pass(op, inputs, outputs, attributes);
  if (node !== null) node.saved = savedFor(node, inputs, outputs); // with the tangents they got
}

/** Apart from `record`, because V8 makes what a closure sees an object on every call. */
function pass(
  op: Differentiable, inputs: readonly Input[], outputs: readonly Tensor[], attributes: unknown,
): void {
  withoutSavedHooks(() => pushForward(op, inputs, outputs, attributes));
}

function recordNode(
  op: Differentiable, inputs: readonly Input[], outputs: readonly Tensor[], attributes: unknown,
): Node {
  const edges = new Array<Edge | null>(inputs.length); // arrays that grow take more memory
  const shapes = new Array<Shape>(inputs.length);
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    const isNumber = typeof input === "number";
    edges[i] = isNumber || op.rules[i] === null ? null : edgeTo(input);
    shapes[i] = isNumber ? scalar : input.shape;
  }
  const types = outputs.length === 1 ? [typeOf(outputs[0])] : outputs.map(typeOf);
  const node = new Node(op, attributes, edges, shapes, types, null);
  for (let index = 0; index < outputs.length; index++) {
    const output = outputs[index];
    if (!output.isFloatingPoint()) continue;
    const isRetained = release(output); // written in place: what is kept is the gradient after it
    output.history = node;
    output.outputIndex = index;
    if (isRetained) retain(output);
  }
  return node;
}

const scalar: Shape = [];

/** The values that the rules of a node will read, each once. */
function savedFor(
  { op, edges }: Node, inputs: readonly Input[], outputs: readonly Tensor[],
): readonly Saved[] {
  let saved: Saved[] | null = null;
  for (let i = 0; i < edges.length; i++) {
    if (edges[i] === null) continue;
    for (const name of op.rules[i]!.reads) {
      if (saved !== null && isSaved(saved, name)) continue;
      const value = name === "output" ? outputs[0] : inputs[op.inputs.indexOf(name)];
      const item = save(name, value, op.name);
      if (saved === null) saved = [item]; // a literal takes a tenth of the memory
      else saved.push(item);
    }
  }
  return saved ?? none;
}

const none: readonly never[] = [];

function isSaved(saved: readonly Saved[], name: string): boolean {
  for (let i = 0; i < saved.length; i++) if (saved[i].name === name) return true;
  return false;
}
