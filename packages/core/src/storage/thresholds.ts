// From what size on an operation is done in the heap: measured with bench/paths.js.

/** Sizes below which JavaScript is faster, or as fast. */
export interface Thresholds {
  /** Elements: at 256 `add` is equal, at 512 `exp` takes half. */
  readonly elements: number;
  /** Elements of the innermost loop: below it calls cost more than four lanes gain. */
  readonly innermost: number;
  /** Multiply-adds of a product: at 16×16×16 it is 3 to 4 times as fast. */
  readonly multiplyAdds: number;
}

/** The thresholds in force. */
export let thresholds: Thresholds = { elements: 512, innermost: 16, multiplyAdds: 4096 };

/** Runs `body` with other thresholds, to compare the paths at all sizes. */
export function withThresholds<T>(others: Thresholds, body: () => T): T {
  const before = thresholds;
  thresholds = others;
  try {
    return body();
  } finally {
    thresholds = before;
  }
}
