// What is published: the bundles of packages/*/dist, as Node loads them. `pnpm test` builds first.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const entryPoints = ["core", "core/internal", "nn", "optim", "data"];

/** Names of all exports, and the names that exported functions and classes have themselves. */
function namesOf(module: object): readonly (readonly [string, unknown])[] {
  return Object.entries(module).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) =>
    [name, typeof value === "function" ? value.name : typeof value]);
}

/** What a new Node process prints as JSON. */
function printed(script: string): unknown {
  const args = ["--input-type=module", "--eval", script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

test.each(entryPoints)("the bundle of %s exports what its sources do", async (name) => {
  const specifier = `@chainrule/${name}`;
  const bundled = printed(`const module = await import("${specifier}");
    ${namesOf.toString()}
    console.log(JSON.stringify(namesOf(module)));`);
  const sources = await import(specifier) as object;
  expect(bundled).toEqual(JSON.parse(JSON.stringify(namesOf(sources))));
});

test("the entry points of core share one Tensor and one generator", () => {
  expect(printed(`const core = await import("@chainrule/core");
    const internal = await import("@chainrule/core/internal");
    const { Linear } = await import("@chainrule/nn");
    console.log(JSON.stringify([
      core.defaultGenerator === internal.defaultGenerator,
      new Linear(2, 1).weight instanceof core.Tensor,
    ]));`)).toEqual([true, true]);
});

test("importing every package draws no entropy and loads no cryptography", () => {
  expect(printed(`let draws = 0;
    Object.defineProperty(globalThis, "crypto", { get() { draws++; } });
    for (const name of ${JSON.stringify(entryPoints)}) await import("@chainrule/" + name);
    console.log(draws);`)).toBe(0);
});
