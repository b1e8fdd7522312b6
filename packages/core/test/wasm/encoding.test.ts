// The binary format: numbers decode to themselves, nested code keeps its order.
import fc from "fast-check";
import { expect, it } from "vitest";
import { flatten, signed, sized, unsigned, vector, type Code } from "../../src/wasm/encoding.ts";

function decode(bytes: Uint8Array, isSigned: boolean): number {
  let value = 0n;
  bytes.forEach((byte, i) => { value |= BigInt(byte & 127) << BigInt(7 * i); });
  const bits = 7 * bytes.length;
  return Number(isSigned ? BigInt.asIntN(bits, value) : value);
}

it("unsigned numbers decode to themselves", () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 32 - 1 }), (value) =>
    decode(flatten(unsigned(value)), false) === value));
});

it("signed numbers decode to themselves, in as few bytes as can hold them", () => {
  fc.assert(fc.property(fc.integer(), (value) => {
    const bytes = flatten(signed(value));
    const shortest = bytes.length === 1 || BigInt.asIntN(7 * bytes.length - 7, BigInt(value)) !==
      BigInt(value);
    return decode(bytes, true) === value && shortest;
  }));
});

it("nested code keeps its order, beyond the first size of the scratch buffer as well", () => {
  const code = fc.letrec<{ code: Code }>((tie) => ({
    code: fc.oneof({ maxDepth: 4 }, fc.nat(255), fc.uint8Array(), fc.array(tie("code"))),
  })).code;
  const inOrder = (part: Code): number[] =>
    typeof part === "number" ? [part] : Array.from(part as readonly Code[], inOrder).flat();
  fc.assert(fc.property(code, (part) => {
    expect([...flatten(part)]).toEqual(inOrder(part));
  }));
  const long = Array.from({ length: 100_000 }, (_, i) => i & 255);
  expect(flatten([1, long, new Uint8Array(50_000)])).toHaveLength(150_001);
  expect(flatten(long).every((byte, i) => byte === long[i])).toBe(true);
});

it("vectors and sections are preceded by their lengths", () => {
  expect([...flatten(vector([[7, 8], 9]))]).toEqual([2, 7, 8, 9]);
  expect([...flatten(sized([7, [8, 9]]))]).toEqual([3, 7, 8, 9]);
});
