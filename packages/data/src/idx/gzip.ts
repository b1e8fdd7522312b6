// Decompression that trusts the IDX header, never the gzip stream: at most the bytes that the
// header declares are inflated, and the header is checked before the rest is.
import { reason } from "../reason.ts";
import { builtin } from "../node.ts";
import type { IdxHeader } from "./format.ts";
import { checkLength, fileBytes, maxHeaderBytes, parseHeader, refuse } from "./format.ts";

/** Deflate cannot do better than 258 bytes for 2 bits (RFC 1951: a match of length 258). */
const maxRatio = 1032;

/** Whether the bytes begin with gzip's magic number. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Refuses a header that declares more than the compressed bytes can hold. */
function checkRatio(header: IdxHeader, compressedBytes: number, file: string): void {
  const expected = fileBytes(header);
  const most = compressedBytes * maxRatio;
  if (expected <= most) return;
  const got = `${compressedBytes} gzip bytes, which hold ${most} at most`;
  const sizes = `sizes [${header.shape.join(", ")}]`;
  refuse(file, 4, `truncated: ${sizes} need ${expected} bytes, got ${got}`);
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE";
}

function refuseGzip(file: string, inflatedBytes: number, error: unknown): never {
  refuse(file, inflatedBytes, `expected gzip data that inflates to IDX: ${reason(error)}`);
}

/**
 * At least `wanted` inflated bytes, or all there are. Node cannot stop inflating after so many
 * bytes, so a prefix of the input that gives them is searched for: doubled, then bisected.
 */
function inflatePrefix(bytes: Uint8Array, wanted: number, file: string): Uint8Array {
  const zlib = builtin("node:zlib", "readIdxSync");
  const options = {
    finishFlush: zlib.constants.Z_SYNC_FLUSH,
    maxOutputLength: wanted + 4096 * maxRatio,
  };
  let tooShort = 0;
  let end = Math.min(bytes.length, 4096);
  for (;;) {
    try {
      const inflated = zlib.gunzipSync(bytes.subarray(0, end), options);
      if (inflated.length >= wanted || end === bytes.length) return inflated;
      tooShort = end;
      end = Math.min(bytes.length, 2 * end);
    } catch (error) {
      if (!isTooLarge(error)) refuseGzip(file, 0, error);
      end = Math.ceil((tooShort + end) / 2);
    }
  }
}

/**
 * The IDX file inside gzip bytes, inflated no further than its header declares. Node only.
 * @throws ChainruleError for bytes that are not gzip, or hold more or less than declared
 */
export function gunzipIdxSync(
  bytes: Uint8Array,
  file: string,
  tolerateTrailing: boolean,
): Uint8Array {
  const zlib = builtin("node:zlib", "readIdxSync");
  const header = parseHeader(inflatePrefix(bytes, maxHeaderBytes, file), file);
  checkRatio(header, bytes.length, file);
  if (tolerateTrailing) return inflatePrefix(bytes, fileBytes(header), file);
  try {
    return zlib.gunzipSync(bytes, { maxOutputLength: fileBytes(header) });
  } catch (error) {
    if (isTooLarge(error)) checkLength(header, "more", file, false);
    refuseGzip(file, header.headerBytes, error);
  }
}

type ReadChunk = () => Promise<Uint8Array | undefined>;

/** Chunks up to the first that completes `wanted` bytes. */
async function firstChunks(read: ReadChunk, wanted: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < wanted) {
    const chunk = await read();
    if (chunk === undefined) break;
    chunks.push(chunk);
    bytes += chunk.length;
  }
  return chunks;
}

/** Joins chunks into exactly the file that the first of them declare. */
async function collectIdx(
  read: ReadChunk,
  compressedBytes: number,
  file: string,
  tolerateTrailing: boolean,
): Promise<Uint8Array> {
  const chunks = await firstChunks(read, maxHeaderBytes);
  const head = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  const header = parseHeader(head, file);
  checkRatio(header, compressedBytes, file);
  const inflated = new Uint8Array(fileBytes(header));
  let filled = 0;
  for (let chunk: Uint8Array | undefined = head; chunk; chunk = await read()) {
    const room = inflated.length - filled;
    if (chunk.length > room) checkLength(header, "more", file, tolerateTrailing);
    inflated.set(chunk.subarray(0, room), filled);
    filled += Math.min(chunk.length, room);
    if (chunk.length > room) return inflated;
  }
  checkLength(header, filled, file, tolerateTrailing);
  return inflated;
}

/**
 * The IDX file inside gzip bytes, inflated no further than its header declares.
 * @throws ChainruleError for bytes that are not gzip, or hold more or less than declared
 */
export async function gunzipIdx(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  tolerateTrailing: boolean,
): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.getReader();
  let inflatedBytes = 0;
  async function read(): Promise<Uint8Array | undefined> {
    try {
      const { value } = await reader.read();
      inflatedBytes += value?.length ?? 0;
      return value;
    } catch (error) {
      refuseGzip(file, inflatedBytes, error);
    }
  }
  try {
    return await collectIdx(read, bytes.length, file, tolerateTrailing);
  } finally {
    await reader.cancel().catch(() => undefined); // the error, if any, is on its way already
  }
}
