// The graph as data: what stands in it, in which order, and what it costs to look.
import { describe, expect, it } from "vitest";
import { noGrad, ones, stack, tensor, type Tensor } from "../../src/index.ts";
import { inspect } from "../../src/inspect/inspect.ts";
import { perceptron } from "./examples.ts";

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });

describe("inspect", () => {
  it("lists operations, leaves and data, inputs first", () => {
    const { loss, names } = perceptron();
    const { nodes, edges, leaves } = inspect(loss, { parameters: names });
    expect(nodes.map(({ kind, op }) => `${kind} ${op}`)).toEqual([
      "data images", "parameter lin1.weight", "parameter lin1.bias", "op linear", "op relu",
      "parameter lin2.weight", "parameter lin2.bias", "op linear", "op crossEntropy",
    ]);
    expect(nodes.map(({ id }) => id)).toEqual(nodes.map((_, i) => i));
    expect(edges.every(({ from, to }) => from < to)).toBe(true);
    expect(edges.filter(({ to }) => to === 3).map(({ from, input }) => [from, input]))
      .toEqual([[0, "input"], [1, "weight"], [2, "bias"]]);
    expect(leaves.map(({ outputs: [{ shape }] }) => shape))
      .toEqual([[256, 784], [256], [10, 256], [10]]);
    expect(nodes[3]).toMatchObject({ name: "LinearBackward0", isOutput: false, count: 1 });
    expect(nodes[1].name).toBe("AccumulateGrad");
    expect(nodes[8]).toMatchObject({ outputs: [{ shape: [], dtype: "float32" }], isOutput: true });
  });

  it("counts the bytes that are kept: each memory once, leaves for nothing", () => {
    const x = leaf([1, 2, 3]);
    const graph = inspect(x.exp().mul(x.sin()).sum());
    const saved = Object.fromEntries(graph.nodes.map(({ op, savedBytes }) => [op, savedBytes]));
    // exp keeps its result, sin the leaf, mul both factors; float32 has 4 bytes
    expect(saved).toEqual({ leaf: 0, exp: 12, sin: 12, mul: 24, sum: 0 });
    expect(graph.savedBytes).toBe(24);
  });

  it("shows one leaf for one tensor, and one node for data that is read twice", () => {
    const [x, data] = [leaf([1, 2]), ones([2])];
    const { nodes, edges } = inspect(x.mul(data).add(x.div(data)));
    expect(nodes.map(({ op }) => op)).toEqual(["leaf", "data", "mul", "div", "add"]);
    expect(edges).toHaveLength(6);
  });

  it("takes several tensors, and leaves", () => {
    const x = leaf([1]);
    const graph = inspect([x.mul(2), x.mul(3), x]);
    expect(graph.nodes.map(({ op, isOutput }) => [op, isOutput]))
      .toEqual([["leaf", true], ["mul", true], ["mul", true]]);
  });

  it("takes names from a module or from pairs", () => {
    const x = leaf([1]);
    const byPairs = inspect(x.mul(2), { parameters: new Map([["x", x]]) });
    const byModule = inspect(x.mul(2), { parameters: { namedParameters: () => [["x", x]] } });
    expect(byPairs.leaves[0].op).toBe("x");
    expect(byModule.nodes).toEqual(byPairs.nodes);
  });

  it("is plain data", () => {
    const { loss, names } = perceptron();
    const { nodes, edges } = inspect(loss, { parameters: names, annotate: true });
    expect(JSON.parse(JSON.stringify({ nodes, edges }))).toEqual({ nodes, edges });
  });

  it("leaves settings out that have their defaults", () => {
    const x = leaf([1, 2]);
    const attributes = (y: Tensor) => inspect(y).nodes.at(-1)!.attributes;
    expect(attributes(x.add(1))).toBe("");
    expect(attributes(x.add(x, { alpha: 3 }))).toBe("alpha: 3");
    expect(attributes(x.softmax(0))).toBe("dims: [0]");
  });

  it("goes through 150,000 operations without recursion", () => {
    let y = leaf([1]).mul(1);
    for (let i = 0; i < 150_000; i++) y = y.add(1);
    const graph = inspect(y);
    expect(graph.nodes).toHaveLength(150_002);
    expect(graph.toText().split("\n")).toHaveLength(150_003);
    expect(graph.toDot().length).toBeGreaterThan(150_000);
    expect(() => graph.toSvg()).toThrow(/150002 boxes are more than a picture can show.*fold/);
    const folded = inspect(y, { fold: true }); // the last one is an output, so not like the others
    expect(folded.blocks).toEqual([{ count: 149_999, nodes: [2] }]);
    expect(folded.toSvg()).toContain("×149999");
  });

  it("refuses what has no graph, and options that do not exist", () => {
    expect(() => inspect(ones([2, 3]))).toThrow(
      "inspect: element 0 of tensors does not require grad and does not have a gradFn: shape [2, 3]");
    expect(() => inspect([])).toThrow("got an empty list");
    expect(() => inspect("loss" as never)).toThrow('inspect: takes a tensor or several, got "loss"');
    expect(() => inspect(leaf([1]), { parameters: [leaf([1])] as never }))
      .toThrow("pairs of a name and a tensor, got Tensor among them");
    expect(() => inspect(leaf([1]), { parameters: 3 as never })).toThrow("got 3");
    expect(() => inspect(leaf([1]), { values: true } as never)).toThrow("unknown option values");
  });
});

describe("annotate", () => {
  it("notes norms of gradients, values and times, and touches nothing", () => {
    const x = leaf([3, 4]);
    const square = x.mul(x);
    square.retainGrad();
    let hooked = 0;
    square.registerHook(() => { hooked++; });
    const loss = square.exp().log().sum();
    const graph = inspect(loss, { annotate: true });
    const norms = Object.fromEntries(graph.nodes.map(({ op, gradNorm }) => [op, gradNorm]));
    expect(norms.leaf).toBeCloseTo(10, 4); // gradient 2x = [6, 8], in float32
    expect(norms.sum).toBe(1);
    expect(norms.mul).toBeCloseTo(Math.SQRT2, 5);
    expect(graph.nodes[0].values).toEqual({ min: 3, max: 4, mean: 3.5, nonFinite: 0 });
    expect(graph.nodes[2].values!.max).toBeCloseTo(Math.exp(16), -2);
    expect(graph.nodes[1].values).toBeNull(); // exp keeps its result, not what it was given
    for (const { kind, milliseconds } of graph.nodes) {
      if (kind === "op") expect(milliseconds).toBeGreaterThanOrEqual(0);
      else expect(milliseconds).toBeNull();
    }
    expect([x.grad, square.grad, hooked]).toEqual([null, null, 0]);
    loss.backward();
    expect(x.grad!.tolist()).toEqual([6, 8].map((value) => expect.closeTo(value, 4)));
    expect([square.grad!.shape, hooked]).toEqual([[2], 1]);
  });

  it("says that a graph is gone", () => {
    const y = leaf([2]).exp().sum();
    y.backward();
    expect(() => inspect(y, { annotate: true })).toThrow("backward through the graph a second time");
    expect(inspect(y).nodes.map(({ op }) => op)).toEqual(["leaf", "exp", "sum"]);
  });

  it("counts values that are NaN or infinite", () => {
    const x = leaf([1, NaN, -Infinity]);
    const [node] = inspect(x.mul(2).sum(), { annotate: true }).nodes;
    expect(node.values).toEqual({ min: 1, max: 1, mean: 1, nonFinite: 2 });
  });

  it("sees the gradients of all outputs of an operation together", () => {
    const x = leaf([1, 2]);
    const [a, b] = x.unbind();
    const graph = inspect(a.mul(3).add(b.mul(4)), { annotate: true });
    expect(graph.nodes[0].gradNorm).toBeCloseTo(5, 5);
    expect(stack([a, b]).requiresGrad).toBe(true);
  });

  it("works where recording is off", () => {
    const y = leaf([2]).mul(3).sum();
    expect(noGrad(() => inspect(y, { annotate: true })).nodes[0].gradNorm).toBe(3);
  });
});
