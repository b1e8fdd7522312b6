// Layers of a drawing and the order in them: the first two steps of Sugiyama, Tagawa and Toda,
// "Methods for visual understanding of hierarchical system structures" (1981).

/** Something to be placed. */
export interface Box {
  readonly width: number;
  readonly height: number;
  /** Boxes of one group stay next to each other. */
  readonly group: number | null;
}

/** From an earlier box to a later one. */
export interface Link {
  readonly from: number;
  readonly to: number;
}

/** A box, or the place where a long link passes a layer. */
export interface Item {
  readonly box: number | null;
  readonly layer: number;
  readonly width: number;
  readonly group: number | null;
  readonly above: number[];
  readonly below: number[];
}

/** Items by number, the order in each layer, and the items that each link goes through. */
export interface Layers {
  readonly items: readonly Item[];
  readonly order: number[][];
  readonly routes: readonly (readonly number[])[];
}

const SWEEPS = 12;

/** Puts boxes into layers, later ones below, and orders each layer so that few links cross. */
export function layered(boxes: readonly Box[], links: readonly Link[]): Layers {
  const { items, routes } = withPassages(boxes, links, layersOf(boxes, links));
  const order = firstOrder(items);
  let best = order.map((layer) => [...layer]);
  let fewest = crossings(items, best);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    const isDown = sweep % 2 === 0;
    const sequence = isDown ? order : [...order].reverse();
    for (const layer of sequence) sortLayer(items, order, layer, isDown);
    const count = crossings(items, order);
    if (count >= fewest) continue;
    fewest = count;
    best = order.map((layer) => [...layer]);
  }
  return { items, order: best, routes };
}

/** Longest path to the end, so that every box stands right above its nearest user. */
function layersOf(boxes: readonly Box[], links: readonly Link[]): number[] {
  const users: number[][] = boxes.map(() => []);
  for (const { from, to } of links) users[from].push(to);
  const toEnd = boxes.map(() => 0);
  for (let i = boxes.length - 1; i >= 0; i--) {
    for (const user of users[i]) toEnd[i] = Math.max(toEnd[i], toEnd[user] + 1);
  }
  const last = toEnd.reduce((most, layer) => Math.max(most, layer), 0);
  return toEnd.map((layer) => last - layer);
}

/** A link over several layers goes through a passage in each; links from one box share them. */
function withPassages(
  boxes: readonly Box[], links: readonly Link[], layer: readonly number[],
): { items: Item[]; routes: number[][] } {
  const items: Item[] = boxes.map(({ width, group }, box) =>
    ({ box, layer: layer[box], width, group, above: [], below: [] }));
  const passages: number[][] = boxes.map(() => []);
  const joined = new Set<string>();
  const join = (a: number, b: number) => {
    if (joined.has(`${a} ${b}`)) return;
    joined.add(`${a} ${b}`);
    items[a].below.push(b);
    items[b].above.push(a);
  };
  const routes = links.map(({ from, to }) => {
    const route = [from];
    for (let at = layer[from] + 1; at < layer[to]; at++) {
      const step = at - layer[from] - 1;
      if (passages[from][step] === undefined) {
        const group = boxes[from].group === boxes[to].group ? boxes[from].group : null;
        passages[from][step] = items.length;
        items.push({ box: null, layer: at, width: 0, group, above: [], below: [] });
      }
      route.push(passages[from][step]);
    }
    route.push(to);
    for (let i = 1; i < route.length; i++) join(route[i - 1], route[i]);
    return route;
  });
  return { items, routes };
}

/** In the order in which the boxes are met from the end, inputs from left to right. */
function firstOrder(items: readonly Item[]): number[][] {
  const order: number[][] = [];
  const seen = items.map(() => false);
  const stack = items.map((_, i) => i).filter((i) => items[i].below.length === 0).reverse();
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    if (seen[i]) continue;
    seen[i] = true;
    (order[items[i].layer] ??= []).push(i);
    for (let k = items[i].above.length - 1; k >= 0; k--) stack.push(items[i].above[k]);
  }
  return order;
}

/** Orders a layer by the mean position of the neighbours in the layer that came before. */
function sortLayer(
  items: readonly Item[], order: readonly number[][], layer: number[], isDown: boolean,
): void {
  const at = items[layer[0]].layer + (isDown ? -1 : 1);
  if (order[at] === undefined) return;
  const position = new Map(order[at].map((item, i) => [item, i]));
  const key = new Map(layer.map((item, i) => {
    const neighbours = isDown ? items[item].above : items[item].below;
    return [item, neighbours.length === 0 ? i
      : neighbours.reduce((sum, other) => sum + position.get(other)!, 0) / neighbours.length];
  }));
  const groups = new Map<number, { sum: number; count: number }>();
  for (const item of layer) {
    const { group } = items[item];
    if (group === null) continue;
    const { sum, count } = groups.get(group) ?? { sum: 0, count: 0 };
    groups.set(group, { sum: sum + key.get(item)!, count: count + 1 });
  }
  const outer = (item: number) => {
    const total = items[item].group === null ? undefined : groups.get(items[item].group!);
    return total === undefined ? key.get(item)! : total.sum / total.count;
  };
  layer.sort((a, b) => outer(a) - outer(b) || (items[a].group ?? -1) - (items[b].group ?? -1) ||
    key.get(a)! - key.get(b)!);
}

/** How many pairs of lines between neighbouring layers cross. */
function crossings(items: readonly Item[], order: readonly (readonly number[])[]): number {
  let total = 0;
  for (let layer = 1; layer < order.length; layer++) {
    const position = new Map(order[layer].map((item, i) => [item, i]));
    const ends = order[layer - 1].flatMap((item) =>
      items[item].below.map((other) => position.get(other)!).sort((a, b) => a - b));
    total += inversions(ends, order[layer].length);
  }
  return total;
}

/** Pairs that stand in the wrong order, counted with a Fenwick tree. */
function inversions(numbers: readonly number[], size: number): number {
  const tree = new Int32Array(size + 1);
  let count = 0;
  numbers.forEach((number, i) => {
    let notGreater = 0;
    for (let at = number + 1; at > 0; at -= at & -at) notGreater += tree[at];
    count += i - notGreater;
    for (let at = number + 1; at <= size; at += at & -at) tree[at]++;
  });
  return count;
}
