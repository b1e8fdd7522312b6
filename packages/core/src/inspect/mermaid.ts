// The graph as a Mermaid flowchart, which Markdown pages draw.
import type { GraphData, GraphNode } from "./graph.ts";
import { measuredLabels, outputsLabel } from "./labels.ts";

/** A `flowchart`, data at the top; folded blocks are subgraphs. */
export function toMermaid({ nodes, edges, blocks }: GraphData): string {
  const lines = ["flowchart TB"];
  const declare = (node: GraphNode, indent: string) => {
    const label = quote([node.op, outputsLabel(node), ...measuredLabels(node)]);
    const box = node.kind === "op" ? `[${label}]` : `([${label}])`;
    lines.push(`${indent}n${node.id}${box}:::${node.isOutput ? "output" : node.kind}`);
  };
  for (const node of nodes) if (node.block === null) declare(node, "  ");
  blocks.forEach((block, i) => {
    lines.push(`  subgraph b${i} ["×${block.count}"]`);
    for (const id of block.nodes) declare(nodes[id], "    ");
    lines.push("  end");
  });
  for (const { from, to, count, isCarried } of edges) {
    const arrow = isCarried ? "-.->" : count > 1 ? `-->|"×${count}"|` : "-->";
    lines.push(`  n${from} ${arrow} n${to}`);
  }
  lines.push(
    "  classDef op fill:#ffffff,stroke:#667788,color:#1f2933",
    "  classDef output fill:#ffffff,stroke:#1f2933,stroke-width:2px,color:#1f2933",
    "  classDef parameter fill:#fdf3d8,stroke:#c99a2e,color:#1f2933",
    "  classDef data fill:#e8f0f8,stroke:#7d9cbb,color:#1f2933",
  );
  return `${lines.join("\n")}\n`;
}

/** Mermaid reads HTML and Markdown in labels: characters that mean something there are spelled. */
function quote(lines: readonly string[]): string {
  const escape = (text: string) =>
    text.replace(/["#<>&\\`*_[\]{}()|]/g, (character) => `#${character.charCodeAt(0)};`);
  return `"${lines.map(escape).join("<br>")}"`;
}
