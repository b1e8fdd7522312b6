// What a picture of a graph shows: which nodes are boxes, which leaves are rows inside one, and how
// large each box is.
import type { GraphData, GraphEdge, GraphNode } from "./graph.ts";
import { inputsOf, measuredLabels, outputsLabel, shortLine } from "./labels.ts";

/** Width of a character of the two sizes of type, and heights of lines. */
export const sizes = {
  large: 7.3, small: 6.05, title: 26, row: 19, note: 14, side: 11, gap: 16,
};

/** A leaf that is written inside the box of the operation that reads it. */
export interface Row {
  readonly node: GraphNode;
  readonly text: string;
  readonly shape: string;
}

/** A box with what is written in it. */
export interface PictureBox {
  readonly node: GraphNode;
  readonly title: string;
  readonly shape: string;
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly group: number | null;
}

/** Boxes, and edges between them by the positions of the boxes. */
export interface Picture {
  readonly boxes: readonly PictureBox[];
  readonly edges: readonly (GraphEdge & { readonly from: number; readonly to: number })[];
}

/**
 * Boxes and edges to draw. Leaves that were given a name are rows of the operations that read them,
 * unless such an operation reads nothing else.
 */
export function pictureOf(graph: GraphData): Picture {
  const { nodes } = graph;
  const inputs = inputsOf(graph);
  const isRow = nodes.map(({ kind, isNamed, isOutput }) =>
    kind === "parameter" && isNamed && !isOutput);
  const alone = inputs.filter((list) => list.every(({ from }) => isRow[from])).flat();
  for (const { from } of alone) isRow[from] = false;
  const boxes: PictureBox[] = [];
  const position = nodes.map(() => -1);
  for (const node of nodes) {
    if (isRow[node.id]) continue;
    position[node.id] = boxes.length;
    boxes.push(boxOf(node, inputs[node.id].filter(({ from }) => isRow[from])
      .map(({ from }) => nodes[from])));
  }
  const edges = graph.edges.filter(({ from }) => !isRow[from])
    .map((edge) => ({ ...edge, from: position[edge.from], to: position[edge.to] }));
  return { boxes, edges };
}

function boxOf(node: GraphNode, leaves: readonly GraphNode[]): PictureBox {
  const rows = leaves.map((leaf) => {
    const measured = leaf.gradNorm === null ? "" : `  ${measuredLabels({ ...leaf, values: null })}`;
    return { node: leaf, text: leaf.op + measured, shape: outputsLabel(leaf) };
  });
  const notes = [
    ...node.attributes === "" || node.attributes.length > 40 ? [] : [node.attributes],
    ...measuredLabels(node), ...node.line === null ? [] : [shortLine(node.line)],
  ];
  const [title, shape] = [node.op, outputsLabel(node)];
  const { large, small, side, gap } = sizes;
  const widest = [
    title.length * large + gap + shape.length * small,
    ...rows.map((row) => (row.text.length + row.shape.length) * small + gap),
    ...notes.map((note) => note.length * small),
  ].reduce((most, width) => Math.max(most, width));
  const height = sizes.title + rows.length * sizes.row + notes.length * sizes.note +
    (notes.length > 0 ? 4 : 0) + (rows.length > 0 ? 3 : 0);
  const width = Math.ceil(widest + 2 * side);
  return { node, title, shape, rows, notes, width, height, group: node.block };
}
