// IDX files to disk, atomically. Node only.
import { checkOptions, fail, show } from "@chainrule/core/internal";
import { atomicWrite, atomicWriteSync } from "../atomic-write.ts";
import { builtin } from "../node.ts";
import { encodeIdx } from "./codec.ts";
import type { IdxArray } from "./format.ts";

/** Options of `writeIdx`. */
export interface WriteIdxOptions {
  /** Compress with gzip. Default: whether the path ends in `.gz`. */
  gzip?: boolean;
}

function checkPath(op: string, path: unknown): asserts path is string {
  if (typeof path !== "string" || path === "") fail(op, `expected a path, got ${show(path)}`);
}

/**
 * Writes an IDX file; a reader of `path` never sees a part of it.
 * @throws for an array that does not agree with itself, or a path that cannot be written
 */
export async function writeIdx(
  path: string,
  array: IdxArray,
  options: WriteIdxOptions = {},
): Promise<void> {
  checkPath("writeIdx", path);
  checkOptions("writeIdx", options, ["gzip"]);
  const { gzip = path.endsWith(".gz") } = options;
  const bytes = encodeIdx(array);
  if (!gzip) return atomicWrite("writeIdx", path, bytes);
  const zlib = builtin("node:zlib", "writeIdx");
  const { promisify } = builtin("node:util", "writeIdx");
  return atomicWrite("writeIdx", path, await promisify(zlib.gzip)(bytes));
}

/**
 * Writes an IDX file before it returns; a reader of `path` never sees a part of it.
 * @throws for an array that does not agree with itself, or a path that cannot be written
 */
export function writeIdxSync(path: string, array: IdxArray, options: WriteIdxOptions = {}): void {
  checkPath("writeIdxSync", path);
  checkOptions("writeIdxSync", options, ["gzip"]);
  const { gzip = path.endsWith(".gz") } = options;
  const bytes = encodeIdx(array);
  const zlib = builtin("node:zlib", "writeIdxSync");
  atomicWriteSync("writeIdxSync", path, gzip ? zlib.gzipSync(bytes) : bytes);
}
