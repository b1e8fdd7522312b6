// Where the items of a layered drawing stand from left to right.
import type { Item, Layers } from "./layers.ts";

const ROUNDS = 40;

/** How hard a line pulls: the only one between two boxes, one between passages, any other. */
const PULL = { only: 4, passages: 8, passage: 2, other: 1 };

/** Space that a line needs, and space between boxes and around groups. */
const LINE = 14;
const GAP = 26;
const AROUND = 22;

/**
 * Centre of each item. Every layer in turn goes where its neighbours pull it, as near as order and
 * distances allow; long links pull hardest, so that they run straight.
 */
export function positions({ items, order }: Layers): number[] {
  const x = items.map(() => 0);
  const offsets = order.map((layer) => offsetsOf(items, layer));
  order.forEach((layer, i) => layer.forEach((item, k) => {
    x[item] = offsets[i][k] - offsets[i][layer.length - 1] / 2;
  }));
  const downwards = order.map((_, i) => i);
  const upwards = [...downwards].reverse();
  for (let round = 0; round < ROUNDS; round++) {
    const isLate = round >= ROUNDS / 2;
    for (const i of downwards) settle(items, order[i], offsets[i], x, true, isLate);
    for (const i of upwards) settle(items, order[i], offsets[i], x, isLate, true);
  }
  for (const i of downwards) straighten(items, order[i], offsets[i], x, true);
  for (const i of upwards) straighten(items, order[i], offsets[i], x, false);
  return x;
}

/** Least distance of each item of a layer from the first one. */
function offsetsOf(items: readonly Item[], layer: readonly number[]): number[] {
  let offset = 0;
  return layer.map((item, k) => {
    if (k === 0) return 0;
    const [left, right] = [items[layer[k - 1]], items[item]];
    const gap = left.box === null || right.box === null ? LINE : GAP;
    offset += (left.width + right.width) / 2 + gap + (left.group === right.group ? 0 : AROUND);
    return offset;
  });
}

/** Moves a layer to where its neighbours pull. */
function settle(
  items: readonly Item[], layer: readonly number[], offsets: readonly number[], x: number[],
  byAbove: boolean, byBelow: boolean,
): void {
  place(layer, offsets, x, layer.map((item) => {
    const { above, below } = items[item];
    let [sum, weight] = [0, 0];
    for (const other of [...byAbove ? above : [], ...byBelow ? below : []]) {
      const pull = pullBetween(items[item], items[other]);
      sum += pull * x[other];
      weight += pull;
    }
    return weight === 0 ? { sum: x[item] * 0.01, weight: 0.01 } : { sum, weight };
  }));
}

/**
 * On the way down, moves what only one line leads to below where that line comes from, as far as
 * there is room; lines make way, and on the way up the rest of a long line follows.
 */
function straighten(
  items: readonly Item[], layer: readonly number[], offsets: readonly number[], x: number[],
  isDown: boolean,
): void {
  place(layer, offsets, x, layer.map((item) => {
    const { box, above, below } = items[item];
    const [first, ...others] = isDown ? above : below;
    const follows = first !== undefined && others.length === 0 && (isDown || box === null) &&
      pullBetween(items[item], items[first]) >= PULL.only;
    const weight = box === null ? 1 : 100;
    return { sum: weight * (follows ? x[first] : x[item]), weight };
  }));
}

/**
 * Moves a layer to the positions nearest to the wanted ones, `sum / weight`, that keep distances:
 * in least squares a monotone regression, solved by pooling adjacent violators (Ayer et al. 1955).
 */
function place(
  layer: readonly number[], offsets: readonly number[], x: number[],
  wanted: readonly { readonly sum: number; readonly weight: number }[],
): void {
  const pools: { sum: number; weight: number; size: number }[] = [];
  wanted.forEach(({ sum, weight }, k) => {
    let pool = { sum: sum - weight * offsets[k], weight, size: 1 };
    for (let last = pools.at(-1); last !== undefined && last.sum / last.weight >=
      pool.sum / pool.weight; last = pools.at(-1)) {
      pools.pop();
      pool = { sum: pool.sum + last.sum, weight: pool.weight + last.weight,
        size: pool.size + last.size };
    }
    pools.push(pool);
  });
  let k = 0;
  for (const { sum, weight, size } of pools) {
    for (let i = 0; i < size; i++, k++) x[layer[k]] = sum / weight + offsets[k];
  }
}

function pullBetween(a: Item, b: Item): number {
  if (a.box === null && b.box === null) return PULL.passages;
  if (a.box === null || b.box === null) return PULL.passage;
  const [upper, lower] = a.layer < b.layer ? [a, b] : [b, a];
  return upper.below.length === 1 && lower.above.length === 1 ? PULL.only : PULL.other;
}
