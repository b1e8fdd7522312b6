// Folding: what is taken for a repetition, and what the folded graph says about it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cat, tensor, type Tensor } from "../../src/index.ts";
import { inspect } from "../../src/inspect/inspect.ts";
import { recurrent, residual } from "./examples.ts";

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });

const shown = (y: Tensor) => inspect(y, { fold: true });

describe("fold", () => {
  it("shows the blocks of a residual net once, with the weights of all", () => {
    const { loss, names } = residual();
    const graph = inspect(loss, { parameters: names, fold: true });
    expect(graph.blocks.map(({ count }) => count)).toEqual([6]);
    const block = graph.blocks[0].nodes.map((id) => graph.nodes[id]);
    expect(block.map(({ op, count }) => `${count} ${op}`)).toEqual([
      "6 blocks.{0…5}.up.weight", "6 blocks.{0…5}.up.bias", "6 linear", "6 relu",
      "6 blocks.{0…5}.down.weight", "6 blocks.{0…5}.down.bias", "6 linear", "6 add",
    ]);
    const carried = graph.edges.filter(({ isCarried }) => isCarried)
      .map(({ from, to, count }) => [graph.nodes[from].op, graph.nodes[to].op, count]);
    expect(carried).toEqual([["add", "linear", 5], ["add", "add", 5]]);
  });

  it("shows the ten steps of an LSTM once; weights that are shared lie outside", () => {
    const { loss, names } = recurrent();
    const graph = inspect(loss, { parameters: names, fold: true });
    expect(graph.blocks.map(({ count }) => count)).toEqual([10]);
    const operations = graph.nodes.filter(({ block, kind }) => block === 0 && kind === "op");
    expect(operations.map(({ op }) => op).sort()).toEqual([
      "add", "add", "linear", "linear", "mul", "mul", "mul", "narrow", "narrow", "narrow", "narrow",
      "sigmoid", "sigmoid", "sigmoid", "tanh", "tanh",
    ]);
    expect(graph.leaves.every(({ block, count }) => block === null && count === 1)).toBe(true);
    const carried = graph.edges.filter(({ isCarried }) => isCarried)
      .map(({ from, to }) => `${graph.nodes[from].op} → ${graph.nodes[to].op}`);
    expect(carried.sort()).toEqual(["add → mul", "mul → linear"]); // the state c and the state h
  });

  it("says how many repetitions something outside reads", () => {
    const { loss, names } = recurrent(true);
    const { nodes, edges } = inspect(loss, { parameters: names, fold: true });
    const cat = nodes.findIndex(({ op }) => op === "cat");
    expect(edges.filter(({ to }) => to === cat).map(({ count }) => count)).toEqual([10]);
  });

  it("keeps operations, elements, bytes and gradients in sum", () => {
    for (const { loss, names } of [residual(), recurrent(), recurrent(true)]) {
      const options = { parameters: names, annotate: true };
      const [all, folded] = [inspect(loss, options), inspect(loss, { ...options, fold: true })];
      expect(folded.nodes.length).toBeLessThan(all.nodes.length);
      const total = (graph: typeof all, read: (node: typeof all.nodes[number]) => number) =>
        graph.nodes.reduce((sum, node) => sum + read(node), 0);
      expect(total(folded, ({ count }) => count)).toBe(all.nodes.length);
      expect(total(folded, ({ savedBytes }) => savedBytes))
        .toBe(total(all, ({ savedBytes }) => savedBytes));
      expect(total(folded, ({ gradNorm }) => (gradNorm ?? 0) ** 2))
        .toBeCloseTo(total(all, ({ gradNorm }) => (gradNorm ?? 0) ** 2), 4);
      expect(folded.edges.reduce((sum, { count }) => sum + count, 0)).toBe(all.edges.length);
      expect(folded.toText().split("\n")[0]).toBe(all.toText().split("\n")[0]);
    }
  });

  it("finds any block that is repeated three times or more, whatever stands around it", () => {
    const steps: ((x: Tensor, first: Tensor) => Tensor)[] = [
      (x) => x.sin(), (x) => x.exp(), (x) => x.mul(x), (x, first) => x.add(first), (x) => x.tanh(),
    ];
    const chain = fc.array(fc.nat(steps.length - 1), { maxLength: 5 });
    fc.assert(fc.property(chain, fc.uniqueArray(fc.nat(steps.length - 1), { minLength: 1 }),
      fc.integer({ min: 3, max: 6 }), (before, block, times) => {
        const x = leaf([0.1, 0.2]);
        let y = x.neg();
        for (const step of before) y = steps[step](y, x);
        y = y.cos();
        for (let i = 0; i < times; i++) for (const step of block) y = steps[step](y, x);
        const { blocks, nodes } = shown(y.sum());
        const [found] = blocks.slice(-1);
        expect(found.count).toBe(times);
        expect(nodes.filter(({ block: b }) => b === blocks.length - 1)).toHaveLength(block.length);
      }), { numRuns: 50 });
  });

  it("leaves alone what is not alike", () => {
    const x = leaf([1, 2]);
    const twice = x.sin().cos().sin().cos();
    expect(shown(twice.sum()).blocks).toEqual([]);
    // the same operations, but not on the same places of the block before
    let z = x.cos();
    for (let i = 0; i < 5; i++) {
      const inner = z.sin();
      z = inner.mul(i % 2 === 0 ? z : inner);
    }
    expect(shown(z.sum()).blocks).toEqual([]);
    // what all repetitions read is not one of them
    const first = x.mul(x);
    let power = first.mul(first);
    for (let i = 0; i < 4; i++) power = power.mul(first);
    const { blocks: [block], nodes, edges } = shown(power.sum());
    expect([block.count, nodes[1].block]).toEqual([5, null]);
    expect(edges.filter(({ from }) => from === 1).map(({ count }) => count)).toEqual([1, 5]);
    // the same operations on other shapes
    let wide = leaf([1]).mul(2);
    for (let i = 0; i < 6; i++) wide = cat([wide, wide]);
    expect(shown(wide.sum()).blocks).toEqual([]);
  });
});
