// What chainrule is to reach, each target measured on the rows of a run with --json.
import { subject } from "./contenders.js";
import { duration, ratio } from "./format.js";
import { pairedRatio } from "./statistics.js";
import { bestOf } from "./table.js";

const usable = (cell) => cell !== undefined && cell.reason === undefined;

/** chainrule's time over that of a column's best, or nothing where one of them is missing. */
function against(column, own = subject) {
  return (row) => {
    const [a, b] = [row.cells[own], bestOf(row, column)];
    return usable(a) && usable(b) ? pairedRatio(a.samples, b.samples) : undefined;
  };
}

/** How much faster the second contender is than the first, or its share of what the first does. */
function speedup(slow, fast) {
  return (row) => {
    const [a, b] = [row.cells[slow], row.cells[fast]];
    return usable(a) && usable(b) ? pairedRatio(a.samples, b.samples) : undefined;
  };
}

const everyRow = () => true;
const isMillion = (...ops) => ({ spec }) => ops.includes(spec?.op) && spec.n === 1e6;
const isTotal = ({ name }) => name === "total";
const isFirstStep = ({ name }) => name === "import and first step";

/** Products without a batch, whose three sizes lie within 256 and 1024. */
function isLarge({ spec }) {
  const sizes = [...(spec?.a ?? []), ...(spec?.b ?? [])];
  return sizes.length === 4 && sizes.every((size) => size >= 256 && size <= 1024);
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;
const atMost = (older, newer) => ({ isFloor: false, older, newer });
const atLeast = (older, newer) => ({ isFloor: true, older, newer });

/**
 * `of` gives the figure of a row; the worst of the rows chosen by `rows` counts. `older` limits
 * Node before 24, `newer` from there on; `null` where there is no target.
 */
export const targets = [
  { letter: "a", title: "MNIST step / PyTorch", rows: everyRow, of: against("PyTorch"),
    text: ratio, ...atMost(1.6, 1.25) },
  { letter: "a", title: "MNIST step with BLAS / PyTorch", rows: everyRow,
    of: against("PyTorch", "chainrule-blas"), text: ratio, ...atMost(null, 0.75) },
  { letter: "a", title: "MNIST step / jax-js", rows: everyRow, of: against("jax-js"),
    text: ratio, ...atMost(0.4, 0.4) },
  { letter: "a", title: "MNIST step / tfjs wasm", rows: everyRow, of: against("tfjs wasm"),
    text: ratio, ...atMost(0.08, 0.06) },
  { letter: "b", title: "XOR step / PyTorch", rows: everyRow, of: against("PyTorch"),
    text: ratio, ...atMost(0.1, 0.08) },
  { letter: "c", title: "products of 256 to 1024, one thread, share of the register loop",
    rows: isLarge, of: speedup("register-loop", "chainrule-1t"), text: percent,
    ...atLeast(0.85, 0.9) },
  { letter: "c", title: "the same, one thread / two", rows: isLarge,
    of: speedup("chainrule-1t", subject), text: ratio, ...atLeast(1.85, 1.85) },
  ...[["add", 1.2, "add_"], ["exp", 1.8, "exp_", "neg_ exp_"], ["tanh", 0.5, "tanh_"]]
    .map(([name, limit, ...ops]) => (
      { letter: "d", title: `${name} of 1e6, resident (in place) / PyTorch`,
        rows: isMillion(...ops), of: against("PyTorch"), text: ratio, ...atMost(limit, limit) })),
  { letter: "e", title: "mnist-mlp, one epoch / PyTorch", rows: isTotal, of: against("PyTorch"),
    text: ratio, ...atMost(0.5, 0.35) },
  { letter: "g", title: "import and first step", rows: isFirstStep,
    of: ({ cells }) => cells[subject]?.median, text: duration, ...atMost(0.06, 0.06) },
];

/** The first version of Node that the stricter limits are for. */
const NEWER = 24;

/** Figure of a target in a run: `{ value, row, limit, isReached }`, or nothing if not measured. */
export function figureOf(target, { machine, sections }) {
  const { letter, rows, of, isFloor, older, newer } = target;
  const section = sections.find((one) => one.letter === letter);
  const figures = (section?.rows ?? []).filter(rows)
    .map((row) => ({ row: row.name, value: of(row) }))
    .filter(({ value }) => value !== undefined);
  if (figures.length === 0) return undefined;
  const worst = figures.reduce((a, b) => ((b.value > a.value) === isFloor ? a : b));
  const limit = Number.parseInt(machine.node.slice(1), 10) >= NEWER ? newer : older;
  const isReached = limit === null ? undefined
    : isFloor ? worst.value >= limit : worst.value <= limit;
  return { ...worst, limit, isReached, isOneOf: figures.length };
}
