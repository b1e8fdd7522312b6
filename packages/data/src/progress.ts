// A progress line in the terminal around any loop; silent where there is no terminal.
import { ChainruleError, checkOptions, fail, show } from "@chainrule/core/internal";

/** What is shown after the numbers: values by name, or a text. */
export type Postfix = string | Readonly<Record<string, string | number>>;

/** The part of `process.stderr` that is needed. */
export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Options of `progress`. */
export interface ProgressOptions {
  /** Text before the bar. */
  label?: string;
  /** Items to come. Default: `length` or `size` of the iterable, if it has one. */
  total?: number;
  /** Where the line goes. Default: `process.stderr`, so that output can be piped. */
  stream?: ProgressStream;
  /** What to show after the numbers at first. */
  postfix?: Postfix;
}

/** What the loop body can say. */
export interface ProgressBar {
  /** Replaces what is shown after the numbers, from the next drawing of the line on. */
  postfix(values: Postfix): void;
}

const millisecondsBetweenDrawings = 100;
const widestBar = 30;
const narrowestBar = 5;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Letters that take two terminal cells, and marks that take none (Unicode TR 11, roughly). */
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u;
const wider = /[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const mark = /\p{M}|\p{Cf}/u;

function cells(character: string): number {
  if (mark.test(character)) return 0;
  return wide.test(character) || wider.test(character) ? 2 : 1;
}

function width(text: string): number {
  return [...text].reduce((sum, character) => sum + cells(character), 0);
}

/** The longest beginning of `text` that fits, with control characters made harmless. */
function clip(text: string, columns: number): string {
  let [clipped, used] = ["", 0];
  for (const character of text.replace(/\p{Cc}/gu, " ")) {
    used += cells(character);
    if (used > columns) break;
    clipped += character;
  }
  return clipped;
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const pair = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const minutes = `${pair((whole / 60) % 60)}:${pair(whole % 60)}`;
  return whole < 3600 ? minutes : `${Math.floor(whole / 3600)}:${minutes}`;
}

function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 1) return `${(1 / perSecond).toFixed(1)} s/it`;
  return `${perSecond.toFixed(perSecond < 100 ? 1 : 0)} it/s`;
}

function postfixText(postfix: Postfix): string {
  if (typeof postfix === "string") return postfix;
  const entries = Object.entries(postfix).map(([name, value]) => {
    const isFraction = typeof value === "number" && !Number.isInteger(value);
    return `${name}=${isFraction ? value.toPrecision(3) : value}`;
  });
  return entries.join(", ");
}

function barText(fraction: number, columns: number): string {
  const filled = Math.floor(fraction * columns * 8);
  const full = "█".repeat(filled >> 3) + eighths[filled & 7];
  return `|${full.padEnd(columns)}|`;
}

/** What a line shows. */
interface Reading {
  label: string;
  done: number;
  total: number | undefined;
  seconds: number;
  postfix: string;
}

/** The line, in at most `columns` terminal cells: the bar gives way first, then the end. */
function lineText({ label, done, total, seconds, postfix }: Reading, columns: number): string {
  const perSecond = seconds > 0 ? done / seconds : 0;
  const known = total !== undefined && done <= total;
  const left = perSecond > 0 && known ? clock((total - done) / perSecond) : "?";
  const time = known && done < total ? `${clock(seconds)}<${left}` : clock(seconds);
  const details = [time, rate(perSecond), postfix].filter(Boolean).join(", ");
  const start = label === "" ? "" : `${label} `;
  if (!known) return clip(`${start}${done} it [${details}]`, columns);
  const fraction = total === 0 ? 1 : done / total;
  const percent = `${start}${String(Math.floor(100 * fraction)).padStart(3)}%`;
  const counts = ` ${done}/${total} [${details}]`;
  const room = Math.min(widestBar, columns - width(percent) - width(counts) - 2);
  const bar = room < narrowestBar ? "" : barText(fraction, room);
  return clip(`${percent}${bar}${counts}`, columns);
}

/** One pass over the iterable, on one line of the terminal. */
interface Line {
  advance(): void;
  finish(): void;
}

function startLine(stream: ProgressStream, read: () => Omit<Reading, "done" | "seconds">): Line {
  const started = performance.now();
  let drawn = started;
  let done = 0;
  function draw(end: string): void {
    drawn = performance.now();
    const reading = { ...read(), done, seconds: (drawn - started) / 1000 };
    // A full last column makes some terminals wrap.
    const columns = Math.max(0, (stream.columns || 80) - 1);
    stream.write(`\r${lineText(reading, columns)}\x1b[K${end}`);
  }
  draw("");
  return {
    advance(): void {
      done += 1;
      if (performance.now() - drawn >= millisecondsBetweenDrawings) draw("");
    },
    finish: () => draw("\n"),
  };
}

function* watch<T>(source: Iterable<T>, start: () => Line): Generator<T, void, undefined> {
  const line = start();
  try {
    for (const item of source) {
      yield item;
      line.advance();
    }
  } finally {
    line.finish();
  }
}

async function* watchAsync<T>(
  source: AsyncIterable<T>,
  start: () => Line,
): AsyncGenerator<T, void, undefined> {
  const line = start();
  try {
    for await (const item of source) {
      yield item;
      line.advance();
    }
  } finally {
    line.finish();
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Items to come, where the iterable says so: a DataLoader over a stream throws when asked. */
function sizeOf(iterable: object): number | undefined {
  const sized = iterable as { length?: unknown; size?: unknown };
  try {
    return [sized.length, sized.size].find(isCount);
  } catch (error) {
    if (error instanceof ChainruleError) return undefined;
    throw error;
  }
}

function checkPostfix(postfix: unknown): void {
  if (typeof postfix === "string" || (typeof postfix === "object" && postfix !== null)) return;
  fail("progress", `postfix must be a text or values by name, got ${show(postfix)}`);
}

function checkValues({ label = "", total = 0, postfix = "", stream }: ProgressOptions): void {
  if (typeof label !== "string") fail("progress", `label must be a string, got ${show(label)}`);
  if (!isCount(total)) fail("progress", `total must be a non-negative integer, got ${show(total)}`);
  checkPostfix(postfix);
  if (stream !== undefined && typeof stream?.write !== "function") {
    fail("progress", `stream must have write(), got ${show(stream)}`);
  }
}

/**
 * The same items, while a line in the terminal tells how far the loop is, how fast, how long yet.
 *
 * A synchronous iterable stays one, an asynchronous one too, and what is both stays both.
 * @throws ChainruleError for what cannot be iterated, or an option of the wrong type
 * @example
 * ```ts
 * const bar = progress([1, 2, 3], { label: "epoch 0" });
 * for (const batch of bar) bar.postfix({ loss: 1 / batch });
 * ```
 */
export function progress<T>(
  iterable: Iterable<T> & AsyncIterable<T>,
  options?: ProgressOptions,
): ProgressBar & Iterable<T> & AsyncIterable<T>;
export function progress<T>(
  iterable: Iterable<T>,
  options?: ProgressOptions,
): ProgressBar & Iterable<T>;
export function progress<T>(
  iterable: AsyncIterable<T>,
  options?: ProgressOptions,
): ProgressBar & AsyncIterable<T>;
export function progress<T>(
  iterable: Iterable<T> | AsyncIterable<T>,
  options: ProgressOptions = {},
): ProgressBar {
  const source = Object(iterable ?? {}) as Iterable<T> & AsyncIterable<T>;
  const isSync = typeof source[Symbol.iterator] === "function";
  const isAsync = typeof source[Symbol.asyncIterator] === "function";
  if (!isSync && !isAsync) fail("progress", `expected an iterable, got ${show(iterable)}`);
  checkOptions("progress", options, ["label", "total", "stream", "postfix"]);
  checkValues(options);
  const { label = "", total = sizeOf(source) } = options;
  const stream: ProgressStream | undefined = options.stream ?? globalThis.process?.stderr;
  let postfix = options.postfix ?? "";
  const isSilent = stream?.isTTY !== true;
  const start = (): Line =>
    startLine(stream!, () => ({ label, total, postfix: postfixText(postfix) }));
  const bar: ProgressBar & Partial<Iterable<T> & AsyncIterable<T>> = {
    postfix(values): void {
      checkPostfix(values);
      postfix = values;
    },
  };
  if (isSync) {
    bar[Symbol.iterator] = () => (isSilent ? source[Symbol.iterator]() : watch(source, start));
  }
  if (isAsync) {
    bar[Symbol.asyncIterator] = () =>
      isSilent ? source[Symbol.asyncIterator]() : watchAsync(source, start);
  }
  return bar;
}
