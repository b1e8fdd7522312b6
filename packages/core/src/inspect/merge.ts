// One node in place of several that play the same part in like blocks.
import type { GraphNode } from "./graph.ts";

/** What stands for the nodes: the first of them, with bytes, times and gradients of all. */
export function mergeNodes(
  members: readonly GraphNode[], id: number, block: number | null,
): GraphNode {
  const first = members[0];
  if (members.length === 1) return { ...first, id, block };
  return {
    ...first, id, block, count: members.length,
    op: first.kind === "op" ? first.op : commonName(members.map(({ op }) => op)),
    attributes: members.every((node) => node.attributes === first.attributes)
      ? first.attributes : "",
    savedBytes: members.reduce((sum, { savedBytes }) => sum + savedBytes, 0),
    values: commonValues(members),
    gradNorm: combined(members, ({ gradNorm }) => gradNorm, (norms) => Math.hypot(...norms)),
    milliseconds: combined(members, (node) => node.milliseconds,
      (times) => times.reduce((sum, time) => sum + time, 0)),
  };
}

function combined(
  members: readonly GraphNode[], read: (node: GraphNode) => number | null,
  combine: (numbers: number[]) => number,
): number | null {
  const numbers = members.map(read).filter((number) => number !== null);
  return numbers.length === 0 ? null : combine(numbers);
}

function commonValues(members: readonly GraphNode[]): GraphNode["values"] {
  const known = members.map(({ values }) => values).filter((values) => values !== null);
  if (known.length === 0) return null;
  return {
    min: known.reduce((least, { min }) => Math.min(least, min), Infinity),
    max: known.reduce((most, { max }) => Math.max(most, max), -Infinity),
    mean: known.reduce((sum, { mean }) => sum + mean, 0) / known.length,
    nonFinite: known.reduce((sum, { nonFinite }) => sum + nonFinite, 0),
  };
}

/** `blocks.0.weight` … `blocks.9.weight` as `blocks.{0…9}.weight`. */
function commonName(names: readonly string[]): string {
  const first = names[0];
  const last = names[names.length - 1];
  if (names.every((name) => name === first)) return first;
  const [from, to] = [first.split("."), last.split(".")];
  if (from.length !== to.length) return `${first} …`;
  return from.map((part, i) => part === to[i] ? part : `{${part}…${to[i]}}`).join(".");
}
