// Tensors as text, laid out like PyTorch's `repr`: digits, columns, brackets, summaries, suffixes.
// Reads elements through a callback; what a tensor is lives elsewhere.
import { type DType, isFloat } from "../dtype.ts";
import { fail, show } from "../errors.ts";

/** How tensors are printed. */
export interface PrintSettings {
  /** Digits after the decimal point, 0 to 100. */
  readonly precision: number;
  /** Tensors with more elements than this are summarised; `Infinity` prints everything. */
  readonly threshold: number;
  /** Elements shown at either end of a summarised dimension. */
  readonly edgeItems: number;
  /** Columns after which a row of elements wraps. */
  readonly lineWidth: number;
  /** Scientific notation always or never; `null` decides by the values. */
  readonly sciMode: boolean | null;
}

/** Changes to the settings: single ones, or on top of a named profile. */
export interface PrintOptions extends Partial<PrintSettings> {
  /** `default`; `short`: 2 digits, 2 edge items; `full`: never summarised. */
  readonly profile?: "default" | "short" | "full";
}

/** Settings for one text, and what it starts with. */
export interface FormatOptions extends Partial<PrintSettings> {
  /** What stands before the brackets, its parenthesis included; `tensor(` by default. */
  readonly prefix?: string;
}

/** What printing needs to know of a tensor. */
export interface FormatSource {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** The element at an index of one number per dimension; called for printed elements only. */
  at(index: readonly number[]): number | boolean;
}

const base: PrintSettings = Object.freeze({
  precision: 4, threshold: 1000, edgeItems: 3, lineWidth: 80, sciMode: null,
});

const profiles: Readonly<Record<string, PrintSettings>> = {
  default: base,
  short: { ...base, precision: 2, edgeItems: 2 },
  full: { ...base, threshold: Infinity },
};

let settings = base;

/** The settings in force. */
export function getPrintOptions(): PrintSettings {
  return settings;
}

/**
 * Changes how tensors are printed; what is not named stays, except `sciMode`, which goes back to
 * automatic as in PyTorch.
 * @throws ChainruleError for an unknown profile or setting or a value out of range; nothing changes
 * @see https://pytorch.org/docs/stable/generated/torch.set_printoptions.html
 */
export function setPrintOptions(options: PrintOptions): void {
  const op = "setPrintOptions";
  const { profile, ...changes } = options;
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) {
    fail(op, `profile must be one of default, short, full: ${show(profile)}`, { profile });
  }
  const start = profile === undefined ? settings : profiles[profile];
  settings = Object.freeze(changed(op, { ...start, sciMode: null }, changes));
}

/**
 * Text of a tensor, exactly as PyTorch prints one, with `true` and `false` in our spelling.
 *
 * The dtype follows the elements where they do not tell it; `suffixes` come after it, each on the
 * same line where it fits. Column widths come from the printed elements alone.
 * @throws ChainruleError for a setting that is unknown or out of range
 * @see https://github.com/pytorch/pytorch/blob/v1.13.0/torch/_tensor_str.py
 */
export function formatTensor(
  source: FormatSource, suffixes: readonly string[], options: FormatOptions = {},
): string {
  const { prefix = "tensor(", ...changes } = options;
  const chosen = changed("formatTensor", settings, changes);
  const { shape, dtype } = source;
  const empty = shape.includes(0);
  const facts: string[] = [];
  if (empty && shape.length !== 1) facts.push(`size=(${shape.join(", ")})`);
  if (dtype === "float64" || (empty && dtype !== "float32")) facts.push(`dtype=${dtype}`);
  const text = prefix + (empty ? "[]" : elements(source, prefix.length, chosen));
  return withSuffixes(text, [...facts, ...suffixes], prefix.length, chosen.lineWidth);
}

type Rule = readonly [allowed: (value: unknown) => boolean, wording: string];

const isPositiveInteger = (value: unknown) => Number.isInteger(value) && (value as number) > 0;

// PyTorch takes 0 edge items and then prints whole rows; they are refused here.
const rules: Readonly<Record<keyof PrintSettings, Rule>> = {
  precision: [
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 100,
    "an integer from 0 to 100",
  ],
  threshold: [(value) => typeof value === "number" && value >= 0, "a number of at least 0"],
  edgeItems: [isPositiveInteger, "a positive integer"],
  lineWidth: [isPositiveInteger, "a positive integer"],
  sciMode: [(value) => value === null || typeof value === "boolean", "true, false or null"],
};

function changed(op: string, start: PrintSettings, changes: Partial<PrintSettings>): PrintSettings {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!Object.hasOwn(rules, name)) {
      const known = Object.keys(rules).join(", ");
      fail(op, `no such option: ${show(name)}; there are ${known}`, { name });
    }
    const [allowed, wording] = rules[name as keyof PrintSettings];
    if (!allowed(value)) fail(op, `${name} must be ${wording}: ${show(value)}`, { [name]: value });
  }
  return { ...start, ...Object.fromEntries(given) };
}

/** The indices printed of one dimension, and whether some between them are left out. */
interface Axis {
  readonly shown: readonly number[];
  readonly elided: boolean;
}

/** Texts of the printed elements in row-major order, and the width of a column. */
interface Cells {
  readonly texts: readonly string[];
  readonly width: number;
}

function elements(source: FormatSource, indent: number, chosen: PrintSettings): string {
  const count = source.shape.reduce((product, size) => product * size, 1);
  const edge = count > chosen.threshold ? chosen.edgeItems : Infinity;
  const axes = source.shape.map((size) => axis(size, edge));
  const values = indices(axes).map((index) => source.at(index));
  const { texts, width } = isFloat(source.dtype)
    ? floatCells(values.map(Number), chosen)
    : plainCells(values, source.dtype === "bool" ? Boolean : Number);
  const columns = texts.map((text) => text.padStart(width));
  return nested(columns, axes, indent, { width, lineWidth: chosen.lineWidth });
}

function axis(size: number, edge: number): Axis {
  const elided = size > 2 * edge;
  const length = elided ? 2 * edge : size;
  const shown = Array.from({ length }, (_, i) => (elided && i >= edge ? size - length + i : i));
  return { shown, elided };
}

function indices(axes: readonly Axis[]): number[][] {
  return axes.reduce<number[][]>(
    (outer, { shown }) => outer.flatMap((index) => shown.map((i) => [...index, i])), [[]],
  );
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 1);
}

function plainCells(
  values: readonly (number | boolean)[], cast: BooleanConstructor | NumberConstructor,
): Cells {
  const texts = values.map((value) => String(cast(value)));
  return { texts, width: widest(texts) };
}

// As in PyTorch, zeros, NaN and infinities do not count towards the width, and neither does a
// `sciMode` set by hand: their columns may come out ragged.
function floatCells(values: readonly number[], { precision, sciMode }: PrintSettings): Cells {
  const telling = values.filter((value) => value !== 0 && Number.isFinite(value));
  const integral = telling.every(Number.isInteger);
  const plain = integral
    ? (value: number) => fixed(value, 0) + (Number.isFinite(value) ? "." : "")
    : (value: number) => fixed(value, precision);
  if (telling.length === 0) return { texts: values.map(plain), width: 1 };
  const scientific = (value: number) => exponential(value, precision);
  const sizes = telling.map(Math.abs);
  const max = sizes.reduce((a, b) => Math.max(a, b));
  const min = sizes.reduce((a, b) => Math.min(a, b));
  const wide = max / min > 1000 || max > 1e8 || min < 1e-4;
  const width = widest(telling.map(wide ? scientific : plain));
  return { texts: values.map(sciMode ?? wide ? scientific : plain), width };
}

/** Python's `{:.nf}`. */
function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  const zeros = digits > 0 ? `.${"0".repeat(digits)}` : "";
  // From 1e21 on `toFixed` falls back to an exponent; such numbers have no fraction.
  if (size >= 1e21) return `${sign(value)}${BigInt(size)}${zeros}`;
  return sign(value) + tieToEven(size.toFixed(digits), isTie(size, digits));
}

/** Python's `{:.ne}`: at least two digits in the exponent. */
function exponential(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const size = Math.abs(value);
  const [mantissa, exponent] = size.toExponential(digits).split("e");
  const rounded = tieToEven(mantissa, isTie(size, digits - Number(exponent)));
  return `${sign(value)}${rounded}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

function nonFinite(value: number): string {
  return Number.isNaN(value) ? "nan" : `${sign(value)}inf`;
}

function sign(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}

// Python rounds exact ties to the even digit, JavaScript away from zero. `size` is a tie at
// `places` decimals if `2 * size * 10^places = (size * 2^(places + 1)) * 5^places` is an odd
// integer; the factor in brackets is exact, and odd only below 2^53.
function isTie(size: number, places: number): boolean {
  const odd = size * 2 ** (places + 1);
  return odd % 2 === 1 && (places >= 0 || odd % 5 ** -places === 0);
}

function tieToEven(roundedUp: string, tie: boolean): string {
  const last = Number(roundedUp.at(-1));
  return tie && last % 2 === 1 ? roundedUp.slice(0, -1) + (last - 1) : roundedUp;
}

interface Page {
  readonly width: number;
  readonly lineWidth: number;
}

function nested(
  cells: readonly string[], axes: readonly Axis[], indent: number, page: Page,
): string {
  if (axes.length === 0) return cells[0];
  const [{ shown, elided }, ...inner] = axes;
  const length = cells.length / shown.length;
  const parts = shown.map((_, i) =>
    nested(cells.slice(i * length, (i + 1) * length), inner, indent + 1, page));
  if (elided) parts.splice(shown.length / 2, 0, inner.length === 0 ? " ..." : "...");
  const margin = " ".repeat(indent + 1);
  if (inner.length > 0) return `[${parts.join(`,${"\n".repeat(inner.length)}${margin}`)}]`;
  const perLine = Math.max(1, Math.floor((page.lineWidth - indent) / (page.width + 2)));
  const lines: string[] = [];
  for (let i = 0; i < parts.length; i += perLine) {
    lines.push(parts.slice(i, i + perLine).join(", "));
  }
  return `[${lines.join(`,\n${margin}`)}]`;
}

function withSuffixes(
  text: string, suffixes: readonly string[], indent: number, lineWidth: number,
): string {
  let result = text;
  // PyTorch counts two columns more than the last line has, which decides what still fits.
  let length = text.length - text.lastIndexOf("\n") + 1;
  for (const suffix of suffixes) {
    const fits = length + suffix.length + 2 <= lineWidth;
    result += fits ? `, ${suffix}` : `,\n${" ".repeat(indent)}${suffix}`;
    length = suffix.length + (fits ? length + 2 : indent);
  }
  return `${result})`;
}
