// The graph in the language of Graphviz.
import type { GraphData, GraphNode } from "./graph.ts";
import { measuredLabels, outputsLabel } from "./labels.ts";

const styles = {
  op: 'fillcolor="white"',
  parameter: 'fillcolor="#fdf3d8", color="#c99a2e"',
  data: 'fillcolor="#e8f0f8", color="#7d9cbb"',
};

/** A `digraph`, data at the top; folded blocks are clusters. */
export function toDot({ nodes, edges, blocks }: GraphData): string {
  const lines = [
    "digraph {", "  rankdir=TB",
    '  node [shape=box, style="rounded,filled", fontname="monospace", fontsize=10]',
    '  edge [color="#667788", arrowsize=0.6, fontname="monospace", fontsize=9]',
  ];
  const declare = (node: GraphNode, indent: string) => {
    const label = [node.op, outputsLabel(node), ...measuredLabels(node)].join("\n");
    const width = node.isOutput ? ", penwidth=2" : "";
    lines.push(`${indent}n${node.id} [label=${quote(label)}, ${styles[node.kind]}${width}]`);
  };
  for (const node of nodes) if (node.block === null) declare(node, "  ");
  blocks.forEach((block, i) => {
    lines.push(`  subgraph cluster_${i} {`, `    label="×${block.count}"; style="rounded,dashed"`);
    for (const id of block.nodes) declare(nodes[id], "    ");
    lines.push("  }");
  });
  for (const { from, to, count, isCarried } of edges) {
    const styled = isCarried ? " [style=dashed, constraint=false]"
      : count > 1 ? ` [label="×${count}"]` : "";
    lines.push(`  n${from} -> n${to}${styled}`);
  }
  return [...lines, "}", ""].join("\n");
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}
