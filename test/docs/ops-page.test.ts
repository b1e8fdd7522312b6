// docs/ops.md says what the op table says. `pnpm docs:ops` writes it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { table } from "@chainrule/core/internal";
import { root } from "./blocks.ts";
import { opsPage } from "./ops-page.ts";

const path = join(root, "docs", "ops.md");

test("docs/ops.md is what the op table gives", async () => {
  const page = await opsPage();
  if (process.env.UPDATE_DOCS) writeFileSync(path, page);
  expect(readFileSync(path, "utf8")).toBe(page);
});

test("docs/ops.md names every op", async () => {
  const page = await opsPage();
  expect([...table.keys()].filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
});
