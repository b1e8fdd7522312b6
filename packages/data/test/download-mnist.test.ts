// Laws of downloadMnist, against a server on this machine that misbehaves in every known way.
import { createHash } from "node:crypto";
import {
  existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DownloadMnistOptions, DownloadProgress } from "../src/download-mnist.ts";
import { downloadMnist } from "../src/download-mnist.ts";
import { ChainruleError } from "@chainrule/core";
import { encodeIdx } from "../src/idx/codec.ts";
import type { MnistFile, MnistFileTable } from "../src/mnist-files.ts";
import { loadMnistFiles } from "../src/mnist-files.ts";
import { mersenne } from "./synthetic-digits/mersenne.ts";

/** Incompressible images, so that a part of the compressed file is a part of the content. */
const generator = mersenne(0);
const noise = Uint8Array.from({ length: 200 * 784 }, () => generator.u32());
const contents: Record<string, Uint8Array> = {
  "train-images": encodeIdx({ type: "uint8", shape: [200, 28, 28], data: noise }),
  "train-labels": encodeIdx({ type: "uint8", shape: [200], data: noise.slice(0, 200) }),
  "test-images": encodeIdx({ type: "uint8", shape: [3, 2, 2], data: noise.slice(0, 12) }),
  "test-labels": encodeIdx({ type: "uint8", shape: [3], data: noise.slice(0, 3) }),
};

function fileOf(name: string): MnistFile {
  const bytes = contents[name]!;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, bytes: bytes.length, sha256 };
}

const files: MnistFileTable = {
  train: { images: fileOf("train-images"), labels: fileOf("train-labels") },
  test: { images: fileOf("test-images"), labels: fileOf("test-labels") },
};
const compressed = (name: string, level = 6): Buffer => gzipSync(contents[name]!, { level });
const whole = compressed("train-images");

type Answer = (request: IncomingMessage, response: ServerResponse, name: string) => void;

/** A well-behaved server: whole files, and ranges of them. */
const good: Answer = (request, response, name) => {
  const body = compressed(name);
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= body.length) return void response.writeHead(416).end();
  const range = `bytes ${from}-${body.length - 1}/${body.length}`;
  const isPart = request.headers.range !== undefined;
  response.writeHead(isPart ? 206 : 200, {
    "content-length": body.length - from,
    ...(isPart ? { "content-range": range } : {}),
  });
  response.end(body.subarray(from));
};

const withoutRanges: Answer = (_, response, name) => void response.end(compressed(name));

/** Sends the first part of the images, then cuts the connection; the other files come whole. */
function cutAt(bytes: number): Answer {
  return (request, response, name) => {
    if (name !== "train-images" || request.headers.range) return good(request, response, name);
    response.writeHead(200, { "content-length": whole.length });
    const whenReceived = () => {
      const size = existsSync(part()) ? statSync(part()).size : 0;
      if (size >= bytes) response.destroy();
      else setTimeout(whenReceived, 5);
    };
    response.write(whole.subarray(0, bytes), whenReceived);
  };
}

let folder: string;
let server: Server;
let asked: string[];
const answers = new Map<string, Answer>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "download-"));
  asked = [];
  answers.clear();
  server = createServer((request, response) => {
    const [, mirror, file] = request.url!.split("/");
    asked.push(`${mirror} ${file} ${request.headers.range ?? "whole"}`);
    answers.get(mirror!)!(request, response, file!.replace(".gz", ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function fetchAll(mirrors: Record<string, Answer>, options: DownloadMnistOptions = {}) {
  const { port } = server.address() as AddressInfo;
  Object.entries(mirrors).forEach(([name, answer]) => answers.set(name, answer));
  const addresses = Object.keys(mirrors).map((name) => `http://127.0.0.1:${port}/${name}/`);
  return downloadMnist(folder, { mirrors: addresses, files, ...options });
}

function expectComplete(): void {
  expect(readdirSync(folder).sort()).toEqual(Object.keys(contents).map((n) => `${n}.gz`).sort());
  const { images, labels } = loadMnistFiles(folder, "train", files);
  expect(Buffer.compare(encodeIdx(images), contents["train-images"]!)).toBe(0);
  expect(Buffer.compare(encodeIdx(labels), contents["train-labels"]!)).toBe(0);
  expect(loadMnistFiles(folder, "test", files).images.shape).toEqual([3, 2, 2]);
}

const part = (): string => join(folder, "train-images.gz.part");

describe("downloadMnist", () => {
  test("all four files arrive, and a second call asks for nothing", async () => {
    await fetchAll({ a: good });
    expectComplete();
    expect(asked).toHaveLength(4);
    await fetchAll({ a: good });
    expect(asked).toHaveLength(4);
  });

  test("progress starts at nothing, rises, and ends at the size of the file", async () => {
    const seen: DownloadProgress[] = [];
    await fetchAll({ a: good }, { onProgress: (progress) => seen.push(progress) });
    const images = seen.filter(({ file }) => file === "train-images");
    const received = images.map((progress) => progress.received);
    expect(received[0]).toBe(0);
    expect(received).toEqual([...received].sort((a, b) => a - b));
    expect(images.at(-1)).toMatchObject({ received: whole.length, total: whole.length });
    expect(images[0]?.address).toMatch(/\/a\/train-images\.gz$/);
  });

  test("an interrupted download is continued from where it stopped, in the same call", async () => {
    await fetchAll({ a: cutAt(70_000) });
    expectComplete();
    expect(asked.slice(0, 2)).toEqual([
      "a train-images.gz whole",
      "a train-images.gz bytes=70000-",
    ]);
  });

  test("what a failed call has received is continued by a later one", async () => {
    let attempts = 0;
    const dying: Answer = (request, response, name) =>
      ++attempts === 1 ? cutAt(50_000)(request, response, name) : void response.destroy();
    await expect(fetchAll({ a: dying })).rejects.toThrow(/no mirror gave train-images:\n {2}http/);
    expect(readFileSync(part())).toEqual(whole.subarray(0, 50_000));
    asked = [];
    await fetchAll({ a: good });
    expect(asked[0]).toBe("a train-images.gz bytes=50000-");
    expectComplete();
  });

  test("a server without ranges sends everything again", async () => {
    writeFileSync(part(), whole.subarray(0, 1000));
    await fetchAll({ a: withoutRanges });
    expect(asked[0]).toBe("a train-images.gz bytes=1000-");
    expect(asked).toHaveLength(4);
    expectComplete();
  });

  test("a part that is already whole is checked and used (416)", async () => {
    writeFileSync(part(), whole);
    await fetchAll({ a: good });
    expect(asked[0]).toBe(`a train-images.gz bytes=${whole.length}-`);
    expect(asked).toHaveLength(4);
    expectComplete();
  });

  test("a part that is not of this file is thrown away, and the file fetched whole", async () => {
    for (const wrong of [compressed("train-images", 0).subarray(0, 9000), Buffer.alloc(2 ** 18)]) {
      writeFileSync(part(), wrong);
      asked = [];
      await fetchAll({ a: good });
      expect(asked.slice(0, 2)).toEqual([
        `a train-images.gz bytes=${wrong.length}-`,
        "a train-images.gz whole",
      ]);
      expectComplete();
      rmSync(join(folder, "train-images.gz"));
    }
  });

  test("a file with another digest is refused and removed", async () => {
    const forged: Answer = (_, response, name) => {
      const bytes = Uint8Array.from(contents[name]!);
      bytes[20]! ^= 1;
      response.end(gzipSync(bytes));
    };
    await expect(fetchAll({ a: forged })).rejects.toThrow(/expected sha256 [0-9a-f]{64} .* got/);
    expect(readdirSync(folder)).toEqual([]);
    await fetchAll({ a: forged, b: good });
    expectComplete();
  });

  test("a page that is no gzip, and one that inflates beyond the file, are refused", async () => {
    const page: Answer = (_, response) => void response.end("<html>sign in</html>");
    await expect(fetchAll({ a: page })).rejects.toThrow(/expected sha256 .*\(20 bytes\)/);
    const bomb: Answer = (_, response) => void response.end(gzipSync(Buffer.alloc(2 ** 26)));
    await expect(fetchAll({ a: bomb })).rejects.toThrow(/expected gzip data of 156816 bytes: /);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a server that never ends is refused at the size that the file can have", async () => {
    const endless: Answer = (_, response) => {
      const send = (): void => void response.write(Buffer.alloc(2 ** 16), (e) => e || send());
      send();
    };
    await expect(fetchAll({ a: endless })).rejects.toThrow(/sends more than the \d+ bytes/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("the next mirror is asked where one has no file (404) or cannot be reached", async () => {
    const missing: Answer = (_, response) => void response.writeHead(404).end("no");
    await fetchAll({ a: missing, b: good });
    expectComplete();
    expect(asked.slice(0, 2)).toEqual(["a train-images.gz whole", "b train-images.gz whole"]);
    rmSync(join(folder, "test-labels.gz"));
    const { port } = server.address() as AddressInfo;
    await fetchAll({}, { mirrors: ["http://127.0.0.1:1", `http://127.0.0.1:${port}/b`] });
    expectComplete();
  });

  test("a mirror continues what another began", async () => {
    const dead: Answer = (request, response, name) => {
      if (request.headers.range) response.writeHead(500).end();
      else cutAt(60_000)(request, response, name);
    };
    await fetchAll({ a: dead, b: good });
    expect(asked.slice(0, 3)).toEqual([
      "a train-images.gz whole",
      "a train-images.gz bytes=60000-",
      "b train-images.gz bytes=60000-",
    ]);
    expectComplete();
  });

  test("every mirror's failure is told", async () => {
    const status = (code: number): Answer => (_, response) => void response.writeHead(code).end();
    await expect(fetchAll({ a: status(404), b: status(503) })).rejects.toThrow(
      /no mirror gave train-images:\n.*\/a\/train-images\.gz: HTTP status 404\n.*\/b\/.*503$/,
    );
  });

  test("a server that stops sending, or never answers, is given up", async () => {
    const stalled: Answer = (_, response) => {
      response.writeHead(200, { "content-length": whole.length });
      response.write(whole.subarray(0, 100));
    };
    const silent: Answer = () => undefined;
    for (const answer of [stalled, silent]) {
      await expect(fetchAll({ a: answer }, { stallSeconds: 0.1 })).rejects.toThrow(
        /stalled: no data for 0.1 s/,
      );
    }
    await fetchAll({ a: silent, b: good }, { stallSeconds: 0.1 });
    expectComplete();
  });

  test("a range that does not continue the part is refused", async () => {
    writeFileSync(part(), whole.subarray(0, 1000));
    const shifted: Answer = (_, response) => {
      const range = `bytes 5-${whole.length - 1}/${whole.length}`;
      response.writeHead(206, { "content-range": range }).end(whole.subarray(5));
    };
    await expect(fetchAll({ a: shifted })).rejects.toThrow(/asked for bytes from 1000, got range/);
    expect(readFileSync(part())).toHaveLength(1000);
  });

  test("a body that fetch has decompressed is accepted: its digest is right", async () => {
    const encoding: Answer = (_, response, name) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(compressed(name));
    };
    await fetchAll({ a: encoding });
    expectComplete();
  });

  test("a wrong compressed file is replaced; a wrong raw one, read first, is refused", async () => {
    writeFileSync(join(folder, "train-images.gz"), "broken");
    await fetchAll({ a: good });
    expectComplete();
    writeFileSync(join(folder, "train-labels"), "broken");
    await expect(fetchAll({ a: good })).rejects.toThrow(/train-labels is not the file: .*remove/);
    expect(readFileSync(join(folder, "train-labels"), "utf8")).toBe("broken");
  });

  test("a fetch that ignores its signal is given up nevertheless", async () => {
    const fetch = (): Promise<Response> => new Promise(() => undefined);
    const options = { fetch, stallSeconds: 0.05 };
    await expect(fetchAll({ a: good }, options)).rejects.toThrow(/stalled/);
  });

  test.each([
    [{ mirrors: [] }, /mirrors must be a list of addresses, got \[\]/],
    [{ mirrors: ["here"] }, /mirrors must be .* got \["here"\]/],
    [{ stallSeconds: 0 }, /stallSeconds must be positive .* got 0/],
    [{ fetch: 1 }, /fetch must be a function, got 1/],
    [{ onProgress: 1 }, /onProgress must be a function, got 1/],
  ])("wrong options are refused before anything happens: %o", async (options, message) => {
    const inside = join(folder, "inside");
    const call = downloadMnist(inside, options as never);
    await expect(call).rejects.toThrow(message);
    await expect(call).rejects.toBeInstanceOf(ChainruleError);
    expect(existsSync(inside)).toBe(false);
  });
});
