// One file over HTTP into a `.part` beside its place: resumed, bounded, and given up when stalled.
import { fail } from "@chainrule/core/internal";
import { reason } from "./reason.ts";
import { builtin } from "./node.ts";

/** The part of `fetch` that is used. */
export type Fetch = (address: string, init: RequestInit) => Promise<Response>;

/** A download and its limits. */
export interface DownloadRequest {
  address: string;
  /** Where the bytes go; what is there already is continued. */
  part: string;
  /** A server that sends more is refused. */
  maxBytes: number;
  /** Give up after so long without a byte. */
  stallSeconds: number;
  fetch: Fetch;
  /** Called with the bytes received in all, and the size of the file where the server says it. */
  onBytes: (received: number, total: number | undefined) => void;
}

const op = "downloadMnist";

/** Bytes that have arrived at earlier attempts. */
export function partBytes(part: string): number {
  return builtin("node:fs", op).statSync(part, { throwIfNoEntry: false })?.size ?? 0;
}

/** What a response means for a download that already has `have` bytes. */
interface Continuation {
  /** Position of the first byte of the body. */
  from: number;
  /** Size of the whole file, where the server says it. */
  total: number | undefined;
}

/** Reads `Content-Range: bytes from-to/total` (RFC 9110, 14.4). */
function continuation(response: Response, have: number): Continuation {
  const { status, headers } = response;
  if (status === 206) {
    const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    if (match === null || Number(match[1]) !== have) {
      fail(op, `asked for bytes from ${have}, got range ${headers.get("content-range")}`);
    }
    return { from: have, total: match[2] === "*" ? undefined : Number(match[2]) };
  }
  if (!response.ok) fail(op, `HTTP status ${status}`);
  const length = headers.get("content-length");
  const isEncoded = headers.has("content-encoding"); // fetch decodes: the length is of other bytes
  return { from: 0, total: length === null || isEncoded ? undefined : Number(length) };
}

/** An abort signal that fires when `touch` has not been called for a while. */
function stallGuard(seconds: number) {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error(`stalled: no data for ${seconds} s`));
  let timer = setTimeout(abort, 1000 * seconds);
  return {
    signal: controller.signal,
    touch(): void {
      clearTimeout(timer);
      timer = setTimeout(abort, 1000 * seconds);
    },
    stop: (): void => clearTimeout(timer),
  };
}

type Guard = ReturnType<typeof stallGuard>;

/** Settles as `promise` does, unless the guard gives up first: not every `fetch` obeys a signal. */
function orStall<T>(promise: Promise<T>, { signal }: Guard): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

/** Writes a response's body at its position in the part. */
async function receive(response: Response, request: DownloadRequest, guard: Guard, have: number) {
  const { part, maxBytes, onBytes } = request;
  const { from, total } = continuation(response, have);
  const reader = response.body?.getReader();
  const file = await builtin("node:fs", op).promises.open(part, from === 0 ? "w" : "a");
  let received = from;
  try {
    onBytes(received, total);
    for (;;) {
      const chunk = reader && (await orStall(reader.read(), guard));
      if (chunk?.value === undefined) break;
      guard.touch();
      received += chunk.value.length;
      if (received > maxBytes) break;
      await file.writeFile(chunk.value);
      onBytes(received, total);
    }
  } finally {
    await file.close();
    reader?.cancel().catch(() => undefined); // a body that is still coming is not wanted
  }
  if (received > maxBytes) {
    await builtin("node:fs", op).promises.rm(part, { force: true });
    fail(op, `sends more than the ${maxBytes} bytes that the file can have`);
  }
  if (total !== undefined && received < total) {
    fail(op, `connection closed after ${received} of ${total} bytes`);
  }
}

/**
 * Completes a `.part`, from where it ends if the server can continue, else from the beginning.
 * @throws ChainruleError with what went wrong; the part keeps what has arrived
 */
export async function download(request: DownloadRequest): Promise<void> {
  const { address, part, stallSeconds, fetch } = request;
  const have = partBytes(part);
  const guard = stallGuard(stallSeconds);
  // The bytes of the file itself, or positions in it would mean nothing.
  const headers: Record<string, string> = { "accept-encoding": "identity" };
  if (have > 0) headers["range"] = `bytes=${have}-`;
  try {
    const response = await orStall(fetch(address, { headers, signal: guard.signal }), guard);
    guard.touch();
    // 416: no byte lies beyond the part, so it is whole, or not of this file: its digest tells.
    if (response.status === 416 && have > 0) await response.body?.cancel();
    else await receive(response, request, guard, have);
  } catch (error) {
    fail(op, `${address}: ${reason(error).replace(`${op}: `, "")}`);
  } finally {
    guard.stop();
  }
}
