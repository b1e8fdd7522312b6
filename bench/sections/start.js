// (g): from nothing loaded to the library's import and to a first training step, in new processes.
import { spawnSync } from "node:child_process";
import { withoutCertificates } from "../contender-process.js";
import { cellsOf } from "../interleave.js";
import { duration } from "../format.js";
import { median } from "../statistics.js";
import { xorStep } from "./training.js";

const figures = { import: "import", first: "import and first step",
  process: "the same from the process's start" };

async function run({ processes, isQuick, progress }) {
  const taking = processes.filter(({ id }) => id !== "register-loop" && id !== "pytorch-2t");
  const samples = { import: {}, first: {}, process: {} };
  for (const all of Object.values(samples)) for (const { id } of taking) all[id] = [];
  const reasons = {};
  const empty = [];
  for (let round = 0; round < (isQuick ? 5 : 15); round++) {
    empty.push(emptyProcess());
    for (const contender of taking) {
      const { id } = contender;
      if (reasons[id] !== undefined) continue;
      progress(`(g) ${id}, round ${round + 1}`);
      contender.end();
      const begin = performance.now();
      const answer = await contender.ask("start", { spec: stepFor(id) });
      const wall = (performance.now() - begin) / 1000;
      contender.end();
      if (answer.reason !== undefined) { reasons[id] = answer.reason; continue; }
      samples.import[id].push(answer.import);
      samples.first[id].push(answer.first);
      samples.process[id].push(wall);
    }
  }
  const rows = Object.entries(figures).map(([figure, name]) => (
    { name, cells: cellsOf(samples[figure], reasons) }));
  return { rows, note: `\`node -e 0\` takes ${duration(median(empty))}` };
}

/** Seconds of a Node process that does nothing. */
function emptyProcess() {
  const begin = performance.now();
  spawnSync(process.execPath, ["-e", "0"], { env: withoutCertificates });
  return (performance.now() - begin) / 1000;
}

/** js-pytorch has no tanh. */
const stepFor = (id) => (id === "js-pytorch"
  ? { ...xorStep, inputs: undefined, sizes: [2, 8, 2], activation: "relu", loss: "crossEntropy" }
  : xorStep);

export const start = {
  letter: "g",
  title: "time to import and to the first XOR step (js-pytorch: 2-8-2 with ReLU), medians",
  run,
};
