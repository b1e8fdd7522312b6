// The IDX format: element types, and the header that declares them. No bytes are moved here.
// Layout (yann.lecun.com/exdb/mnist): 0 0 type rank, rank × uint32 sizes, elements; big-endian.
import { fail } from "@chainrule/core/internal";

/** What each element type is stored as in memory. */
export interface IdxData {
  uint8: Uint8Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  float32: Float32Array;
  float64: Float64Array;
}

/** Names of the element types that IDX defines. */
export type IdxType = keyof IdxData;

/** An array as an IDX file holds it: `data` has `shape`'s elements in row-major order. */
export type IdxArray = {
  [Type in IdxType]: { type: Type; shape: number[]; data: IdxData[Type] };
}[IdxType];

/** The code in byte 2 of the header, and the typed array of each element type. */
export const idxTypes = {
  uint8: { code: 0x08, array: Uint8Array },
  int8: { code: 0x09, array: Int8Array },
  int16: { code: 0x0b, array: Int16Array },
  int32: { code: 0x0c, array: Int32Array },
  float32: { code: 0x0d, array: Float32Array },
  float64: { code: 0x0e, array: Float64Array },
} as const;

/** Largest rank that the header's fourth byte can declare. */
export const maxRank = 255;

/** Bytes of the longest header. */
export const maxHeaderBytes = 4 + 4 * maxRank;

/** A header that has been checked: where the elements begin, and how many bytes they take. */
export interface IdxHeader {
  type: IdxType;
  shape: number[];
  headerBytes: number;
  dataBytes: number;
}

/** Refuses an IDX file: the message names the file and the byte, `details` holds both. */
export function refuse(file: string, offset: number, problem: string): never {
  fail("decodeIdx", `${file}: byte ${offset}: ${problem}`, { file, offset });
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

function typeOf(code: number, file: string): IdxType {
  const names = Object.keys(idxTypes) as IdxType[];
  const type = names.find((name) => idxTypes[name].code === code);
  if (type !== undefined) return type;
  const known = names.map((name) => `${hex(idxTypes[name].code)} (${name})`).join(", ");
  refuse(file, 2, `expected an element type, one of ${known}; got ${hex(code)}`);
}

/** Elements of `shape`; `Infinity` where a double cannot count them exactly. */
export function elementCount(shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  const count = shape.reduce((product, size) => product * size, 1);
  return count <= Number.MAX_SAFE_INTEGER ? count : Infinity;
}

/**
 * Reads a header from the first bytes of a file, of which there must be `maxHeaderBytes` or all.
 * @throws ChainruleError naming `file`, the byte offset and what was expected
 */
export function parseHeader(bytes: Uint8Array, file: string): IdxHeader {
  const { length } = bytes;
  if (length < 4) refuse(file, length, `expected a header of 4 bytes or more, got ${length} bytes`);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    refuse(file, 0, "expected IDX, got gzip-compressed bytes: readIdx decompresses them");
  }
  for (const offset of [0, 1]) {
    const byte = bytes[offset]!;
    if (byte !== 0) refuse(file, offset, `expected 0x00 (IDX begins 0 0), got ${hex(byte)}`);
  }
  const type = typeOf(bytes[2]!, file);
  const rank = bytes[3]!;
  const headerBytes = 4 + 4 * rank;
  if (length < headerBytes) {
    refuse(file, 3, `rank ${rank} needs a header of ${headerBytes} bytes, got ${length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  const shape = Array.from({ length: rank }, (_, dim) => view.getUint32(4 + 4 * dim));
  const dataBytes = elementCount(shape) * idxTypes[type].array.BYTES_PER_ELEMENT;
  if (!(dataBytes <= Number.MAX_SAFE_INTEGER - headerBytes)) {
    refuse(file, 4, `sizes [${shape.join(", ")}] overflow: no file holds so many elements`);
  }
  return { type, shape, headerBytes, dataBytes };
}

/** Bytes of the whole file that a header declares. */
export function fileBytes({ headerBytes, dataBytes }: IdxHeader): number {
  return headerBytes + dataBytes;
}

/**
 * Compares what a header declares with the bytes that are there; `"more"` stands for any excess.
 * @throws ChainruleError for a file that is too short, or too long unless `tolerateTrailing`
 */
export function checkLength(
  header: IdxHeader,
  bytes: number | "more",
  file: string,
  tolerateTrailing: boolean,
): void {
  const expected = fileBytes(header);
  const excess = bytes === "more" || bytes > expected;
  if (bytes === expected || (excess && tolerateTrailing)) return;
  const declared = `${expected} bytes for ${header.type} [${header.shape.join(", ")}]`;
  const problem = `${excess ? "trailing bytes" : "truncated"}: expected ${declared}, got ${bytes}`;
  const offset = excess ? expected : bytes;
  refuse(file, offset, excess ? `${problem} (tolerateTrailing accepts them)` : problem);
}
