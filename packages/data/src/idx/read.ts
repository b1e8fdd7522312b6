// IDX files from disk, the network or memory; gzip is recognised by its magic number.
import { checkOptions, fail, show } from "@chainrule/core/internal";
import { reason } from "../reason.ts";
import { builtin, isNode } from "../node.ts";
import type { DecodeIdxOptions } from "./codec.ts";
import { decodeIdx } from "./codec.ts";
import type { IdxArray } from "./format.ts";
import { gunzipIdx, gunzipIdxSync, isGzip } from "./gzip.ts";

/** Where an IDX file is: a path (Node) or address, or its bytes. */
export type IdxSource = string | URL | Uint8Array | ArrayBuffer | Blob;

async function fetchBytes(address: string): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    fail("readIdx", `cannot fetch ${address}: ${reason(error)}`, { file: address });
  }
  if (!response.ok) fail("readIdx", `cannot fetch ${address}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function fileBytes(path: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await builtin("node:fs", "readIdx").promises.readFile(path);
  } catch (error) {
    fail("readIdx", `cannot read ${path}: ${reason(error)}`, { file: String(path) });
  }
}

async function sourceBytes(source: IdxSource): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array) return source as Uint8Array<ArrayBuffer>;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  const isAddress = /^(https?|data|blob):/.test(String(source));
  return isAddress || !isNode() ? fetchBytes(String(source)) : fileBytes(source);
}

function sourceName(source: IdxSource): string {
  if (typeof source === "string" || source instanceof URL) return String(source);
  if (typeof File !== "undefined" && source instanceof File) return source.name;
  if (source instanceof Uint8Array || source instanceof ArrayBuffer || source instanceof Blob) {
    return "bytes";
  }
  const expected = "a path, URL, Uint8Array, ArrayBuffer or Blob";
  fail("readIdx", `expected ${expected}, got ${show(source)}`);
}

/**
 * The array in an IDX file, compressed or not; works in browsers.
 * @throws ChainruleError for a source that cannot be read or is not exactly one IDX array
 */
export async function readIdx(
  source: IdxSource,
  options: DecodeIdxOptions = {},
): Promise<IdxArray> {
  checkOptions("readIdx", options, ["name", "tolerateTrailing"]);
  const { name = sourceName(source), tolerateTrailing = false } = options;
  const bytes = await sourceBytes(source);
  const idx = isGzip(bytes) ? await gunzipIdx(bytes, name, tolerateTrailing) : bytes;
  return decodeIdx(idx, { name, tolerateTrailing });
}

/**
 * The array in an IDX file, compressed or not. Node only.
 * @throws ChainruleError for a path that cannot be read or is not exactly one IDX array
 */
export function readIdxSync(path: string | URL, options: DecodeIdxOptions = {}): IdxArray {
  checkOptions("readIdxSync", options, ["name", "tolerateTrailing"]);
  const { name = String(path), tolerateTrailing = false } = options;
  const fs = builtin("node:fs", "readIdxSync");
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(path);
  } catch (error) {
    fail("readIdxSync", `cannot read ${name}: ${reason(error)}`, { file: name });
  }
  const idx = isGzip(bytes) ? gunzipIdxSync(bytes, name, tolerateTrailing) : bytes;
  return decodeIdx(idx, { name, tolerateTrailing });
}
