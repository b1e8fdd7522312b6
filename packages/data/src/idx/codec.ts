// IDX bytes to typed arrays and back. Files and gzip live in read.ts and write.ts.
import { checkOptions, fail, show } from "@chainrule/core/internal";
import type { IdxArray, IdxHeader, IdxType } from "./format.ts";
import { checkLength, elementCount, fileBytes, idxTypes, parseHeader } from "./format.ts";
import { maxHeaderBytes, maxRank } from "./format.ts";

/** Options of `decodeIdx` and the readers. */
export interface DecodeIdxOptions {
  /** What error messages call the bytes. Default: the path read, or `bytes`. */
  name?: string;
  /** Ignore bytes after the last element, as torchvision does for labels. Default `false`. */
  tolerateTrailing?: boolean;
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Reverses the bytes of every element in place. */
function swapBytes(bytes: Uint8Array, elementBytes: number): void {
  if (elementBytes === 1) return;
  for (let start = 0; start < bytes.length; start += elementBytes) {
    for (let low = start, high = start + elementBytes - 1; low < high; low++, high--) {
      const byte = bytes[low]!;
      bytes[low] = bytes[high]!;
      bytes[high] = byte;
    }
  }
}

/** The array whose big-endian elements fill `buffer`, which it takes over. */
function adoptElements(header: IdxHeader, buffer: ArrayBuffer): IdxArray {
  const { type, shape } = header;
  const { array } = idxTypes[type];
  if (littleEndian) swapBytes(new Uint8Array(buffer), array.BYTES_PER_ELEMENT);
  return { type, shape, data: new array(buffer) } as IdxArray;
}

/**
 * The array in the bytes of an IDX file, which are copied.
 * @throws ChainruleError for bytes that are not exactly one IDX array, before anything is allocated
 * @example
 * ```ts
 * const { type, shape, data } = decodeIdx(Uint8Array.of(0, 0, 0x0b, 1, 0, 0, 0, 2, 0, 7, 1, 0));
 * console.log(type, shape, data); // int16 [ 2 ] Int16Array(2) [ 7, 256 ]
 * ```
 */
export function decodeIdx(bytes: Uint8Array, options: DecodeIdxOptions = {}): IdxArray {
  checkOptions("decodeIdx", options, ["name", "tolerateTrailing"]);
  const { name = "bytes", tolerateTrailing = false } = options;
  if (!(bytes instanceof Uint8Array)) {
    fail("decodeIdx", `expected a Uint8Array of IDX bytes, got ${show(bytes)}`);
  }
  const header = parseHeader(bytes.subarray(0, maxHeaderBytes), name);
  checkLength(header, bytes.length, name, tolerateTrailing);
  const elements = new Uint8Array(header.dataBytes); // Buffer.slice would not copy
  elements.set(bytes.subarray(header.headerBytes, fileBytes(header)));
  return adoptElements(header, elements.buffer);
}

function checkArray(op: string, { type, shape, data }: IdxArray): void {
  if (!Object.hasOwn(idxTypes, type)) {
    fail(op, `type must be one of ${Object.keys(idxTypes).join(", ")}, got ${show(type)}`);
  }
  const { array } = idxTypes[type as IdxType];
  if (!(data instanceof array)) {
    fail(op, `type ${type} needs data in a ${array.name}, got ${show(data)}`);
  }
  if (!Array.isArray(shape) || shape.length > maxRank) {
    const got = Array.isArray(shape) ? `rank ${shape.length}` : show(shape);
    fail(op, `shape must be an array of at most ${maxRank} sizes, got ${got}`);
  }
  const wrong = shape.findIndex((n) => !Number.isInteger(n) || n < 0 || n > 0xffffffff);
  if (wrong >= 0) {
    fail(op, `sizes must be integers in [0, 2^32), got ${show(shape[wrong])} at dim ${wrong}`);
  }
  const count = elementCount(shape);
  if (count !== data.length) {
    const sizes = `shape [${shape.join(", ")}] has ${count} elements`;
    fail(op, `shape is invalid for input of size ${data.length}: ${sizes}`);
  }
}

/**
 * The bytes of an IDX file that holds `array`; `decodeIdx` gives it back.
 * @throws ChainruleError where type, shape and data do not agree
 */
export function encodeIdx(array: IdxArray): Uint8Array<ArrayBuffer> {
  if (typeof array !== "object" || array === null || !("type" in array)) {
    fail("encodeIdx", `expected { type, shape, data }, got ${show(array)}`);
  }
  checkArray("encodeIdx", array);
  const { type, shape, data } = array;
  const headerBytes = 4 + 4 * shape.length;
  const bytes = new Uint8Array(headerBytes + data.byteLength);
  bytes.set([0, 0, idxTypes[type].code, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((size, dim) => view.setUint32(4 + 4 * dim, size));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), headerBytes);
  if (littleEndian) swapBytes(bytes.subarray(headerBytes), data.BYTES_PER_ELEMENT);
  return bytes;
}
