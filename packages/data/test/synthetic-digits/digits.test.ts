// Laws of renderDigits: reproducible, MNIST's geometry, and varied.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChainruleError } from "@chainrule/core";
import { renderDigits } from "../../src/synthetic-digits/digits.ts";
import { glyphs } from "../../src/synthetic-digits/glyphs.ts";
import { mersenne } from "./mersenne.ts";

const size = 28;
const sample = renderDigits(2000, mersenne(1));

function image(index: number): Uint8Array {
  return sample.images.subarray(index * size * size, (index + 1) * size * size);
}

/** Total ink, its centre, and the sides of the box around every pixel that is not black. */
function ink(pixels: Uint8Array) {
  let [mass, x, y, left, top, right, bottom] = [0, 0, 0, size, size, 0, 0];
  pixels.forEach((value, i) => {
    if (value === 0) return;
    const [column, row] = [i % size, Math.floor(i / size)];
    mass += value;
    x += value * (column + 0.5);
    y += value * (row + 0.5);
    [left, right] = [Math.min(left, column), Math.max(right, column)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
  });
  return { mass, x: x / mass, y: y / mass, width: right - left + 1, height: bottom - top + 1 };
}

describe("renderDigits", () => {
  test("the same seed gives the same bytes, another seed others", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 20 }), (seed, count) => {
        const { images, labels } = renderDigits(count, mersenne(seed));
        const again = renderDigits(count, mersenne(seed));
        expect(again.labels).toEqual(labels);
        expect(Buffer.compare(again.images, images)).toBe(0);
        expect(Buffer.compare(renderDigits(count, mersenne(seed + 1)).images, images)).not.toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  test("the drawing is version 1 of synthetic-digits/files.ts: other bytes need another", () => {
    const { images, labels } = renderDigits(200, mersenne(0));
    const sha256 = createHash("sha256").update(images).update(labels).digest("hex");
    // Made on Node 20; Node 24 gives the same.
    expect(sha256).toBe("d649d6d7fbda30557f68b569de5eb29581466940aaa9f2e73837798fed0f9424");
  });

  test("digits drawn in parts are those drawn at once", () => {
    const generator = mersenne(5);
    const [first, second] = [renderDigits(3, generator), renderDigits(4, generator)];
    const all = renderDigits(7, mersenne(5));
    expect([...first.labels, ...second.labels]).toEqual([...all.labels]);
    expect(Buffer.concat([first.images, second.images]).compare(all.images)).toBe(0);
  });

  test("every digit occurs about as often as any other", () => {
    const counts = new Array<number>(10).fill(0);
    for (const label of sample.labels) counts[label]!++;
    // Binomial (2000, 0.1): five standard deviations are 67.
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(67);
  });

  test("every image has saturated ink, in a box of about 20 pixels, centred by mass", () => {
    for (let i = 0; i < 500; i++) {
      const { x, y, width, height } = ink(image(i));
      expect(Math.max(...image(i))).toBe(255);
      // Box of 20 shrunk by up to 12 %, plus the soft edge; cut only by the frame.
      expect(Math.max(width, height)).toBeGreaterThanOrEqual(16);
      expect(Math.max(width, height)).toBeLessThanOrEqual(23);
      // Centred to within the random offset of 1.4, and ink counted twice where lines cross.
      expect(Math.abs(x - size / 2)).toBeLessThan(2.5);
      expect(Math.abs(y - size / 2)).toBeLessThan(2.5);
    }
  });

  test("brightness is near MNIST's mean 0.1307 and deviation 0.3081", () => {
    const { images } = sample;
    const mean = images.reduce((sum, value) => sum + value / 255, 0) / images.length;
    const square = images.reduce((sum, value) => sum + (value / 255) ** 2, 0) / images.length;
    expect(Math.abs(mean - 0.1307)).toBeLessThan(0.01);
    expect(Math.abs(Math.sqrt(square - mean ** 2) - 0.3081)).toBeLessThan(0.01);
  });

  test("no two images are alike", () => {
    const text = (i: number): string => Buffer.from(image(i)).toString("latin1");
    const seen = new Set(Array.from(sample.labels, (_, i) => text(i)));
    expect(seen.size).toBe(sample.labels.length);
  });

  test("the nearest of the first images tells the digit mostly, and not always", () => {
    const known = 1500;
    let right = 0;
    for (let i = known; i < 1700; i++) {
      const query = image(i);
      let [best, label] = [Infinity, -1];
      for (let j = 0; j < known; j++) {
        const other = image(j);
        let distance = 0;
        for (let k = 0; k < query.length && distance < best; k++) {
          distance += (query[k]! - other[k]!) ** 2;
        }
        if (distance < best) [best, label] = [distance, sample.labels[j]!];
      }
      right += Number(label === sample.labels[i]);
    }
    // 1500 real MNIST digits give about 0.92 (Euclidean nearest neighbour).
    expect(right / 200).toBeGreaterThan(0.85);
    expect(right / 200).toBeLessThan(0.995);
  });

  test("every glyph is finite and inside its box", () => {
    expect(glyphs).toHaveLength(10);
    for (const { weight, curves } of glyphs.flat()) {
      expect(weight).toBeGreaterThan(0);
      for (const curve of curves) {
        expect(curve.length % 2).toBe(0);
        expect(curve.length).toBeGreaterThanOrEqual(4);
        for (const value of curve) expect(value >= 0 && value <= 100).toBe(true);
      }
    }
  });

  test("progress ends with the number of digits", () => {
    const seen: number[] = [];
    renderDigits(1500, mersenne(0), { onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([1000, 1500]);
  });

  test("no digits are no bytes", () => {
    expect(renderDigits(0, mersenne(0)).images).toHaveLength(0);
  });

  test.each([-1, 1.5, NaN, "3", 2 ** 53])("a count of %s is refused", (count) => {
    expect(() => renderDigits(count as number, mersenne(0))).toThrow(ChainruleError);
    expect(() => renderDigits(count as number, mersenne(0))).toThrow(/count must be a non-neg/);
  });

  test("what cannot draw numbers is refused", () => {
    expect(() => renderDigits(1, {} as never)).toThrow(/generator must have uniform53\(\)/);
    expect(() => renderDigits(1, undefined as never)).toThrow(/generator must have uniform53\(\)/);
  });
});
