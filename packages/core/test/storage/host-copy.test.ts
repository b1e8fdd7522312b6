// Copies out of the heap: every length and dtype, with Node's buffers and without.
import { afterEach, describe, expect, test, vi } from "vitest";
import { arrays, type DType, type TypedArray } from "../../src/dtype.ts";

const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
const heap = new Uint8Array(memory.buffer).map((_, i) => i * 31 % 251);
new Uint8Array(memory.buffer).set(heap);

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray) =>
  Buffer.from(buffer, byteOffset, byteLength);

afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

describe.each([true, false])("where Node's buffers are there: %s", (isNode) => {
  const load = () => {
    if (!isNode) vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
    return import("../../src/storage/host-copy.ts");
  };

  test.each([0, 4, 16380, 16384, 16388, 500_000])("%i bytes, anywhere", async (bytes) => {
    const { copyToHost, newCopy } = await load();
    for (const address of [0, 64, 4096 + 64]) {
      const source = new Uint8Array(memory.buffer, address, bytes);
      const expected = heap.subarray(address, address + bytes);
      for (const dtype of ["float32", "int32", "bool"] satisfies DType[]) {
        const copy = newCopy(source, dtype);
        expect(copy).toBeInstanceOf(arrays[dtype]);
        expect(copy.byteLength).toBe(copy.buffer.byteLength);
        expect(bytesOf(copy).equals(expected)).toBe(true);
      }
      const part = new Float32Array(bytes / 4 + 2).subarray(1, 1 + bytes / 4);
      copyToHost(source, part);
      expect(bytesOf(part).equals(expected)).toBe(true);
      const around = new Float32Array(part.buffer);
      expect([around[0], around.at(-1)]).toEqual([0, 0]);
    }
  });
});
