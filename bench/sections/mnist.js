// (e): mnist-mlp end to end: load the files, train one epoch, evaluate on both parts.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { cellsOf } from "../interleave.js";
import { mnistSizes } from "./training.js";

const phases = ["load", "train", "evaluate", "total"];
const loaders = ["chainrule", "chainrule-1t", "chainrule-blas", "pytorch-1t", "pytorch-2t"];

/** Unpacks the files into MNIST/raw under a new root, where torchvision looks for them. */
function unpack(folder) {
  const root = mkdtempSync(join(tmpdir(), "chainrule-bench-"));
  const raw = join(root, "MNIST", "raw");
  mkdirSync(raw, { recursive: true });
  for (const part of ["train", "t10k"]) {
    for (const name of [`${part}-images-idx3-ubyte`, `${part}-labels-idx1-ubyte`]) {
      const plain = join(folder, name);
      const bytes = existsSync(plain) ? readFileSync(plain)
        : gunzipSync(readFileSync(`${plain}.gz`));
      writeFileSync(join(raw, name), bytes);
    }
  }
  return { root, folder: raw };
}

/** Rows per phase; contenders take turns by epochs. */
async function run({ processes, isQuick, progress }) {
  const folder = process.env.MNIST_DIR;
  if (!folder) return { rows: [], note: "skipped: MNIST_DIR names no folder of MNIST's files" };
  const files = unpack(folder);
  const spec = { kind: "epoch", ...files, sizes: mnistSizes };
  const results = Object.fromEntries(processes.map(({ id }) => [id, []]));
  const reasons = {};
  const taking = processes.filter(({ id }) => id !== "register-loop");
  for (let round = 0; round < (isQuick ? 1 : 3); round++) {
    for (const contender of taking) {
      const { id } = contender;
      if (reasons[id] !== undefined) continue;
      if (!loaders.includes(id)) { reasons[id] = "brings no loader for MNIST"; continue; }
      progress(`(e) ${id}, round ${round + 1}`);
      const answer = await contender.ask("epoch", { spec }, 600);
      if (answer.reason === undefined) results[id].push(answer);
      else { reasons[id] = answer.reason; delete results[id]; }
      contender.end();
    }
  }
  rmSync(files.root, { recursive: true });
  const rows = phases.map((phase) => ({ name: phase, cells: cellsOf(
    Object.fromEntries(Object.entries(results).map(([id, all]) => [id, all.map((r) => r[phase])])),
    reasons) }));
  const shares = Object.entries(results).filter(([, all]) => all.length > 0)
    .map(([id, all]) => `${id} ${all[0].check.toFixed(4)}`);
  return { rows, note: `share of test digits right after the first epoch: ${shares.join(", ")}` };
}

export const mnistEpoch = {
  letter: "e",
  title: "mnist-mlp end to end, one epoch, both evaluations",
  run,
};
