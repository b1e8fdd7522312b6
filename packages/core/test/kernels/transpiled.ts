// Sources as JavaScript in a folder of their own, for tests that start other processes.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

const tests = import.meta.dirname;
const core = join(tests, "../..");

/** JavaScript of a test's file and of all that it imports; `remove` deletes it again. */
export function transpile(name: string): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "chainrule-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const seen = new Set<string>();
  const visit = (file: string): string => {
    const target = join(folder, relative(core, file)).replace(/ts$/, "js");
    if (seen.has(file)) return target;
    seen.add(file);
    const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
    for (const [, path] of outputText.matchAll(/ from "(\.[^"]*)\.js"/g)) {
      visit(join(dirname(file), `${path}.ts`));
    }
    return target;
  };
  const path = visit(join(tests, name));
  return { path, remove: () => rmSync(folder, { recursive: true }) };
}

/** What a process printed and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs Node with these arguments; a process that does not end by itself is killed: code `null`. */
export function runNode(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: "" } });
  let [output, errors] = ["", ""];
  child.stdout.on("data", (data) => output += data);
  child.stderr.on("data", (data) => errors += data);
  const timeout = setTimeout(() => child.kill("SIGKILL"), 30_000);
  return new Promise((resolve) => child.on("close", (code) => {
    clearTimeout(timeout);
    resolve({ code, output, errors });
  }));
}
