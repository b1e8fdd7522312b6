// Runs a section that consists of cases with steps: rows of cells, contenders taking turns.
import { interleave } from "../interleave.js";

const always = ["register-loop"];

/** A row `{ name, group, spec, flops, cells }` per case; `also`: contenders of this section only. */
export async function runInterleaved(section, { processes, pace, isQuick, progress }) {
  const taking = processes.filter(({ id }) => !always.includes(id) || section.also?.includes(id));
  const rows = [];
  for (const { name, group, spec, flops } of section.cases(isQuick)) {
    progress(`(${section.letter}) ${name}`);
    rows.push({ name, group, spec, flops, cells: await interleave(taking, spec, pace) });
  }
  return rows;
}
