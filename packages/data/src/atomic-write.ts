// Files that appear whole or not at all: written under a temporary name, then renamed.
import { fail } from "@chainrule/core/internal";
import { reason } from "./reason.ts";
import { builtin } from "./node.ts";

let written = 0;

function temporaryName(path: string): string {
  written += 1;
  return `${path}.${process.pid}-${written}.tmp`;
}

/**
 * Writes `bytes` to `path`; a reader sees the old file or the new one, never a part.
 * @throws ChainruleError where the file system refuses; nothing is left behind
 */
export function atomicWriteSync(op: string, path: string, bytes: Uint8Array): void {
  const fs = builtin("node:fs", op);
  const temporary = temporaryName(path);
  try {
    fs.writeFileSync(temporary, bytes);
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    fail(op, `cannot write ${path}: ${reason(error)}`, { file: path });
  }
}

/**
 * `atomicWriteSync` without blocking.
 * @throws ChainruleError where the file system refuses; nothing is left behind
 */
export async function atomicWrite(op: string, path: string, bytes: Uint8Array): Promise<void> {
  const fs = builtin("node:fs", op).promises;
  const temporary = temporaryName(path);
  try {
    await fs.writeFile(temporary, bytes);
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    fail(op, `cannot write ${path}: ${reason(error)}`, { file: path });
  }
}
