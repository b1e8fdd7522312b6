// Arrays cut from slabs: zeroed, apart from each other, and harmless to keep.
import fc from "fast-check";
import { expect, test } from "vitest";
import { itemSize, type DType } from "../../src/dtype.ts";
import { zeroed } from "../../src/storage/slab.ts";

const request = fc.record({
  dtype: fc.constantFrom<DType>("float32", "float64", "int32", "bool"),
  count: fc.integer({ min: 0, max: 600 }),
});

test("arrays are zeroed, have the length and class asked for, and share no byte", () => {
  fc.assert(fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
    const arrays = requests.map(({ dtype, count }) => zeroed(dtype, count));
    arrays.forEach((array, i) => {
      expect(array.length).toBe(requests[i].count);
      expect(array.BYTES_PER_ELEMENT).toBe(itemSize(requests[i].dtype));
      expect(array.every((value) => value === 0)).toBe(true);
      array.fill(i + 1);
    });
    arrays.forEach((array, i) => {
      expect(array.every((value) => value === i + 1)).toBe(true);
    });
  }));
});

test("up to 64 bytes, and from 513, an array pins no memory but its own", () => {
  for (const count of [0, 1, 16, 129, 1000]) {
    const array = zeroed("float32", count);
    expect(array.buffer.byteLength).toBe(array.byteLength);
  }
});

test("a kept array pins 4 KB at most", () => {
  for (let count = 17; count <= 128; count++) {
    expect(zeroed("float32", count).buffer.byteLength).toBeLessThanOrEqual(4096);
  }
});
