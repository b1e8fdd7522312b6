// Measuring a graph: one backward pass over it that touches no `.grad`.
import { arithmetic } from "../autograd/arithmetic.ts";
import { run, type Pass } from "../autograd/engine.ts";
import { attach } from "../autograd/node-hooks.ts";
import { edgeTo, nodeOf, type Node } from "../autograd/node.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Measured } from "./collect.ts";
import type { Summary } from "./graph.ts";

/**
 * Runs a backward pass from the sum of the outputs, twice so that compiling is not timed, keeps the
 * graph, and tells of every node the values that the graph still holds, the norm of the gradient
 * and the time of its rules. No hook of the user's runs.
 */
export function measure(tape: readonly Node[], outputs: readonly Tensor[]): Map<Node, Measured> {
  const watch = new Watch();
  const pass: Pass = {
    roots: outputs.map((output) => edgeTo(output)!),
    gradients: outputs.map(({ shape, dtype }) => arithmetic.full(shape, 1, dtype)),
    retainGraph: true, createGraph: false,
    targets: tape.filter(({ isAccumulator }) => isAccumulator).map((node) => ({ node, index: 0 })),
    capture: () => {},
  };
  const before = tape.map(({ hooks, retained }) => ({ hooks, retained }));
  try {
    for (const node of tape) Object.assign(node, { hooks: null, retained: null });
    run(pass); // kernels are compiled at their first use
    for (const node of tape) {
      node.outputs.forEach((_, index) => {
        attach("inspect", node, "tensor", { index, hook: (grad) => watch.arrive(node, grad) });
      });
    }
    run(pass);
    watch.stop();
  } finally {
    tape.forEach((node, i) => Object.assign(node, before[i]));
  }
  const values = valuesOf(tape, outputs);
  return new Map(tape.map((node) => [node, {
    values: values.get(node) ?? null,
    gradNorm: watch.norms.get(node) ?? null,
    milliseconds: node.isAccumulator ? null : watch.times.get(node) ?? null,
  }]));
}

/** Sees gradients arrive: what happens between one node and the next is the first one's doing. */
class Watch {
  readonly norms = new Map<Node, number>();
  readonly times = new Map<Node, number>();
  private current: Node | null = null;
  private since = 0;

  arrive(node: Node, gradient: Tensor): void {
    this.stop();
    const values = gradient.toTypedArray();
    let sum = 0;
    for (const value of values) sum += value * value;
    this.norms.set(node, Math.hypot(this.norms.get(node) ?? 0, Math.sqrt(sum)));
    this.current = node;
    this.since = performance.now();
  }

  stop(): void {
    const { current } = this;
    if (current === null) return;
    this.times.set(current, (this.times.get(current) ?? 0) + performance.now() - this.since);
    this.current = null;
  }
}

/** Values of first outputs, as far as they are at hand: saved ones, leaves, the outputs. */
function valuesOf(tape: readonly Node[], outputs: readonly Tensor[]): Map<Node, Summary> {
  const values = new Map<Node, Summary>();
  const note = (node: Node | null, tensor: Tensor, index: number) => {
    if (node !== null && index === 0 && !values.has(node)) values.set(node, summary(tensor));
  };
  for (const output of outputs) note(nodeOf(output), output, output.outputIndex);
  for (const node of tape) {
    if (node.leaf !== null) note(node, node.leaf, 0);
    for (const { name, value, version, history, outputIndex } of node.saved ?? []) {
      if (typeof value === "number" || value.storage.version !== version) continue;
      if (name === "output") note(node, value, 0);
      else note(history as Node | null, value, outputIndex);
    }
  }
  return values;
}

function summary(tensor: Tensor): Summary {
  let [min, max, sum, finite] = [Infinity, -Infinity, 0, 0];
  const values = tensor.toTypedArray();
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    finite++;
  }
  return finite === 0 ? { min: NaN, max: NaN, mean: NaN, nonFinite: values.length }
    : { min, max, mean: sum / finite, nonFinite: values.length - finite };
}
