// Nodes that are ready to run, as a binary heap: the newest first, accumulators before all others.
import type { Node } from "./node.ts";

/** A priority queue of nodes. */
export class NewestFirst {
  private readonly heap: Node[] = [];

  has(node: Node): boolean { return this.heap.includes(node); }

  push(node: Node): void {
    const { heap } = this;
    let at = heap.push(node) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(node, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = node;
  }

  /** Takes the first node; `null` when none is left. */
  pop(): Node | null {
    const { heap } = this;
    if (heap.length === 0) return null;
    const first = heap[0];
    const moved = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], moved)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moved;
    return first;
  }
}

function before(a: Node, b: Node): boolean {
  if ((a.leaf === null) !== (b.leaf === null)) return a.leaf !== null;
  return a.sequence > b.sequence;
}
