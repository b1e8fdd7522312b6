// Code in the documentation runs, and prints what it says it prints.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import { expect, test, vi } from "vitest";
import { allBlocks, root } from "./blocks.ts";

const folder = join(root, ".cache", "docs");
const blocks = allBlocks();

test("the documentation has code to run", () => {
  expect(blocks.some(({ name }) => name.startsWith("README.md"))).toBe(true);
});

test.each(blocks)("$name", async ({ name, code, prints }) => {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name.replace(/[^a-z0-9]+/gi, "-")}.ts`);
  writeFileSync(file, code);
  const said: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...values: unknown[]) => {
    said.push(format(...values));
  });
  try {
    await import(pathToFileURL(file).href);
  } finally {
    log.mockRestore();
  }
  if (prints.length > 0) expect(said).toEqual(prints);
});
