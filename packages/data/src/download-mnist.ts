// MNIST from its mirrors into a folder: each file appears there only after its digest was checked.
import { fail, show } from "@chainrule/core/internal";
import type { Fetch } from "./download.ts";
import { download, partBytes } from "./download.ts";
import { reason } from "./reason.ts";
import type { MnistFile, MnistFileTable } from "./mnist-files.ts";
import { checkFolder, findMnistFile, mnistFiles, mnistMirrors } from "./mnist-files.ts";
import { builtin } from "./node.ts";

/** How far a file's download is. */
export interface DownloadProgress {
  /** Name of the file, without `.gz`. */
  file: string;
  /** The address it comes from. */
  address: string;
  /** Compressed bytes so far. */
  received: number;
  /** Compressed bytes in all, where the server says it. */
  total: number | undefined;
}

/** Options of `downloadMnist`. */
export interface DownloadMnistOptions {
  /** Addresses that the names of the files are appended to, in the order to try. */
  mirrors?: readonly string[];
  /** Called whenever bytes arrive. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Give up on a mirror after so long without a byte. Default 30. */
  stallSeconds?: number;
  /** The files to fetch. Default: MNIST's; Fashion-MNIST has others under the same names. */
  files?: MnistFileTable;
  /** Replaces the platform's `fetch`. */
  fetch?: Fetch;
}

type Settings = Required<DownloadMnistOptions>;

const op = "downloadMnist";

/** Attempts at one mirror, each of which must have brought bytes for the next to be made. */
const maxAttempts = 5;

/** What the uncompressed bytes are; gzip data is inflated no further than they should be long. */
async function contentProblem(path: string, file: MnistFile): Promise<string | undefined> {
  const zlib = builtin("node:zlib", op);
  const { promisify } = builtin("node:util", op);
  let bytes = await builtin("node:fs", op).promises.readFile(path);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = await promisify(zlib.gunzip)(bytes, { maxOutputLength: file.bytes });
    } catch (error) {
      return `expected gzip data of ${file.bytes} bytes: ${reason(error)}`;
    }
  }
  const sha256 = builtin("node:crypto", op).createHash("sha256").update(bytes).digest("hex");
  if (sha256 === file.sha256) return undefined;
  return `expected sha256 ${file.sha256} uncompressed, got ${sha256} (${bytes.length} bytes)`;
}

/** Whether the folder holds the file already; a wrong one that would be read first is refused. */
async function isThere(folder: string, file: MnistFile): Promise<boolean> {
  const path = findMnistFile(folder, file, op);
  const problem = path === undefined ? "" : await contentProblem(path, file);
  if (problem === undefined) return true;
  if (path?.endsWith(file.name)) fail(op, `${path} is not the file: ${problem}; remove it`);
  return false;
}

/** Deflate never grows its input by more than this (zlib's bound for stored blocks), plus gzip. */
function maxCompressedBytes(bytes: number): number {
  return bytes + Math.ceil(bytes / 1000) + 4096;
}

/** Completes the part from one mirror, again and again while each attempt brings it forward. */
async function completePart(address: string, part: string, file: MnistFile, settings: Settings) {
  const { fetch, stallSeconds, onProgress } = settings;
  for (let attempt = 1; ; attempt++) {
    const before = partBytes(part);
    try {
      return await download({
        address,
        part,
        fetch,
        stallSeconds,
        maxBytes: maxCompressedBytes(file.bytes),
        onBytes: (received, total) => onProgress({ file: file.name, address, received, total }),
      });
    } catch (error) {
      if (attempt === maxAttempts || partBytes(part) <= before) throw error;
    }
  }
}

/** Fetches one file from one mirror and puts it in its place. */
async function fetchFrom(mirror: string, folder: string, file: MnistFile, settings: Settings) {
  const fs = builtin("node:fs", op).promises;
  const path = builtin("node:path", op).join(folder, `${file.name}.gz`);
  const part = `${path}.part`;
  const address = `${mirror.replace(/\/?$/, "/")}${file.name}.gz`;
  for (;;) {
    const wasBegun = partBytes(part) > 0;
    await completePart(address, part, file, settings);
    const problem = await contentProblem(part, file);
    if (problem === undefined) return fs.rename(part, path);
    await fs.rm(part);
    // The beginning may have come from another mirror, which compresses otherwise.
    if (!wasBegun) fail(op, `${address}: ${problem}`);
  }
}

async function fetchFile(folder: string, file: MnistFile, settings: Settings): Promise<void> {
  const problems: string[] = [];
  for (const mirror of settings.mirrors) {
    try {
      return await fetchFrom(mirror, folder, file, settings);
    } catch (error) {
      problems.push(reason(error).replace(`${op}: `, ""));
    }
  }
  fail(op, `no mirror gave ${file.name}:\n${problems.map((line) => `  ${line}`).join("\n")}`);
}

function checkSettings({ mirrors, fetch, onProgress, stallSeconds }: Settings): void {
  const isList = Array.isArray(mirrors) && mirrors.length > 0;
  if (!isList || !mirrors.every((mirror) => typeof mirror === "string" && URL.canParse(mirror))) {
    fail(op, `mirrors must be a list of addresses, got ${show(mirrors)}`);
  }
  if (typeof fetch !== "function") fail(op, `fetch must be a function, got ${show(fetch)}`);
  if (typeof onProgress !== "function") {
    fail(op, `onProgress must be a function, got ${show(onProgress)}`);
  }
  if (!(stallSeconds > 0 && stallSeconds < 2 ** 31 / 1000)) {
    fail(op, `stallSeconds must be positive (and at most 24 days), got ${show(stallSeconds)}`);
  }
}

/**
 * Makes sure that `folder` holds MNIST's four files, each checked by its sha256.
 *
 * Files that are there are kept. A download that was cut off is continued, by the same call or a
 * later one; a mirror that fails gives way to the next.
 * @throws ChainruleError with what each mirror did wrong; no unchecked file is left under its name
 */
export async function downloadMnist(
  folder: string,
  options: DownloadMnistOptions = {},
): Promise<void> {
  checkFolder(op, folder);
  const { mirrors = mnistMirrors, files = mnistFiles, stallSeconds = 30 } = options;
  const { fetch = globalThis.fetch, onProgress = () => undefined } = options;
  const settings: Settings = { mirrors, files, stallSeconds, fetch, onProgress };
  checkSettings(settings);
  try {
    await builtin("node:fs", op).promises.mkdir(folder, { recursive: true });
  } catch (error) {
    fail(op, `cannot make the folder ${folder}: ${reason(error)}`);
  }
  const wanted = [files.train, files.test].flatMap(({ images, labels }) => [images, labels]);
  const missing: MnistFile[] = [];
  for (const file of wanted) if (!(await isThere(folder, file))) missing.push(file);
  for (const file of missing) await fetchFile(folder, file, settings);
}
