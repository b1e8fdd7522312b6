// The packages as JavaScript in a temporary folder, for processes that run outside vitest.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";

const packages = resolve(import.meta.dirname, "../../..");

const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

/**
 * Transpiles packages into a new folder in which `@chainrule/…` can be imported, and gives its path.
 * Not from `dist`, which may be older than the sources.
 */
export function buildPackages(...names: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "chainrule-"));
  for (const name of names) {
    const source = join(packages, name, "src");
    const target = join(folder, "node_modules/@chainrule", name);
    for (const file of readdirSync(source, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const { outputText } = ts.transpileModule(
        readFileSync(join(source, file), "utf8"), { compilerOptions });
      const path = join(target, "dist", file.replace(/\.ts$/, ".js"));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, outputText);
    }
    cpSync(join(packages, name, "package.json"), join(target, "package.json"));
  }
  return folder;
}
