// Code that the documentation shows: `ts` blocks of Markdown files and `@example` comments.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import * as core from "@chainrule/core";
import * as data from "@chainrule/data";
import * as optim from "@chainrule/optim";

/** Root of the repository. */
export const root = join(import.meta.dirname, "../..");

/** One block of code, and what its `console.log` lines are said to print. */
export interface Block {
  readonly name: string;
  readonly code: string;
  readonly prints: readonly string[];
}

/** Files below a folder that end in `ending`, sorted. */
export function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending) && !/node_modules|dist|docs\/api|\.cache/.test(path))
    .map((path) => join(folder, path)).sort();
}

/** Every block of the Markdown files and of the doc comments. */
export function allBlocks(): Block[] {
  const pages = [...readdirSync(root).filter((name) => name.endsWith(".md"))
    .map((name) => join(root, name)), ...filesUnder(join(root, "docs"), ".md")];
  const sources = ["core", "nn", "optim", "data"]
    .flatMap((name) => filesUnder(join(root, "packages", name, "src"), ".ts"));
  return [
    ...pages.flatMap((path) => blocksOf(path, readFileSync(path, "utf8"))),
    ...sources.flatMap((path) => blocksOf(path, examplesOf(readFileSync(path, "utf8")))
      .map((block) => ({ ...block, code: withImports(block.code) }))),
  ];
}

/** An example from a doc comment, with imports of the public names that it uses. */
function withImports(code: string): string {
  const words = new Set(code.match(/\b[A-Za-z_]\w*\b/g));
  const imports = Object.entries({ core, optim, data }).map(([name, exports]) => {
    const used = Object.keys(exports).filter((key) => words.has(key) && key !== "default");
    return `import { ${used.join(", ")} } from "@chainrule/${name}";`;
  });
  return code.includes("import ") ? code
    : `${imports.join("\n")}\nimport * as nn from "@chainrule/nn";\n${code}`;
}

/** The `@example` parts of doc comments, without their stars. */
function examplesOf(source: string): string {
  return [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([comment]) => comment)
    .filter((comment) => comment.includes("@example"))
    .map((comment) => comment.replace(/^[ \t]*\*[ ]?/gm, "")).join("\n");
}

function blocksOf(path: string, text: string): Block[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code], i) => ({
    name: `${relative(root, path)} #${i + 1}`, code,
    prints: [...code.matchAll(/console\.log\(.*\);? *\/\/ (.*)$/gm)].map(([, said]) => said.trim()),
  }));
}
