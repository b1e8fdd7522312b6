// The graph as a picture: SVG that needs no style sheet, font or script.
import { fail } from "../errors.ts";
import type { GraphData, GraphEdge, GraphNode } from "./graph.ts";
import { bytesLabel, isAlarming } from "./labels.ts";
import { layout, type Layout, type Point } from "./layout.ts";
import { pictureOf, sizes, type Picture, type PictureBox } from "./picture.ts";

const MOST_BOXES = 1000;
const MARGIN = 24;
const AROUND_BLOCK = 14;
const LANE = 9;

const style = `
.page{fill:#fff}
text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
fill:#1f2933}
.title{font-size:12px;font-weight:600}.shape{fill:#52667a;font-size:10px}
.row,.note{font-size:10px}.note{fill:#7b8794}.alarm{fill:#c81e1e}
.op{fill:#fff;stroke:#9fb0c0}.output{fill:#1f3a5f;stroke:#1f3a5f}
.output~.title,.output~.shape,.output~.note{fill:#fff}
.parameter{fill:#fdf3d8;stroke:#d9b25f}.data{fill:#e4eef8;stroke:#8fb0d0}
.band{fill:#fdf3d8}.bad{stroke:#c81e1e;stroke-width:2}
.link{fill:none;stroke:#7b8fa3;stroke-width:1.2}.carried{stroke:#8a63b8;stroke-dasharray:4 3}
.block{fill:#f6f2fb;stroke:#c3aee0;stroke-dasharray:5 4}
.times{fill:#6b3fa0;font-weight:600;font-size:13px}`;

/**
 * Draws the graph in layers.
 * @throws when there are more boxes than a picture can show
 */
export function toSvg(graph: GraphData): string {
  const picture = pictureOf(graph);
  const { boxes, edges } = picture;
  if (boxes.length > MOST_BOXES) {
    fail("toSvg", `${boxes.length} boxes are more than a picture can show (${MOST_BOXES}): use ` +
      "inspect(tensors, { fold: true }) where blocks repeat, or toText()", { boxes: boxes.length });
  }
  const links = edges.filter(({ isCarried }) => !isCarried);
  const places = layout(boxes, links);
  const blocks = graph.blocks.map((block, i) => frameOf(i, block.count, picture, places));
  const right = blocks.reduce((most, frame) => Math.max(most, frame.x + frame.width), places.width);
  const left = blocks.reduce((least, frame) => Math.min(least, frame.x), 0);
  const [width, height] = [right - left + 2 * MARGIN, places.height + 2 * MARGIN];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${n(left - MARGIN)} ${n(-MARGIN)} ` +
      `${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}">`,
    `<style>${style}\n</style>`,
    marker("tip", "#7b8fa3"), marker("back", "#8a63b8"),
    `<rect class="page" x="${n(left - MARGIN)}" y="${n(-MARGIN)}" width="${n(width)}" ` +
      `height="${n(height)}"/>`,
    ...blocks.map(drawFrame),
    ...links.map((edge, i) => drawLink(places.routes[i], linkLabel(edge, boxes[edge.to].node))),
    ...blocks.flatMap(({ carried }) => carried),
    ...boxes.map((box, i) => drawBox(box, places.places[i])),
    "</svg>", "",
  ].join("\n");
}

/** The frame around a folded block, with room at the right for what is carried over. */
interface Frame extends Point {
  readonly width: number;
  readonly height: number;
  readonly count: number;
  readonly carried: readonly string[];
}

function frameOf(block: number, count: number, { boxes, edges }: Picture, places: Layout): Frame {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  boxes.forEach(({ group, width, height }, i) => {
    if (group !== block) return;
    const { x, y } = places.places[i];
    left = Math.min(left, x - width / 2);
    right = Math.max(right, x + width / 2);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + height);
  });
  const carried = edges.filter(({ isCarried, from }) => isCarried && boxes[from].group === block)
    .map((edge, lane) => drawCarried(edge, right + (lane + 1) * LANE, lane, boxes, places));
  return {
    x: left - AROUND_BLOCK, y: top - AROUND_BLOCK, count, carried,
    width: right - left + 2 * AROUND_BLOCK + carried.length * LANE,
    height: bottom - top + (carried.length > 0 ? 2.6 : 2) * AROUND_BLOCK,
  };
}

/** From below one box, up along the right side, to the top of another: into the next repetition. */
function drawCarried(
  { from, to }: GraphEdge, lane: number, number: number, boxes: readonly PictureBox[],
  { places, bands }: Layout,
): string {
  const start = { x: places[from].x + 8, y: places[from].y + boxes[from].height };
  const end = { x: places[to].x + boxes[to].width / 2 - 10 - 5 * number, y: places[to].y };
  const below = bands[from].bottom + 6 + 3 * (number % 3);
  const above = bands[to].top - 8 - 3 * (number % 3);
  return `<path class="link carried" marker-end="url(#back)" d="M${at(start)} V${n(below - 4)} ` +
    `Q${n(start.x)},${n(below)} ${n(start.x + 4)},${n(below)} H${n(lane - 4)} ` +
    `Q${n(lane)},${n(below)} ${n(lane)},${n(below - 4)} V${n(above + 4)} ` +
    `Q${n(lane)},${n(above)} ${n(lane - 4)},${n(above)} H${n(end.x + 4)} ` +
    `Q${n(end.x)},${n(above)} ${n(end.x)},${n(above + 4)} V${n(end.y)}"/>`;
}

function drawFrame({ x, y, width, height, count }: Frame): string {
  return `<rect class="block" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" ` +
    `rx="10"/><text class="times" x="${n(x + 10)}" y="${n(y + 18)}">×${count}</text>`;
}

function marker(id: string, colour: string): string {
  return `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" ` +
    `markerHeight="7" orient="auto"><path d="M0,0.8 L7.5,4 L0,7.2 Z" fill="${colour}"/></marker>`;
}

/** At folded blocks: what only the first repetition reads, and what is read of every one. */
function linkLabel({ count }: GraphEdge, target: GraphNode): string {
  if (target.count > 1) return count === 1 ? "first" : "";
  return count > 1 ? `×${count}` : "";
}

/** A smooth line, upright where it leaves, passes a layer and arrives. */
function drawLink(route: readonly Point[], label: string): string {
  let path = `M${at(route[0])}`;
  for (let i = 1; i < route.length; i += 2) {
    const [from, to] = [route[i - 1], route[i]];
    const middle = (from.y + to.y) / 2;
    path += ` C${n(from.x)},${n(middle)} ${n(to.x)},${n(middle)} ${at(to)}`;
    if (i + 1 < route.length) path += ` L${at(route[i + 1])}`;
  }
  const end = route[route.length - 1];
  const labelled = label === "" ? ""
    : `<text class="shape" x="${n(end.x + 5)}" y="${n(end.y - 9)}">${label}</text>`;
  return `<path class="link" marker-end="url(#tip)" d="${path}"/>${labelled}`;
}

function drawBox(box: PictureBox, { x, y }: Point): string {
  const { node, title, shape, rows, notes, width, height } = box;
  const left = x - width / 2;
  const [textLeft, textRight] = [left + sizes.side, left + width - sizes.side];
  const kind = node.isOutput ? "output" : node.kind;
  const parts = [
    `<g><title>${escape(tooltip(node))}</title>`,
    `<rect class="${kind}${isAlarming(node) ? " bad" : ""}" x="${n(left)}" y="${n(y)}" ` +
      `width="${width}" height="${height}" rx="${node.kind === "op" ? 6 : 12}"/>`,
    line("title", textLeft, y + 17, title), line("shape", textRight, y + 17, shape, "end"),
  ];
  let top = y + sizes.title;
  for (const row of rows) {
    parts.push(
      `<rect class="band" x="${n(left + 4)}" y="${n(top)}" width="${width - 8}" ` +
        `height="${sizes.row - 2}" rx="3"/>`,
      line(isAlarming(row.node) ? "row alarm" : "row", textLeft, top + 12, row.text),
      line("shape", textRight, top + 12, row.shape, "end"));
    top += sizes.row;
  }
  for (const note of notes) {
    top += sizes.note;
    parts.push(line(isAlarming(node) ? "note alarm" : "note", textLeft, top - 3, note));
  }
  return `${parts.join("")}</g>`;
}

function line(kind: string, x: number, y: number, text: string, anchor = "start"): string {
  const anchored = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  return `<text class="${kind}" x="${n(x)}" y="${n(y)}"${anchored}>${escape(text)}</text>`;
}

function tooltip({ id, name, op, attributes, savedBytes, line: place }: GraphNode): string {
  return [`#${id} ${name ?? op}`, attributes,
    savedBytes > 0 ? `${bytesLabel(savedBytes)} saved` : "", place ?? ""]
    .filter((text) => text !== "").join("\n");
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[^\P{Cc}\t\n]|\p{Cs}|[\ufffe\uffff]/gu, "\ufffd");
}

/** A coordinate in a tenth of a pixel. */
function n(value: number): string {
  return `${Math.round(value * 10) / 10}`;
}

function at({ x, y }: Point): string {
  return `${n(x)},${n(y)}`;
}
