// Proves what the documents claim about the sources: layers, siblings, budgets, doc comments.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

const root = resolve(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "..");

/** Layers of packages/core/src from the lowest up; each may import itself and those below. */
const layers = [
  ["errors.ts", "dtype.ts", "shape", "random"],
  ["expression"],
  ["wasm"],
  ["kernels"],
  ["storage"],
  ["tensor"],
  ["autograd"],
  ["ops"],
  ["inspect"],
  ["transforms"],
  ["autograd.ts", "index.ts", "internal.ts"],
];

/** What the sources of each package may import besides themselves. */
const allowed = {
  core: [],
  nn: ["@chainrule/core", "@chainrule/core/internal"],
  optim: ["@chainrule/core", "@chainrule/core/internal"],
  data: ["@chainrule/core", "@chainrule/core/internal"],
  examples: ["@chainrule/core", "@chainrule/nn", "@chainrule/optim", "@chainrule/data"],
};

const budgets = { fileLines: 400, exampleLines: 80, functionLines: 50, columns: 100 };

const problems = [];
const report = (file, line, problem) =>
  problems.push(`${relative(root, file)}${line ? `:${line}` : ""}: ${problem}`);

function filesUnder(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesUnder(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

const layerOf = (file) => {
  const first = relative(join(root, "packages/core/src"), file).split("/")[0];
  return layers.findIndex((names) => names.includes(first));
};

function checkImport(owner, file, specifier, line) {
  if (specifier.startsWith("node:")) {
    if (owner === "core" || owner === "nn" || owner === "optim") {
      report(file, line, `${owner} must run in browsers, but imports ${specifier}`);
    }
    return;
  }
  if (!specifier.startsWith(".")) {
    if (!allowed[owner].includes(specifier)) report(file, line, `imports ${specifier}`);
    return;
  }
  if (owner !== "core") return;
  const target = resolve(dirname(file), specifier);
  const from = layerOf(file);
  const to = layerOf(target);
  if (from < 0) report(file, 0, "lies in no layer; scripts/check.js lists them");
  else if (to > from) {
    report(file, line, `layer ${layers[from].join("/")} imports ${layers[to].join("/")}, above it`);
  }
}

function checkFile(owner, file) {
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n");
  const limit = owner === "examples" ? budgets.exampleLines : budgets.fileLines;
  if (lines.length - 1 > limit) report(file, 0, `${lines.length - 1} lines, at most ${limit}`);
  if (!/^(#!|\/\/)/.test(text)) report(file, 1, "has no header comment");
  lines.forEach((line, i) => {
    if ([...line].length > budgets.columns) report(file, i + 1, `${[...line].length} columns`);
    if (/\bMath\.random\b|\bas any\b|@ts-ignore|@ts-nocheck|\b(TODO|FIXME|XXX)\b/.test(line)) {
      report(file, i + 1, line.trim());
    }
  });
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      checkImport(owner, file, node.moduleSpecifier.text, lineOf(node.getStart()));
    }
    if (ts.isFunctionLike(node) && node.body) {
      const length = lineOf(node.end) - lineOf(node.getStart()) + 1;
      if (length > budgets.functionLines) {
        report(file, lineOf(node.getStart()), `a function of ${length} lines`);
      }
    }
    if (ts.isExportAssignment(node)) report(file, lineOf(node.getStart()), "default export");
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const statement of source.statements) {
    const isExported = ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
    if (isExported && ts.getJSDocCommentsAndTags(statement).length === 0 &&
      !previousIsOverload(source, statement)) {
      report(file, lineOf(statement.getStart()), "an export without a doc comment");
    }
  }
}

/** Overloads share the comment of the first. */
function previousIsOverload(source, statement) {
  const before = source.statements[source.statements.indexOf(statement) - 1];
  return before !== undefined && ts.isFunctionDeclaration(statement) &&
    ts.isFunctionDeclaration(before) && before.name?.text === statement.name?.text;
}

for (const owner of Object.keys(allowed)) {
  const folder = owner === "examples" ? "examples" : `packages/${owner}`;
  for (const file of filesUnder(join(root, folder, "src"))) checkFile(owner, file);
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (!name.startsWith("@chainrule/")) report(join(root, folder, "package.json"), 0, `depends on ${name}`);
  }
}

if (problems.length > 0) {
  console.error(problems.join("\n"));
  console.error(`check: ${problems.length} problem${problems.length === 1 ? "" : "s"}`);
  process.exit(1);
}
console.log("check: layers, imports, budgets and doc comments are in order");
