// Laws of decodeIdx and encodeIdx.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChainruleError } from "@chainrule/core";
import type { DecodeIdxOptions } from "../../src/idx/codec.ts";
import { decodeIdx, encodeIdx } from "../../src/idx/codec.ts";
import type { IdxArray } from "../../src/idx/format.ts";
import { idxArrays, types } from "./arrays.ts";

function refusal(bytes: Uint8Array, options?: DecodeIdxOptions): ChainruleError {
  try {
    decodeIdx(bytes, options);
  } catch (error) {
    expect(error).toBeInstanceOf(ChainruleError);
    return error as ChainruleError;
  }
  throw new Error("decodeIdx accepted the bytes");
}

/** An independent reader, from the format's page: DataView, element by element. */
function reference(bytes: Uint8Array): { shape: number[]; data: number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const rank = bytes[3]!;
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i, false));
  const [step, get] = {
    0x08: [1, view.getUint8] as const,
    0x09: [1, view.getInt8] as const,
    0x0b: [2, view.getInt16] as const,
    0x0c: [4, view.getInt32] as const,
    0x0d: [4, view.getFloat32] as const,
    0x0e: [8, view.getFloat64] as const,
  }[bytes[2]!]!;
  const data: number[] = [];
  for (let at = 4 + 4 * rank; at < bytes.length; at += step) data.push(get.call(view, at, false));
  return { shape, data };
}

describe("decodeIdx and encodeIdx", () => {
  test("decoding what was encoded gives the array back, for every type and rank", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(idxArrays, (array) => {
        seen.add(array.type);
        expect(decodeIdx(encodeIdx(array))).toEqual(array);
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual([...types].sort());
  });

  test("the bytes are those that the format's page describes", () => {
    fc.assert(
      fc.property(idxArrays, (array) => {
        const { shape, data } = reference(encodeIdx(array));
        expect(shape).toEqual(array.shape);
        expect(data).toEqual([...array.data]);
      }),
    );
  });

  test("NaN keeps its bits", () => {
    const bytes = Uint8Array.of(0, 0, 0x0d, 0, 0x7f, 0xc1, 0x23, 0x45);
    expect(encodeIdx(decodeIdx(bytes))).toEqual(bytes);
  });

  test("decoding copies: the array does not follow its bytes, nor the bytes the array", () => {
    const bytes = encodeIdx({ type: "uint8", shape: [2], data: Uint8Array.of(1, 2) });
    const { data } = decodeIdx(bytes);
    bytes[8] = 9;
    data[1] = 7;
    expect([...data]).toEqual([1, 7]);
    expect([...bytes.subarray(8)]).toEqual([9, 2]);
  });

  test("neither changes its input, also where it is a view into a longer buffer", () => {
    fc.assert(
      fc.property(idxArrays, (array) => {
        const bytes = encodeIdx(array);
        const longer = new Uint8Array(bytes.length + 7).fill(0xee);
        longer.set(bytes, 3);
        const before = longer.slice();
        expect(decodeIdx(longer.subarray(3, 3 + bytes.length))).toEqual(array);
        expect(longer).toEqual(before);
        expect(encodeIdx(array)).toEqual(bytes);
      }),
    );
  });

  test("every truncation is refused, naming the file, and an offset inside what is there", () => {
    fc.assert(
      fc.property(idxArrays, fc.nat(), (array, cut) => {
        const bytes = encodeIdx(array);
        const short = bytes.subarray(0, cut % bytes.length);
        const error = refusal(short, { name: "a.idx", tolerateTrailing: true });
        expect(error.message).toMatch(/^decodeIdx: a\.idx: byte \d+: .*(expected|needs)/);
        expect(error.details).toMatchObject({ file: "a.idx" });
        expect(error.details["offset"]).toBeLessThanOrEqual(short.length);
      }),
    );
  });

  test("trailing bytes are refused, or ignored on request", () => {
    fc.assert(
      fc.property(idxArrays, fc.uint8Array({ minLength: 1, maxLength: 9 }), (array, more) => {
        const bytes = encodeIdx(array);
        const long = new Uint8Array([...bytes, ...more]);
        const expected = `trailing bytes: expected ${bytes.length} bytes`;
        expect(refusal(long).message).toContain(expected);
        expect(refusal(long).details["offset"]).toBe(bytes.length);
        expect(decodeIdx(long, { tolerateTrailing: true })).toEqual(array);
      }),
    );
  });

  test("any change of a header byte gives another array of the same length, or a refusal", () => {
    fc.assert(
      fc.property(idxArrays, fc.nat(), fc.integer({ min: 1, max: 255 }), (array, where, flip) => {
        const bytes = encodeIdx(array);
        bytes[where % (4 + 4 * array.shape.length)]! ^= flip;
        let decoded: IdxArray;
        try {
          decoded = decodeIdx(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ChainruleError);
          return;
        }
        expect(encodeIdx(decoded)).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("arbitrary bytes are decoded or refused, and nothing else happens", () => {
    const hostile = fc
      .tuple(fc.constantFrom(8, 9, 11, 12, 13, 14), fc.uint8Array({ maxLength: 60 }))
      .map(([type, rest]) => new Uint8Array([0, 0, type, ...rest]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), hostile), (bytes) => {
        try {
          expect(encodeIdx(decodeIdx(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ChainruleError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a product of sizes that overflows is refused, unless one of them is zero", () => {
    const huge = [0xff, 0xff, 0xff, 0xff];
    const bytes = Uint8Array.of(0, 0, 14, 3, ...huge, ...huge, ...huge);
    expect(refusal(bytes).message).toContain("overflow");
    const empty = Uint8Array.of(0, 0, 14, 3, ...huge, ...huge, 0, 0, 0, 0);
    expect(decodeIdx(empty).shape).toEqual([0xffffffff, 0xffffffff, 0]);
    expect(decodeIdx(empty).data).toHaveLength(0);
  });

  test.each([
    [Uint8Array.of(), /byte 0: expected a header of 4 bytes or more, got 0/],
    [Uint8Array.of(0, 1, 8, 0, 0), /byte 1: expected 0x00 .* got 0x01/],
    [Uint8Array.of(0, 0, 10, 0, 0), /byte 2: expected an element type.*0x08 \(uint8\).*got 0x0a/],
    [Uint8Array.of(0, 0, 8, 200, 0), /byte 3: rank 200 needs a header of 804 bytes, got 5/],
    [Uint8Array.of(0x1f, 0x8b, 8, 0), /gzip-compressed bytes: readIdx/],
    [Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 5), /byte 9: truncated: expected 11 bytes .*, got 9$/],
  ])("a wrong header is refused with what was expected: %s", (bytes, message) => {
    expect(refusal(bytes).message).toMatch(message);
  });

  test("what is not a Uint8Array is refused", () => {
    expect(() => decodeIdx([0, 0, 8, 0, 1] as never)).toThrow(/^decodeIdx: expected a Uint8Array/);
  });

  test.each([
    [{ type: "int64", shape: [1], data: new Int32Array(1) }, /type must be one of uint8.*"int64"/],
    [{ type: "toString", shape: [1], data: new Int32Array(1) }, /type must be one of/],
    [{ type: "int16", shape: [1], data: new Int32Array(1) }, /Int16Array, got Int32Array/],
    [{ type: "uint8", shape: [2, 3], data: new Uint8Array(5) }, /invalid for input of size 5/],
    [{ type: "uint8", shape: [-1], data: new Uint8Array(1) }, /got -1 at dim 0/],
    [{ type: "uint8", shape: [0, 2 ** 32], data: new Uint8Array(0) }, /4294967296 at dim 1/],
    [{ type: "uint8", shape: [1, 0.5], data: new Uint8Array(1) }, /got 0.5 at dim 1/],
    [{ type: "uint8", shape: new Array(256).fill(1), data: new Uint8Array(1) }, /rank 256/],
    [{ type: "uint8", shape: "2", data: new Uint8Array(2) }, /got "2"/],
    [null, /expected \{ type, shape, data \}, got null/],
    [new Map(), /expected \{ type, shape, data \}, got Map/],
  ])("encodeIdx refuses what no file can say: %#", (array, message) => {
    expect(() => encodeIdx(array as never)).toThrow(ChainruleError);
    expect(() => encodeIdx(array as never)).toThrow(message);
  });
});
