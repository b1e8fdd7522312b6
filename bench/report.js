// `node bench/report.js node20.json node24.json node26.json > docs/performance.md`: the tables of
// any number of runs with --json, after the targets. What is to be said about a missed target
// stands in remarks.md.
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { markdown, sectionTable, sectionTitle } from "./table.js";
import { figureOf, targets } from "./targets.js";

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("report: files of runs are needed: node bench/report.js node20.json node24.json …");
  process.exit(2);
}
const runs = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
const nodeVersion = ({ machine }) => machine.node.slice(1);
const nodeOf = (run) => `Node ${nodeVersion(run)}`;

const optionsOf = ({ only, peers, isQuick }) => [isQuick ? " --quick" : "",
  only ? ` --only ${only}` : "", peers ? ` --peers ${peers}` : ""].join("");

function heading() {
  const quick = runs.some(({ isQuick }) => isQuick)
    ? ["", "**A quick run: to see that everything works, not to quote.**"] : [];
  return [
    "# Performance", "",
    "Written by `bench/report.js`; [bench/README.md](../bench/README.md) says how it is measured. " +
      "To repeat:", "",
    "```sh",
    `MNIST_DIR=… pnpm bench${optionsOf(runs[0])} --json ${basename(files[0])}`,
    ...files.slice(1).map((file, i) => `MNIST_DIR=… npx -y -p node@${nodeVersion(runs[i + 1])} ` +
      `node bench/run.js${optionsOf(runs[i + 1])} --json ${basename(file)}`),
    `node bench/report.js ${files.map((file) => basename(file)).join(" ")} > docs/performance.md`,
    "```", ...quick, "",
  ];
}

const machineRows = () => [
  ["processor", ({ machine }) => machine.cpu],
  ["cores, memory", ({ machine }) => `${machine.cores}, ${machine.memory}`],
  ["system", ({ machine }) => machine.system],
  ["load before the start", ({ machine }) => String(machine.load)],
  ["V8", ({ machine }) => [machine.v8, machine.flags].filter(Boolean).join(", ")],
  ["chainrule", ({ machine }) => machine.chainrule],
  ["date", ({ machine }) => machine.date],
  ["peers", ({ versions }) => Object.entries(versions).map((pair) => pair.join(" ")).join(", ")],
].map(([name, of]) => [name, ...runs.map(of)]);

function targetRow(target) {
  const { letter, title, text, isFloor } = target;
  return [`(${letter}) ${title}`, ...runs.map((run) => {
    const figure = figureOf(target, run);
    if (figure === undefined) return "–";
    const { value, row, limit, isReached, isOneOf } = figure;
    const where = isOneOf > 1 ? ` at ${row}` : "";
    if (limit === null) return `${text(value)}${where}`;
    const bound = `${isFloor ? "≥" : "≤"} ${text(limit)}`;
    return `${isReached ? "✓" : "✗"} ${text(value)}${where} (${bound})`;
  })];
}

function targetLines() {
  const remarks = new URL("remarks.md", import.meta.url);
  return [
    "## Targets", "",
    "✓ reached, ✗ missed, with the limit in parentheses and the worst of the rows. Times are " +
      "relative to the", "faster of PyTorch's settings; two threads unless said.", "",
    markdown(["", ...runs.map(nodeOf)], targets.map(targetRow)), "",
    ...(existsSync(remarks) ? [readFileSync(remarks, "utf8").trim(), ""] : []),
  ];
}

/** A section of all runs, one table each. */
function sectionLines(letter) {
  const measured = runs.map((run) => ({ run, section: run.sections.find((one) =>
    one.letter === letter) })).filter(({ section }) => section !== undefined);
  return [`## ${sectionTitle(measured[0].section)}`, "", ...measured.flatMap(({ run, section }) => {
    const { table, remarks } = sectionTable(section);
    const lines = remarks.map((line) => `- ${line.replace(/^– /, "")}`);
    return [`### ${nodeOf(run)}`, "", ...(table ? [table, ""] : []),
      ...(lines.length > 0 ? [...lines, ""] : [])];
  })];
}

const letters = [...new Set(runs.flatMap(({ sections }) => sections.map(({ letter }) => letter)))];
console.log([
  ...heading(), markdown(["", ...runs.map(nodeOf)], machineRows()), "",
  "Medians; in parentheses chainrule's time divided by the library's (below 1: chainrule is " +
    "faster), the median", "over rounds in which both ran next to each other.", "",
  ...targetLines(), ...letters.sort().flatMap(sectionLines),
].join("\n").trimEnd());
