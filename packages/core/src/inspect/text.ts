// The graph as lines of text, from the outputs back to the leaves.
import { numel } from "../shape/dims.ts";
import type { GraphData, GraphEdge, GraphNode } from "./graph.ts";
import { bytesLabel, inputsOf, measuredLabels, outputsLabel, shortLine } from "./labels.ts";

const deepest = 30;

/**
 * One line per operation. The longest way back to the leaves stays at the left, what else flows
 * into it is indented; an operation comes after all that use it, so that it comes once.
 */
export function toText(graph: GraphData): string {
  const { nodes } = graph;
  const inputs = inputsOf(graph);
  const lines = [headline(graph)];
  for (const { id, level } of backward(graph, inputs)) {
    const node = nodes[id];
    const block = node.count === 1 ? "" : `×${node.count} `;
    lines.push("  ".repeat(Math.min(level, deepest)) + block + line(node, inputs[id], nodes));
  }
  return lines.join("\n");
}

function headline({ nodes, savedBytes }: GraphData): string {
  const count = (kind: GraphNode["kind"]) =>
    nodes.reduce((sum, node) => sum + (node.kind === kind ? node.count : 0), 0);
  const elements = nodes.reduce((sum, { kind, outputs, count }) =>
    sum + (kind === "parameter" ? numel(outputs[0].shape) * count : 0), 0);
  const several = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const leaves = count("parameter");
  return `${several(count("op"), "operation")}, ${leaves} ${leaves === 1 ? "leaf" : "leaves"} of ` +
    `${several(elements, "element")}, ${bytesLabel(savedBytes)} saved`;
}

function line(node: GraphNode, inputs: readonly GraphEdge[], nodes: readonly GraphNode[]): string {
  if (node.kind !== "op") {
    return [`#${node.id} ${node.op} ${outputsLabel(node)}`, ...measuredLabels(node)].join(" · ");
  }
  const given = argumentsOf(inputs, nodes);
  if (node.attributes !== "") given.push(node.attributes);
  const notes = [
    ...node.savedBytes > 0 ? [`${bytesLabel(node.savedBytes)} saved`] : [],
    ...measuredLabels(node), ...node.line === null ? [] : [shortLine(node.line)],
  ];
  return [`#${node.id} ${node.op}(${given.join(", ")}) → ${outputsLabel(node)}`, ...notes]
    .join(" · ");
}

/** The inputs in order; in a folded block the first repetition may read something of its own. */
function argumentsOf(inputs: readonly GraphEdge[], nodes: readonly GraphNode[]): string[] {
  const given = new Map<string, string>();
  for (const edge of inputs) {
    const before = given.get(edge.input);
    const text = source(edge, nodes);
    given.set(edge.input, before === undefined ? text : `${before} or ${text}`);
  }
  return [...given.values()];
}

function source(edge: GraphEdge, nodes: readonly GraphNode[]): string {
  const { id, kind, op, isNamed, outputs } = nodes[edge.from];
  const which = outputs.length > 1 ? `.${edge.output}` : "";
  const times = edge.count > 1 && nodes[edge.to].count === 1 ? ` ×${edge.count}` : "";
  if (kind !== "op") return `${isNamed ? "" : `#${id} `}${op}${times}`;
  return `${edge.isCarried ? "previous " : ""}#${id}${which}${times}`;
}

/** Operations, users before what they use, with how far they are indented; leaves at the end. */
function* backward(
  { nodes }: GraphData, inputs: readonly (readonly GraphEdge[])[],
): Iterable<{ id: number; level: number }> {
  const isOperation = (id: number) => nodes[id].kind === "op";
  const flows = inputs.map((list) => [...new Set(list
    .filter(({ from, isCarried }) => !isCarried && isOperation(from)).map(({ from }) => from))]);
  const height = nodes.map(() => 0);
  const waiting = nodes.map(() => 0);
  const level = nodes.map(() => Infinity);
  flows.forEach((list, id) => list.forEach((from) => {
    height[id] = Math.max(height[id], height[from] + 1);
    waiting[from]++;
  }));
  const ready: number[] = [];
  nodes.forEach(({ id }) => {
    if (!isOperation(id) || waiting[id] > 0) return;
    level[id] = 0;
    ready.push(id);
  });
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    yield { id, level: level[id] };
    const list = flows[id].sort((a, b) => height[b] - height[a]);
    list.forEach((from, i) => {
      level[from] = Math.min(level[from], level[id!] + (i === 0 ? 0 : 1));
      if (--waiting[from] === 0) ready.push(from);
    });
  }
  for (const { id, kind } of nodes) if (kind !== "op") yield { id, level: 0 };
}
