// (h): resident memory, JavaScript heap and array buffers before and after many steps, after gc().
import { subject } from "../contenders.js";
import { mnistStep, xorStep } from "./training.js";

const figures = ["rss", "heapUsed", "arrayBuffers"];

async function run({ processes, isQuick, progress }) {
  const steps = isQuick ? 1000 : 10_000;
  const secondsOf = ({ id }) => (isQuick ? 5 : id === subject ? 60 : 10);
  const taking = processes.filter(({ id }) => id !== "register-loop" && id !== "pytorch-2t");
  const rows = [];
  const shortened = [];
  for (const [name, spec] of [["XOR", xorStep], ["784-256-10", mnistStep]]) {
    const all = figures.map((figure) => ({ name: `${name}, ${figure}`, cells: {} }));
    rows.push(...all);
    for (const contender of taking) {
      progress(`(h) ${name}, ${contender.id}`);
      contender.end();
      const seconds = secondsOf(contender);
      const answer = await contender.ask("memory", { spec, steps, seconds }, 6 * seconds + 30);
      contender.end();
      if (answer.steps < steps) {
        shortened.push(`${contender.id} ${answer.steps} of ${name} in ${seconds} s`);
      }
      figures.forEach((figure, i) => {
        if (hasFigure(answer, figure)) all[i].cells[contender.id] = cell(answer, figure);
      });
    }
  }
  const cut = shortened.length > 0 ? `; fewer: ${shortened.join(", ")}` : "";
  return { rows, note: `${steps} steps after a warm-up of 100${cut}` };
}

/** Python has no JavaScript heap. */
const hasFigure = ({ before, reason }, figure) =>
  reason !== undefined || before[figure] !== undefined;

function cell({ before, after, reason }, figure) {
  if (reason !== undefined) return { reason };
  return { before: before[figure], median: after[figure] };
}

export const memory = {
  letter: "h",
  title: "memory before → after the steps",
  unit: "bytes",
  run,
};
