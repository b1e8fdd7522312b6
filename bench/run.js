// `pnpm bench`: every section, contenders taking turns, one table each. README.md has the options.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ContenderProcess } from "./contender-process.js";
import { contenders, subject } from "./contenders.js";
import { installPeers } from "./install.js";
import { headerText, machine } from "./machine.js";
import { elementwise } from "./sections/elementwise.js";
import { runInterleaved } from "./sections/interleaved.js";
import { memory } from "./sections/memory.js";
import { mnistEpoch } from "./sections/mnist.js";
import { products } from "./sections/products.js";
import { start } from "./sections/start.js";
import { mnistTraining, shapedTraining, xorTraining } from "./sections/training.js";
import { sectionText } from "./table.js";

const sections = [mnistTraining, xorTraining, products, elementwise, mnistEpoch, shapedTraining,
  start, memory];

const paces = {
  full: { rounds: 15, warmSeconds: 0.5, sampleSeconds: 0.1, slowSeconds: 2, budgetSeconds: 10,
    timeoutSeconds: 60, brief: { slowSeconds: 0.5, budgetSeconds: 1 } },
  quick: { rounds: 7, warmSeconds: 0.15, sampleSeconds: 0.03, slowSeconds: 0.5, budgetSeconds: 2,
    timeoutSeconds: 20, brief: { budgetSeconds: 0.5 } },
};

const { values: options } = parseArgs({ options: {
  only: { type: "string" },
  peers: { type: "string" },
  json: { type: "string" },
  quick: { type: "boolean", default: false },
} });

/** Items of a comma-separated option, all of which must be known. */
function chosen(name, known) {
  const items = options[name]?.split(",").map((item) => item.trim()) ?? known;
  const unknown = items.filter((item) => !known.includes(item));
  if (unknown.length > 0) {
    console.error(`bench: --${name} knows ${known.join(", ")}, but got ${unknown.join(", ")}`);
    process.exit(2);
  }
  return items;
}

const letters = chosen("only", sections.map(({ letter }) => letter));
const ids = chosen("peers", contenders.map(({ id }) => id));
const about = machine();
installPeers();

const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

/** Starts the processes and asks for versions; those that cannot start tell why in every table. */
async function assemble() {
  const versions = {};
  const unavailable = {};
  const processes = [];
  const isTaking = ({ id }) => id === subject || ids.includes(id);
  for (const contender of contenders.filter(isTaking)) {
    const one = new ContenderProcess(contender);
    const answer = await one.ask("versions");
    if (answer.reason === undefined) {
      processes.push(one);
      Object.assign(versions, answer.versions);
    } else {
      one.end();
      unavailable[contender.id] = answer.reason;
    }
  }
  delete versions.chainrule;
  return { processes, versions, unavailable };
}

const { processes, versions, unavailable } = await assemble();
console.log(headerText(about, versions, process.argv.slice(2)));
const absent = Object.entries(unavailable).map(([id, reason]) => `– ${id}: ${reason}\n`);
if (absent.length > 0) console.log(absent.join(""));

const results = [];
const isQuick = options.quick;
for (const section of sections.filter(({ letter }) => letters.includes(letter))) {
  const pace = { ...paces[isQuick ? "quick" : "full"], ...section.pace?.(isQuick) };
  const context = { processes, isQuick, pace, progress };
  const begin = performance.now();
  const { rows, note } = section.run ? await section.run(context)
    : { rows: await runInterleaved(section, context) };
  const { letter, title, unit } = section;
  const seconds = (performance.now() - begin) / 1000;
  results.push({ letter, title, unit, note, rows, seconds });
  progress("");
  console.log(sectionText(results.at(-1)));
  if (options.json !== undefined) {
    const { only, peers } = options;
    const all = { machine: about, versions, unavailable, isQuick, only, peers, sections: results };
    writeFileSync(options.json, `${JSON.stringify(all, null, 1)}\n`);
  }
}
for (const one of processes) one.end();
