// `node bench/compare.js before.json after.json`: what changed between two runs with --json.
import { readFileSync } from "node:fs";
import { duration, gigaflops, megabytes, ratio } from "./format.js";
import { contenders, subject } from "./contenders.js";
import { markdown } from "./table.js";

const files = process.argv.slice(2);
if (files.length !== 2) {
  console.error("compare: two files are needed: node bench/compare.js before.json after.json");
  process.exit(2);
}
const [before, after] = files.map((file) => JSON.parse(readFileSync(file, "utf8")));

const text = (row, unit, value) => {
  if (unit === "bytes") return `${megabytes(value)} MB`;
  return row.flops ? gigaflops(row.flops, value) : duration(value);
};

/** Geometric mean of after/before over the contenders that did not change: the machine's share. */
function drift(oldRow, newRow) {
  const logs = contenders.filter(({ column }) => !column.startsWith(subject)).flatMap(({ id }) => {
    const [a, b] = [oldRow.cells[id]?.median, newRow.cells[id]?.median];
    return a && b ? [Math.log(b / a)] : [];
  });
  return logs.length > 0 ? Math.exp(logs.reduce((sum, x) => sum + x, 0) / logs.length) : undefined;
}

function rowsOf(section, old) {
  return section.rows.flatMap((row) => {
    const oldRow = old.rows.find(({ name }) => name === row.name);
    if (oldRow === undefined) return [];
    const change = section.unit === "bytes" ? undefined : drift(oldRow, row);
    const own = contenders.filter(({ column }) => column.startsWith(subject));
    return own.flatMap(({ id, column }) => {
      const [a, b] = [oldRow.cells[id]?.median, row.cells[id]?.median];
      if (!a || !b) return [];
      const name = id === subject ? row.name : `${row.name}, ${column.slice(subject.length + 1)}`;
      return [[name, text(oldRow, section.unit, a), text(row, section.unit, b), ratio(b / a),
        change === undefined ? "–" : ratio(change),
        change === undefined ? "–" : ratio(b / a / change)]];
    });
  });
}

for (const [name, { machine }] of [["before", before], ["after", after]]) {
  console.log(`${name}: chainrule ${machine.chainrule}, Node ${machine.node}, ${machine.cpu}, ` +
    `load ${machine.load}, ${machine.date}`);
}
console.log("\nratio: after / before of chainrule; peers: the same of the others, " +
  "the machine's share; corrected: ratio / peers\n");
for (const section of after.sections) {
  const old = before.sections.find(({ letter }) => letter === section.letter);
  const rows = old ? rowsOf(section, old) : [];
  if (rows.length === 0) continue;
  console.log(`## (${section.letter}) ${section.title}\n`);
  const header = ["", "before", "after", "ratio", "peers", "corrected"];
  console.log(`${markdown(header, rows)}\n`);
}
