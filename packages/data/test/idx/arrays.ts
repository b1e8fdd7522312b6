// Arbitrary IDX arrays of every type and rank, for the property tests.
import fc from "fast-check";
import type { IdxArray, IdxType } from "../../src/idx/format.ts";

const elements = {
  uint8: (n: number) => fc.uint8Array({ minLength: n, maxLength: n }),
  int8: (n: number) => fc.int8Array({ minLength: n, maxLength: n }),
  int16: (n: number) => fc.int16Array({ minLength: n, maxLength: n }),
  int32: (n: number) => fc.int32Array({ minLength: n, maxLength: n }),
  float32: (n: number) => fc.float32Array({ minLength: n, maxLength: n }),
  float64: (n: number) => fc.float64Array({ minLength: n, maxLength: n }),
};

/** Names of all element types. */
export const types = Object.keys(elements) as IdxType[];

/** Shapes of rank 0 to 5 with few elements, and now and then the largest rank. */
const shapes = fc.oneof(
  { weight: 9, arbitrary: fc.array(fc.nat({ max: 4 }), { maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constant(Array.from({ length: 255 }, (_, i) => (i === 7 ? 3 : 1))) },
);

/** An array of any type and rank. */
export const idxArrays: fc.Arbitrary<IdxArray> = fc
  .tuple(fc.constantFrom(...types), shapes)
  .chain(([type, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return elements[type](count).map((data) => ({ type, shape, data }) as IdxArray);
  });
