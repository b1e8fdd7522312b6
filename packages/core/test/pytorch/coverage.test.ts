// PyTorch's ranked tests: each is named by a test of ours, or listed with the reason why not.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { absent } from "./elsewhere.ts";

const read = (path: string) => readFileSync(path, "utf8");
const ranked: Record<string, string[]> =
  JSON.parse(read(fileURLToPath(new URL("ranked.json", import.meta.url)))).tests;
const names = Object.values(ranked).flat();

/** Titles of all tests, and whatever else their files say in quotes. */
function titles(): string {
  const packages = fileURLToPath(new URL("../../../", import.meta.url));
  const files = readdirSync(packages).flatMap((name) => {
    const folder = join(packages, name, "test");
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".test.ts")).map((file) => join(folder, file));
  });
  return files.flatMap((file) => read(file).replace(/"\s*\+\s*"/g, "").match(/"[^"\n]*"/g))
    .join("\n");
}

describe("PyTorch's ranked tests", () => {
  const present = titles();
  const isNamed = (name: string) => new RegExp(`\\b${name}\\b`).test(present);

  it("are each named by a test here, or absent for a reason", () => {
    expect(names.filter((name) => !(name in absent) && !isNamed(name))).toEqual([]);
  });

  it("are not absent where there is a test", () => {
    expect(Object.keys(absent).filter(isNamed)).toEqual([]);
    expect(Object.keys(absent).filter((name) => !names.includes(name))).toEqual([]);
  });

  it("are ranked without gaps and named once", () => {
    expect(Object.keys(ranked)).toEqual(Array.from({ length: 62 }, (_, i) => `${i + 1}`));
    expect(new Set(names).size).toBe(names.length);
  });
});
