// Runs a section that consists of cases with steps: rows of cells, contenders taking turns.
import { interleave } from "../interleave.js";

const always = ["register-loop"];

/** Rows `{ name, flops, cells }` of one section; `also` names contenders that it alone has. */
export async function runInterleaved(section, { processes, pace, isQuick, progress }) {
  const taking = processes.filter(({ id }) => !always.includes(id) || section.also?.includes(id));
  const rows = [];
  for (const { name, spec, flops } of section.cases(isQuick)) {
    progress(`(${section.letter}) ${name}`);
    rows.push({ name, flops, cells: await interleave(taking, spec, pace) });
  }
  return rows;
}
