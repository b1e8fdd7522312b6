// Laws of readIdx, readIdxSync, writeIdx and writeIdxSync: files, gzip and hostile gzip.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChainruleError } from "@chainrule/core";
import type { DecodeIdxOptions } from "../../src/idx/codec.ts";
import { decodeIdx, encodeIdx } from "../../src/idx/codec.ts";
import type { IdxArray } from "../../src/idx/format.ts";
import { readIdx, readIdxSync } from "../../src/idx/read.ts";
import { writeIdx, writeIdxSync } from "../../src/idx/write.ts";
import { idxArrays } from "./arrays.ts";

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "idx-"))));
afterAll(() => rmSync(folder, { recursive: true }));

const small: IdxArray = { type: "int16", shape: [2, 2], data: Int16Array.of(1, -2, 300, 4) };

/** What both readers say about the same bytes: the array, or the error, which must be ours. */
async function readBoth(bytes: Uint8Array, options?: DecodeIdxOptions) {
  const path = join(folder, "both.idx");
  writeFileSync(path, bytes);
  const outcome = async (read: () => Promise<IdxArray> | IdxArray) => {
    try {
      return { array: await read() };
    } catch (error) {
      expect(error).toBeInstanceOf(ChainruleError);
      return { error: error as ChainruleError };
    }
  };
  const sync = await outcome(() => readIdxSync(path, options));
  const async_ = await outcome(() => readIdx(path, options));
  return [sync, async_] as const;
}

describe("readIdx and writeIdx", () => {
  test("reading what was written gives the array back, compressed or not", async () => {
    await fc.assert(
      fc.asyncProperty(idxArrays, fc.boolean(), async (array, gzip) => {
        const path = join(folder, gzip ? "a.idx.gz" : "a.idx");
        await writeIdx(path, array);
        expect(readFileSync(path)[0]).toBe(gzip ? 0x1f : 0);
        expect(readIdxSync(path)).toEqual(array);
        writeIdxSync(path, array, { gzip: !gzip });
        expect(readFileSync(path)[0]).toBe(gzip ? 0 : 0x1f);
        expect(await readIdx(path)).toEqual(array);
      }),
    );
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("an array larger than the first chunks survives compression", async () => {
    const data = Int32Array.from({ length: 30_000 }, (_, i) => (i * 2654435761) | 0);
    const array: IdxArray = { type: "int32", shape: [3, 10_000], data };
    const [sync, async_] = await readBoth(gzipSync(encodeIdx(array)));
    expect(sync.array).toEqual(array);
    expect(async_.array).toEqual(array);
  });

  test("a path, file URL, Uint8Array, ArrayBuffer, Blob and data: address read alike", async () => {
    const bytes = new Uint8Array(gzipSync(encodeIdx(small)));
    const path = join(folder, "source.idx");
    writeFileSync(path, bytes);
    const data = `data:application/gzip;base64,${Buffer.from(bytes).toString("base64")}`;
    const inMemory = [bytes, bytes.buffer, new Blob([bytes])];
    for (const source of [path, pathToFileURL(path), data, ...inMemory]) {
      expect(await readIdx(source)).toEqual(small);
    }
    expect(readIdxSync(pathToFileURL(path))).toEqual(small);
  });

  test("any truncation of a compressed file is refused", async () => {
    const bytes = gzipSync(encodeIdx(small));
    for (let length = 2; length < bytes.length; length++) {
      const [sync, async_] = await readBoth(bytes.subarray(0, length), { name: "x.gz" });
      expect(sync.error?.message).toMatch(/^decodeIdx: x\.gz: byte \d+: /);
      expect(async_.error?.message).toMatch(/^decodeIdx: x\.gz: byte \d+: /);
    }
  });

  test("any changed byte of a compressed file is refused, or changes nothing", async () => {
    const bytes = gzipSync(encodeIdx(small));
    const changes = fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([where, flip]) => {
        const changed = Uint8Array.from(bytes);
        changed[where]! ^= flip;
        for (const { array } of await readBoth(changed)) {
          if (array) expect(array).toEqual(small); // a byte of the gzip header, such as its time
        }
      }),
      { numRuns: 200 },
    );
  });

  test("compressed trailing bytes are refused, or ignored on request", async () => {
    const bytes = gzipSync(Buffer.concat([encodeIdx(small), Buffer.alloc(5)]));
    for (const { error } of await readBoth(bytes)) {
      expect(error?.message).toMatch(/byte 20: trailing bytes: expected 20 bytes .* got more/);
    }
    for (const { array } of await readBoth(bytes, { tolerateTrailing: true })) {
      expect(array).toEqual(small);
    }
  });

  test("a bomb is inflated no further than its header declares", async () => {
    const bomb = gzipSync(Buffer.concat([encodeIdx(small), Buffer.alloc(2 ** 28)]));
    const before = process.memoryUsage().rss;
    for (const { error } of await readBoth(bomb)) expect(error?.message).toContain("trailing");
    for (const { array } of await readBoth(bomb, { tolerateTrailing: true })) {
      expect(array).toEqual(small);
    }
    // The bomb holds 256 MB; the readers need a few chunks.
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  test("a header that declares more than gzip can hold is refused before allocation", async () => {
    const header = Uint8Array.of(0, 0, 8, 2, 0, 16, 0, 0, 0, 16, 0, 0);
    const bytes = gzipSync(Buffer.concat([header, Buffer.alloc(1000)]));
    for (const { error } of await readBoth(bytes)) {
      expect(error?.message).toMatch(/truncated: sizes \[1048576, 1048576\] need 1099511627788/);
    }
  });

  test("a header hidden behind a long gzip comment is found", async () => {
    const bytes = gzipSync(encodeIdx(small));
    bytes[3] = 0x10; // FCOMMENT: a zero-terminated comment follows the ten fixed bytes (RFC 1952)
    const comment = Buffer.concat([Buffer.alloc(70_000, "x"), Buffer.of(0)]);
    const long = Buffer.concat([bytes.subarray(0, 10), comment, bytes.subarray(10)]);
    expect(gunzipSync(long)).toEqual(Buffer.from(encodeIdx(small)));
    for (const { array } of await readBoth(long)) expect(array).toEqual(small);
  });

  test("a path that cannot be read or written is named, with the system's reason", async () => {
    const missing = join(folder, "none", "a.idx");
    expect(() => readIdxSync(missing)).toThrow(/^readIdxSync: cannot read .*none.a\.idx: ENOENT/);
    await expect(readIdx(missing)).rejects.toThrow(/^readIdx: cannot read .*none.a\.idx: ENOENT/);
    expect(() => writeIdxSync(missing, small)).toThrow(/^writeIdxSync: cannot write .*: ENOENT/);
    await expect(writeIdx(missing, small)).rejects.toThrow(/^writeIdx: cannot write .*: ENOENT/);
    await expect(readIdx(5 as never)).rejects.toThrow(/^readIdx: expected a path, URL/);
    await expect(readIdx("http://127.0.0.1:1/a")).rejects.toThrow(/^readIdx: cannot fetch http/);
  });

  test("a misspelt option is refused before anything is read or written", async () => {
    const path = join(folder, "never.idx");
    const wrong = { gzipped: true } as never;
    expect(() => writeIdxSync(path, small, wrong)).toThrow("unknown option gzipped");
    await expect(writeIdx(path, small, wrong)).rejects.toThrow("unknown option gzipped");
    expect(() => readIdxSync(path, wrong)).toThrow("unknown option gzipped");
    await expect(readIdx(path, wrong)).rejects.toThrow("unknown option gzipped");
    expect(() => decodeIdx(encodeIdx(small), wrong)).toThrow("unknown option gzipped");
  });

  test("a refused array leaves the file that was there", async () => {
    const path = join(folder, "kept.idx");
    writeIdxSync(path, small);
    const wrong = { ...small, shape: [5] } as IdxArray;
    expect(() => writeIdxSync(path, wrong)).toThrow(/size 4/);
    await expect(writeIdx(path, wrong)).rejects.toThrow(/size 4/);
    expect(readIdxSync(path)).toEqual(small);
  });
});
