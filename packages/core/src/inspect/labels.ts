// The words and numbers that all written forms share.
import { showShape } from "../shape/dims.ts";
import type { GraphData, GraphEdge, GraphNode, ValueType } from "./graph.ts";

/** A shape, with the dtype where that is not float32: `[2, 3] float64`. */
export function typeLabel({ shape, dtype }: ValueType): string {
  return dtype === null || dtype === "float32"
    ? showShape(shape) : `${showShape(shape)} ${dtype}`;
}

/** Shapes of all outputs; of many, the first and how many. */
export function outputsLabel({ outputs }: GraphNode): string {
  return outputs.length <= 3
    ? outputs.map(typeLabel).join(", ") : `${outputs.length} × ${typeLabel(outputs[0])}`;
}

/** A number of bytes with its unit. */
export function bytesLabel(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

/** A measured number in three digits. */
export function numberLabel(value: number): string {
  return Number.isFinite(value) ? `${Number(value.toPrecision(3))}` : `${value}`;
}

/** What was measured at a node, one phrase each. */
export function measuredLabels({ values, gradNorm, milliseconds }: GraphNode): string[] {
  const labels: string[] = [];
  if (values !== null) {
    const { min, max, mean, nonFinite } = values;
    labels.push(min === max ? `value ${numberLabel(mean)}`
      : `${numberLabel(min)} … ${numberLabel(max)}, mean ${numberLabel(mean)}`);
    if (nonFinite > 0) labels.push(`${nonFinite} NaN or infinite`);
  }
  if (gradNorm !== null) labels.push(`‖grad‖ ${numberLabel(gradNorm)}`);
  if (milliseconds !== null) labels.push(`${milliseconds.toFixed(2)} ms`);
  return labels;
}

/** Whether something measured at a node is NaN or infinite. */
export function isAlarming({ values, gradNorm }: GraphNode): boolean {
  return (values !== null && values.nonFinite > 0) ||
    (gradNorm !== null && !Number.isFinite(gradNorm));
}

/** Edges by the node they lead to, in the order of its inputs. */
export function inputsOf({ nodes, edges }: GraphData): GraphEdge[][] {
  const inputs: GraphEdge[][] = nodes.map(() => []);
  for (const edge of edges) inputs[edge.to].push(edge);
  return inputs;
}

/** The last part of a path, with line and column: `train.ts:12:5`. */
export function shortLine(line: string): string {
  return line.slice(Math.max(line.lastIndexOf("/"), line.lastIndexOf("\\")) + 1);
}
