// A layered drawing of boxes and links: where each box stands and which way each link runs.
import { layered, type Box, type Layers, type Link } from "./layers.ts";
import { positions } from "./positions.ts";

/** A place in the drawing. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where everything goes. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Centre from left to right and upper edge of each box. */
  readonly places: readonly Point[];
  /** Upper and lower edge of the layer of each box. */
  readonly bands: readonly { readonly top: number; readonly bottom: number }[];
  /** Points of each link: leaves one, then pairs where it passes a layer straight. */
  readonly routes: readonly (readonly Point[])[];
}

const BETWEEN = 34;

/** Places boxes in layers, from above to below; links lead from earlier boxes to later ones. */
export function layout(boxes: readonly Box[], links: readonly Link[]): Layout {
  const layers = layered(boxes, links);
  const x = positions(layers);
  const left = layers.items.reduce((least, { width }, i) =>
    Math.min(least, x[i] - width / 2), Infinity);
  const bands = bandsOf(boxes, layers);
  const places = boxes.map(({ height }, box) => {
    const { top, bottom } = bands[layers.items[box].layer];
    return { x: x[box] - left, y: (top + bottom - height) / 2 };
  });
  const at = x.map((value) => value - left);
  return {
    places, bands: boxes.map((_, box) => bands[layers.items[box].layer]),
    routes: routesOf(boxes, layers, places, at, bands),
    width: boxes.reduce((most, { width }, i) => Math.max(most, places[i].x + width / 2), 0),
    height: bands.at(-1)?.bottom ?? 0,
  };
}

function bandsOf(boxes: readonly Box[], { items, order }: Layers) {
  let top = 0;
  return order.map((layer) => {
    const height = layer.reduce((most, item) => {
      const { box } = items[item];
      return box === null ? most : Math.max(most, boxes[box].height);
    }, 0);
    const band = { top, bottom: top + height };
    top += height + BETWEEN;
    return band;
  });
}

function routesOf(
  boxes: readonly Box[], { items, routes }: Layers, places: readonly Point[],
  at: readonly number[], bands: readonly { top: number; bottom: number }[],
): Point[][] {
  const ports = portsOf(boxes, routes, places, at);
  return routes.map((route, link) => {
    const [from, to] = [route[0], route[route.length - 1]];
    const points = [{ x: places[from].x, y: places[from].y + boxes[from].height }];
    for (const item of route.slice(1, -1)) {
      const { top, bottom } = bands[items[item].layer];
      points.push({ x: at[item], y: top }, { x: at[item], y: bottom });
    }
    points.push({ x: ports[link], y: places[to].y });
    return points;
  });
}

/** Where links enter a box: side by side, in the order in which they come. */
function portsOf(
  boxes: readonly Box[], routes: readonly (readonly number[])[], places: readonly Point[],
  at: readonly number[],
): number[] {
  const entering = new Map<number, number[]>();
  routes.forEach((route, link) => {
    const to = route[route.length - 1];
    const list = entering.get(to) ?? [];
    list.push(link);
    entering.set(to, list);
  });
  const ports = routes.map(() => 0);
  for (const [to, list] of entering) {
    list.sort((a, b) => at[routes[a].at(-2)!] - at[routes[b].at(-2)!]);
    const step = Math.min(24, boxes[to].width * 0.7 / list.length);
    list.forEach((link, i) => {
      ports[link] = places[to].x + (i - (list.length - 1) / 2) * step;
    });
  }
  return ports;
}
