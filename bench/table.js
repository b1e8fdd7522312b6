// A section as a Markdown table: a row per case, a column per library, reasons for gaps below.
import { contenders, subject } from "./contenders.js";
import { duration, gigaflops, megabytes, ratio } from "./format.js";
import { pairedRatio } from "./statistics.js";

const columns = [...new Set(contenders.map(({ column }) => column))];

/** The fastest of a column's contenders in a row, with its setting. */
export function bestOf(row, column) {
  const cells = contenders.filter((one) => one.column === column && row.cells[one.id])
    .map((one) => ({ ...row.cells[one.id], id: one.id, setting: one.setting }));
  const usable = cells.filter((cell) => cell.reason === undefined);
  if (usable.length === 0) return cells[0];
  return usable.reduce((a, b) => (b.median < a.median ? b : a));
}

function cellText(row, cell, unit) {
  if (cell === undefined || cell.reason !== undefined) return "–";
  if (unit === "bytes") return `${megabytes(cell.before)} → ${megabytes(cell.median)}`;
  const time = row.flops ? gigaflops(row.flops, cell.median) : duration(cell.median);
  const setting = (cell.isSingle ? "*" : "") + (cell.setting ? ` ${cell.setting}` : "");
  const own = row.cells[subject];
  if (cell.id === subject || own?.samples === undefined) return time + setting;
  return `${time}${setting} (${ratio(pairedRatio(own.samples, cell.samples))})`;
}

/** Lines of a Markdown table with aligned columns; the first column is left-aligned. */
export function markdown(header, rows) {
  const widths = header.map((_, i) =>
    Math.max(3, ...[header, ...rows].map((cells) => [...cells[i]].length)));
  const pad = (text, i) => {
    const space = " ".repeat(widths[i] - [...text].length);
    return i === 0 ? text + space : space + text;
  };
  const line = (cells) => `| ${cells.map(pad).join(" | ")} |`;
  const rules = widths.map((width, i) => "-".repeat(width - 1) + (i === 0 ? "-" : ":"));
  return [line(header), line(rules), ...rows.map(line)].join("\n");
}

/** Names of rows, those of a whole group as the group's. */
function namesOf(some, rows) {
  const size = (group, all) => all.filter((row) => row.group === group).length;
  const isWhole = ({ group }) => group && size(group, some) === size(group, rows);
  return [...new Set(some.map((row) => (isWhole(row) ? row.group : row.name)))].join(", ");
}

/** One line per reason, with the contenders and cases it kept out. */
function reasonLines(rows) {
  const cases = new Map();
  for (const row of rows) {
    for (const [id, { reason }] of Object.entries(row.cells)) {
      if (reason === undefined) continue;
      const key = `${id}: ${reason}`;
      cases.set(key, [...(cases.get(key) ?? []), row]);
    }
  }
  return [...cases].map(([key, some]) =>
    `– ${key}${some.length < rows.length ? ` (${namesOf(some, rows)})` : ""}`);
}

/** Contenders whose result differs from the subject's: they computed something else. */
function differences(rows) {
  return rows.flatMap((row) => {
    const own = row.cells[subject]?.check;
    if (own === undefined || own === null) return [];
    return Object.entries(row.cells).flatMap(([id, { check }]) => {
      if (check === undefined || check === null) return [];
      const isClose = Math.abs(check - own) <= 1e-3 * Math.max(1e-2, Math.abs(own));
      return isClose ? [] : [`≠ ${id} computes ${check}, ${subject} ${own} (${row.name})`];
    });
  });
}

/** The table of a section `{ unit, rows, note }`, and lines to be said below it. */
export function sectionTable({ unit, rows, note }) {
  const shown = columns.filter((column) =>
    rows.some((row) => bestOf(row, column)?.median !== undefined));
  const body = rows.map((row) =>
    [row.name, ...shown.map((column) => cellText(row, bestOf(row, column), unit))]);
  const hasSingle = rows.some((row) => Object.values(row.cells).some((cell) => cell.isSingle));
  const remarks = [
    ...(note ? [note] : []),
    ...(hasSingle ? ["* a single step: more would take too long"] : []),
    ...reasonLines(rows), ...differences(rows),
  ];
  return { table: rows.length > 0 ? markdown(["", ...shown], body) : "", remarks };
}

/** The title of a section, with its unit. */
export function sectionTitle({ letter, title, unit }) {
  return `(${letter}) ${title}${{ flops: "; GFLOP/s", bytes: "; MB" }[unit] ?? ""}`;
}

/** A section `{ letter, title, unit, rows, note }` as Markdown. */
export function sectionText(section) {
  const { table, remarks } = sectionTable(section);
  return [`## ${sectionTitle(section)}`, "", ...(table ? [table, ""] : []), ...remarks, ""]
    .join("\n");
}
