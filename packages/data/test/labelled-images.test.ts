// Laws of LabelledImages.
import type { Tensor } from "@chainrule/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultCollate } from "../src/collate.ts";
import { DataLoader } from "../src/data-loader.ts";
import type { IdxArray } from "../src/idx/format.ts";
import { LabelledImages } from "../src/labelled-images.ts";

const classes = ["zero", "one", "two"];

function bytes(shape: number[], values: ArrayLike<number>): IdxArray {
  return { type: "uint8", shape, data: Uint8Array.from(values) };
}

/** Images of random sizes, and indices into them. */
const sets = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat({ max: 4 }), fc.nat({ max: 4 }))
  .chain(([count, height, width]) => {
    const pixels = count * height * width;
    return fc.record({
      images: fc.uint8Array({ minLength: pixels, maxLength: pixels })
        .map((data) => bytes([count, height, width], data)),
      labels: fc.array(fc.nat({ max: 2 }), { minLength: count, maxLength: count })
        .map((data) => bytes([count], data)),
      indices: fc.array(fc.integer({ min: -count, max: count - 1 }), { minLength: 1 }),
    });
  });

function values(batch: readonly Tensor[]): unknown[] {
  return batch.map((part) => [part.dtype, part.shape, part.tolist()]);
}

describe("LabelledImages", () => {
  test("a sample is the bytes / 255 in float32, with a channel, and the label", () => {
    fc.assert(fc.property(sets, ({ images, labels, indices }) => {
      const set = new LabelledImages(images, labels, classes);
      const [count, height, width] = images.shape as [number, number, number];
      for (const index of indices) {
        const at = index < 0 ? index + count : index;
        const [image, label] = set.get(index);
        const start = at * height * width;
        const expected = [...images.data.slice(start, start + height * width)]
          .map((byte) => Math.fround(byte / 255));
        expect([image.dtype, image.shape]).toEqual(["float32", [1, height, width]]);
        expect([...image.toTypedArray()]).toEqual(expected);
        expect(label).toBe(labels.data[at]);
      }
    }));
  });

  test("getBatch gives what defaultCollate makes of the samples", () => {
    fc.assert(fc.property(sets, ({ images, labels, indices }) => {
      const set = new LabelledImages(images, labels, classes);
      const samples = indices.map((i) => set.get(i));
      expect(values(set.getBatch(indices))).toEqual(values(defaultCollate(samples)));
    }));
  });

  test("images and targets are the whole set, as one batch of a loader is", () => {
    fc.assert(fc.property(sets, ({ images, labels }) => {
      const set = new LabelledImages(images, labels, classes);
      const [batch] = [...new DataLoader(set, { batchSize: set.length })];
      expect(values([set.images(), set.targets])).toEqual(values(batch!));
    }));
  });

  const images = bytes([2, 1, 2], [0, 51, 102, 255]);
  test.each<[string, () => unknown]>([
    ["2 images, but 3 labels",
      () => new LabelledImages(images, bytes([3], [0, 1, 2]), classes)],
    ["label 3 at 1 is none of the 3 classes",
      () => new LabelledImages(images, bytes([2], [0, 3]), classes)],
    ["images must be uint8 of rank 3, got uint8 [2]",
      () => new LabelledImages(bytes([2], [1, 2]), bytes([2], [0, 1]), classes)],
    ["labels must be uint8 of rank 1, got int8 [2]", () => new LabelledImages(
      images, { type: "int8", shape: [2], data: new Int8Array(2) }, classes)],
    ["images must be what readIdx gives, { type, shape, data }; got \"folder\"",
      () => new LabelledImages("folder" as never, bytes([2], [0, 1]), classes)],
    ["index 2 is out of bounds",
      () => new LabelledImages(images, bytes([2], [0, 1]), classes).getBatch([0, 2])],
  ])("refuses: %s", (message, act) => expect(act).toThrow(message));
});
