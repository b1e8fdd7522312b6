// Handwritten-looking digits: labels and images, drawn at random and reproducible.
import { fail, show } from "@chainrule/core/internal";
import type { Glyph } from "./glyphs.ts";
import { glyphs } from "./glyphs.ts";
import { createPen, imageSize } from "./pen.ts";
import type { RandomSource } from "./skeleton.ts";
import { createSegments, writeGlyph } from "./skeleton.ts";

/** Images `[count, 28, 28]`, white on black, and the digit that each of them shows. */
export interface Digits {
  images: Uint8Array;
  labels: Uint8Array;
}

/** Options of `renderDigits`. */
export interface RenderDigitsOptions {
  /** Called now and then, and at the end, with the number of digits drawn. */
  onProgress?: (done: number) => void;
}

function chooseGlyph(ways: readonly Glyph[], random: RandomSource): Glyph {
  const total = ways.reduce((sum, { weight }) => sum + weight, 0);
  let left = random.uniform53() * total;
  return ways.find(({ weight }) => (left -= weight) < 0) ?? ways[0]!;
}

/**
 * Draws `count` digits as MNIST stores them; the same draws give the same bytes on every engine.
 * @throws ChainruleError for a count that is not a whole number, or a generator without `uniform53`
 */
export function renderDigits(
  count: number,
  generator: RandomSource,
  options: RenderDigitsOptions = {},
): Digits {
  if (!Number.isSafeInteger(count) || count < 0) {
    fail("renderDigits", `count must be a non-negative integer, got ${show(count)}`);
  }
  if (typeof generator?.uniform53 !== "function") {
    fail("renderDigits", `generator must have uniform53(), got ${show(generator)}`);
  }
  const { onProgress } = options;
  const pixels = imageSize * imageSize;
  const images = new Uint8Array(count * pixels);
  const labels = new Uint8Array(count);
  const segments = createSegments();
  const draw = createPen();
  for (let i = 0; i < count; i++) {
    const label = Math.floor(10 * generator.uniform53());
    labels[i] = label;
    writeGlyph(chooseGlyph(glyphs[label]!, generator), generator, segments);
    draw(segments, images, i * pixels);
    if (i % 1000 === 999 || i === count - 1) onProgress?.(i + 1);
  }
  return { images, labels };
}
