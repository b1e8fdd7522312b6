// Folding: blocks of operations that follow one another and are alike are shown once.
import type { GraphData, GraphEdge, GraphNode } from "./graph.ts";
import { inputsOf } from "./labels.ts";
import { mergeNodes } from "./merge.ts";
import { showShape } from "../shape/dims.ts";

/** Longest block that is looked for, in operations, and how many beginnings of one are tried. */
const LONGEST = 512;
const TRIES = 16;

/** Blocks are shown once where there are at least so many. */
const FEWEST = 3;

/** `count` blocks of `period` operations, from position `start` among the operations. */
interface Run {
  readonly start: number;
  readonly period: number;
  readonly count: number;
}

/** What tells whether two operations may play the same part in two blocks. */
interface Scan {
  readonly graph: GraphData;
  readonly inputs: readonly (readonly GraphEdge[])[];
  /** Ids of the operations in order. */
  readonly ops: readonly number[];
  /** Position among the operations by id, −1 for leaves and data. */
  readonly position: readonly number[];
  /** What an operation is apart from where its inputs come from. */
  readonly looks: readonly string[];
}

/**
 * The graph with every run of at least three like blocks shown as its first block. Blocks are alike
 * when their operations and shapes are, and when inputs come from the same place in the block, in
 * the block before, or from the same place outside.
 */
export function fold(graph: GraphData): GraphData {
  const runs = runsIn(scan(graph));
  return runs.length === 0 ? graph : shown(graph, runs);
}

function scan(graph: GraphData): Scan {
  const inputs = inputsOf(graph);
  const ops = graph.nodes.filter(({ kind }) => kind === "op").map(({ id }) => id);
  const position = graph.nodes.map(() => -1);
  ops.forEach((id, at) => { position[id] = at; });
  const looks = ops.map((id) => {
    const { op, outputs, isOutput } = graph.nodes[id];
    const reads = inputs[id].map(({ input, output }) => `${input}.${output}`).join();
    return `${op}|${outputs.map(({ shape }) => showShape(shape)).join()}|${reads}|${isOutput}`;
  });
  return { graph, inputs, ops, position, looks };
}

/** From the front, the block that covers most, wherever one begins. */
function runsIn(scan: Scan): Run[] {
  const { looks } = scan;
  const next = nextAlike(looks);
  const runs: Run[] = [];
  for (let start = 0; start < looks.length;) {
    let best: Run | null = null;
    let later = next[start];
    for (let tries = 0; tries < TRIES && later !== -1 && later - start <= LONGEST; tries++) {
      const period = later - start;
      const count = repetitions(scan, start, period);
      if (count >= FEWEST && (best === null || count * period > best.count * best.period)) {
        best = { start, period, count };
      }
      later = next[later];
    }
    if (best === null) start++;
    else {
      runs.push(best);
      start += best.period * best.count;
    }
  }
  return runs;
}

function nextAlike(looks: readonly string[]): Int32Array {
  const next = new Int32Array(looks.length);
  const seen = new Map<string, number>();
  for (let at = looks.length - 1; at >= 0; at--) {
    next[at] = seen.get(looks[at]) ?? -1;
    seen.set(looks[at], at);
  }
  return next;
}

/** How many blocks of this length follow one another. */
function repetitions(scan: Scan, start: number, period: number): number {
  let at = start;
  while (at + period < scan.looks.length && isAlike(scan, start, at, period)) at++;
  return Math.floor((at - start) / period) + 1;
}

/** Whether the operation at `at` plays the same part as the one a block later. */
function isAlike(
  { graph: { nodes }, inputs, ops, position, looks }: Scan, start: number, at: number,
  period: number,
): boolean {
  if (looks[at] !== looks[at + period]) return false;
  const blockStart = start + Math.floor((at - start) / period) * period;
  const isFirst = blockStart === start;
  const theirs = inputs[ops[at + period]];
  return inputs[ops[at]].every(({ from: a }, i) => {
    const b = theirs[i].from;
    const [here, there] = [position[a], position[b]];
    if (a === b) return here < start; // the same place outside
    if (here >= 0 && here === there - period) return there >= blockStart; // in or just before
    if (here >= blockStart || there >= blockStart + period || !isSameType(nodes[a], nodes[b])) {
      return false;
    }
    // Each block its own leaves and data; the first takes over from what came before the run.
    return there < 0 ? here < 0 : isFirst && there >= blockStart;
  });
}

function isSameType(a: GraphNode, b: GraphNode): boolean {
  return showShape(a.outputs[0].shape) === showShape(b.outputs[0].shape);
}

/** The graph without the blocks that are like the first of their run. */
function shown(graph: GraphData, runs: readonly Run[]): GraphData {
  const { part, members } = partsOf(graph, runs);
  const kept: number[] = [];
  graph.nodes.forEach(({ id }) => { if (part[id].of === id) kept.push(id); });
  const renumbered = new Map(kept.map((id, i) => [id, i]));
  const nodes = kept.map((id, i) => mergeNodes(
    members.get(id)?.map((other) => graph.nodes[other]) ?? [graph.nodes[id]], i, part[id].block));
  const blocks = runs.map(({ count }, block) =>
    ({ count, nodes: nodes.filter((node) => node.block === block).map(({ id }) => id) }));
  const edges = new Map<string, GraphEdge>();
  for (const edge of graph.edges) {
    const [source, target] = [part[edge.from], part[edge.to]];
    const isCarried = source.block !== null && source.block === target.block &&
      source.repetition !== target.repetition;
    const [from, to] = [renumbered.get(source.of)!, renumbered.get(target.of)!];
    const input = source.block !== null && source.block !== target.block ? "" : edge.input;
    const key = `${from} ${edge.output} ${to} ${input} ${isCarried}`;
    const count = (edges.get(key)?.count ?? 0) + 1;
    edges.set(key, { ...edge, from, to, count, isCarried });
  }
  return { ...graph, nodes, edges: [...edges.values()], blocks };
}

/** What stands for a node, in which block, and in which repetition of that it lies. */
interface Part {
  readonly of: number;
  readonly block: number | null;
  readonly repetition: number;
}

function partsOf(graph: GraphData, runs: readonly Run[]) {
  const part: Part[] = graph.nodes.map(({ id }) => ({ of: id, block: null, repetition: 0 }));
  const ops = graph.nodes.filter(({ kind }) => kind === "op").map(({ id }) => id);
  const members = new Map<number, number[]>();
  runs.forEach(({ start, period, count }, block) => {
    for (let at = start; at < start + period * count; at++) {
      const repetition = Math.floor((at - start) / period);
      const of = ops[start + (at - start) % period];
      part[ops[at]] = { of, block, repetition };
      join(members, of, ops[at]);
    }
  });
  joinLeaves(graph, part, members);
  return { part, members };
}

/** Leaves and data that only one repetition reads belong to it. */
function joinLeaves(graph: GraphData, part: Part[], members: Map<number, number[]>): void {
  const users = new Map<number, GraphEdge[]>();
  for (const edge of graph.edges) {
    if (graph.nodes[edge.from].kind === "op") continue;
    const list = users.get(edge.from) ?? [];
    list.push(edge);
    users.set(edge.from, list);
  }
  const standing = new Map<string, number>();
  for (const [leaf, edges] of users) {
    const { block, repetition } = part[edges[0].to];
    if (block === null || edges.some(({ to }) =>
      part[to].block !== block || part[to].repetition !== repetition)) continue;
    const { kind, outputs } = graph.nodes[leaf];
    const key = [kind, showShape(outputs[0].shape),
      ...edges.map(({ to, input }) => `${part[to].of}.${input}`)].join();
    const of = standing.get(key) ?? leaf;
    standing.set(key, of);
    part[leaf] = { of, block, repetition };
    join(members, of, leaf);
  }
}

function join(members: Map<number, number[]>, of: number, id: number): void {
  const list = members.get(of) ?? [];
  list.push(id);
  members.set(of, list);
}
