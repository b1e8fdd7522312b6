// The written forms: text, DOT, Mermaid and SVG of three networks.
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cat, ones, tensor, type Tensor } from "../../src/index.ts";
import { primitive } from "../../src/ops/define.ts";
import { inspect } from "../../src/inspect/inspect.ts";
import { perceptron, recurrent, residual } from "./examples.ts";

const examples = { perceptron, residual, recurrent, all: () => recurrent(true) };

const leaf = (values: number[]) => tensor(values, { requiresGrad: true });

/** All values of an attribute, of elements of one kind. */
const read = (svg: string, pattern: RegExp) => [...svg.matchAll(pattern)].map(([, value]) => value);

interface Rectangle { x: number; y: number; width: number; height: number }

function boxesOf(svg: string): Rectangle[] {
  const pattern = new RegExp('<rect class="(?:op|output|parameter|data)(?: bad)?" x="([^"]+)" ' +
    'y="([^"]+)" width="([^"]+)" height="([^"]+)"', "g");
  return [...svg.matchAll(pattern)].map(([, x, y, width, height]) =>
    ({ x: +x, y: +y, width: +width, height: +height }));
}

const apart = (a: Rectangle, b: Rectangle) => a.x + a.width <= b.x || b.x + b.width <= a.x ||
  a.y + a.height <= b.y || b.y + b.height <= a.y;

describe("toText", () => {
  it("goes from the loss back to the leaves", () => {
    const { loss, names } = perceptron();
    expect(`${inspect(loss, { parameters: names })}`.split("\n")).toEqual([
      expect.stringMatching(/^4 operations, 4 leaves of 203530 elements, .* saved$/),
      expect.stringMatching(/^#8 crossEntropy\(#7.*\) → \[\]/),
      "#7 linear(#4, lin2.weight, lin2.bias) → [64, 10] · 76 kB saved",
      "#4 relu(#3) → [64, 256] · 66 kB saved",
      "#3 linear(images, lin1.weight, lin1.bias) → [64, 256] · 201 kB saved",
      "#0 images [64, 784]", "#1 lin1.weight [256, 784]", "#2 lin1.bias [256]",
      "#5 lin2.weight [10, 256]", "#6 lin2.bias [10]",
    ]);
  });

  it("indents what flows in from the side, and names shared nodes by number", () => {
    const x = leaf([1, 2]);
    const shared = x.exp();
    const y = shared.add(shared.sin().cos());
    expect(inspect(y, { parameters: [["x", x]] }).toText().split("\n").slice(1)).toEqual([
      "#4 add(#1, #3) → [2]", "#3 cos(#2) → [2] · 8 B saved", "#2 sin(#1) → [2] · 8 B saved",
      "#1 exp(x) → [2] · 8 B saved", "#0 x [2]",
    ]);
    const side = x.sin().cos().mul(x.exp());
    expect(inspect(side, { parameters: [["x", x]] }).toText().split("\n").slice(1, 5)).toEqual([
      "#4 mul(#2, #3) → [2] · 16 B saved", "  #3 exp(x) → [2] · 8 B saved",
      "#2 cos(#1) → [2] · 8 B saved", "#1 sin(x) → [2] · 8 B saved",
    ]);
  });

  it("says dtypes other than float32, and which of several outputs is read", () => {
    const x = tensor([1, 2], { dtype: "float64", requiresGrad: true });
    const both = primitive<(input: Tensor) => Tensor[], "input", null>({
      name: "both", inputs: ["input"], samples: [],
      prepare: (input) => ({ inputs: [input], attributes: null }),
      forward: ([input]) => [input.detach().sin(), input.detach().cos()],
      finish: (outputs) => [...outputs],
      gradients: (reads) => ({ input: reads([], ({ grad }) => grad) }),
    });
    const text = inspect(both(x)[1].mul(2)).toText();
    expect(text).toContain("#2 mul(#1.1) → [2] float64");
    expect(text).toContain("#1 both(#0 leaf) → [2] float64, [2] float64");
  });
});

describe("toDot and toMermaid", () => {
  it.each(Object.entries(examples))("declare every node and edge of the %s", (_, make) => {
    const { loss, names } = make();
    for (const fold of [false, true]) {
      const graph = inspect(loss, { parameters: names, fold });
      const [dot, mermaid] = [graph.toDot(), graph.toMermaid()];
      const ids = graph.nodes.map(({ id }) => `${id}`);
      expect(read(dot, /^ +n(\d+) \[label=/gm).sort()).toEqual([...ids].sort());
      expect(read(mermaid, /^ +n(\d+)[([]/gm).sort()).toEqual([...ids].sort());
      expect(read(dot, /^ +n\d+ -> n(\d+)/gm)).toEqual(graph.edges.map(({ to }) => `${to}`));
      expect(read(mermaid, /^ +n\d+ \S+ n(\d+)$/gm)).toEqual(graph.edges.map(({ to }) => `${to}`));
      expect(dot.match(/subgraph/g)?.length ?? 0).toBe(graph.blocks.length);
      expect(dot.split("{").length).toBe(dot.split("}").length);
    }
  });

  it("spell what would end a label", () => {
    const x = leaf([1]);
    const graph = inspect(x.mul(2), { parameters: [['a"b\\<c>', x]] });
    expect(graph.toDot()).toContain('label="a\\"b\\\\<c>\\n[1]"');
    expect(graph.toMermaid()).toContain('(["a#34;b#92;#60;c#62;<br>#91;1#93;"])');
  });
});

describe("toSvg", () => {
  it.each(Object.entries(examples))("draws the %s: boxes apart, nothing outside", (_, make) => {
    const { loss, names } = make();
    for (const fold of [false, true]) {
      for (const annotate of [false, true]) {
        const svg = inspect(loss, { parameters: names, fold, annotate }).toSvg();
        const boxes = boxesOf(svg);
        const [left, top, width, height] = /viewBox="([^"]+)"/.exec(svg)![1].split(" ").map(Number);
        const page = { x: left, y: top, width, height };
        expect(boxes.filter((box) => box.x < page.x || box.y < page.y ||
          box.x + box.width > page.x + page.width ||
          box.y + box.height > page.y + page.height)).toEqual([]);
        expect(boxes.flatMap((box, i) => boxes.slice(i + 1).filter((other) => !apart(box, other))))
          .toEqual([]);
      }
    }
  });

  it("writes named leaves into the boxes of what reads them, and draws an edge for the rest", () => {
    const { loss, names } = perceptron();
    const svg = inspect(loss, { parameters: names }).toSvg();
    expect(boxesOf(svg)).toHaveLength(5); // images, linear, relu, linear, crossEntropy
    expect(svg.match(/class="band"/g)).toHaveLength(4);
    expect(svg.match(/class="link"/g)).toHaveLength(4);
    for (const [name] of names) expect(svg).toContain(`>${name}</text>`);
    expect(svg).toContain(">[256, 784]</text>");
    expect(boxesOf(inspect(loss).toSvg())).toHaveLength(9);
  });

  it("gives a leaf a box where an operation reads nothing else", () => {
    const x = leaf([1, 2]);
    const svg = inspect(x.mul(x).add(x), { parameters: [["x", x]] }).toSvg();
    expect(boxesOf(svg)).toHaveLength(3);
    expect(svg.match(/class="link"/g)).toHaveLength(4);
  });

  it("frames a folded block and leads back what it hands on", () => {
    const { loss, names } = recurrent();
    const svg = inspect(loss, { parameters: names, fold: true }).toSvg();
    expect(svg.match(/class="block"/g)).toHaveLength(1);
    expect(svg).toContain(">×10</text>");
    expect(svg.match(/class="link carried"/g)).toHaveLength(2);
  });

  it("runs lines downwards, and straight where nothing is in the way", () => {
    let y: Tensor = leaf([1, 2]);
    for (const op of ["sin", "cos", "exp", "tanh"] as const) y = y[op]();
    const ends = read(inspect(y).toSvg(), /class="link" marker-end="[^"]+" d="M([^"]+)"/g)
      .map((path) => path.split(/[ CL]+/).flatMap((point) => point.split(",")).map(Number));
    expect(ends).toHaveLength(4);
    for (const points of ends) {
      expect(points.at(-2)).toBe(points[0]);
      expect(points.at(-1)).toBeGreaterThan(points[1]);
    }
  });

  it("stands boxes that follow one another right below one another", () => {
    const { loss, names } = residual();
    const paths = read(inspect(loss, { parameters: names }).toSvg(), / d="M([^"]+)"\/>/g)
      .map((path) => path.split(/[ CL]+/).map((point) => +point.split(",")[0]));
    const upright = paths.filter((xs) => Math.abs(xs.at(-1)! - xs[0]) < 0.11); // rounded to 0.1
    // in six blocks linear → relu → linear; input → first, the last add → last
    expect(upright.length).toBeGreaterThanOrEqual(6 * 2 + 2);
  });

  it("escapes text, and is well-formed whatever names say", () => {
    const x = leaf([1]);
    const svg = inspect(x.mul(2), { parameters: [['<script>&"\'\ud800\u0000', x]] }).toSvg();
    expect(svg).not.toContain("<script>");
    expect(svg).toContain("&#60;script&#62;&#38;&#34;&#39;\ufffd\ufffd");
  });

  it("stays quick and in shape with many crossing links", () => {
    const layer = Array.from({ length: 60 }, () => leaf([1]));
    const sums = Array.from({ length: 60 }, (_, i) => cat(layer.map((x, k) => x.mul(i + k))));
    const boxes = boxesOf(inspect(cat(sums.slice(0, 3)).add(ones([180]))).toSvg());
    expect(boxes).toHaveLength(60 + 180 + 3 + 3);
  });

  it("gives docs/graph.svg, the picture of the perceptron; UPDATE_DOCS=1 writes it", () => {
    const { loss, names } = perceptron();
    const svg = inspect(loss, { parameters: names }).toSvg();
    const file = new URL("../../../../docs/graph.svg", import.meta.url);
    if (process.env.UPDATE_DOCS) writeFileSync(file, svg);
    expect(readFileSync(file, "utf8")).toBe(svg);
  });
});
