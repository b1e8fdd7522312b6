// The equations of einsum: which label belongs to which dimension of which operand.
import { fail } from "../errors.ts";

/** Labels of the dimensions of every operand and of the result. */
export interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

const op = "einsum";

/**
 * Reads an equation such as `"bij,bjk->bik"` for operands of the given ranks. An ellipsis becomes
 * one label per dimension it stands for, counted from the last: `…1`, `…0`. Without `->` the
 * result has these, then all letters that appear once, in alphabetical order.
 * @throws when the equation is malformed or does not fit the ranks
 */
export function parseEquation(equation: string, ranks: readonly number[]): Equation {
  const arrow = equation.indexOf("->");
  const left = arrow < 0 ? equation : equation.slice(0, arrow);
  const terms = left.split(",");
  if (terms.length > ranks.length) {
    fail(op, "fewer operands were provided than specified in the equation: " +
      `${ranks.length} for "${equation}"`);
  }
  if (terms.length < ranks.length) {
    fail(op, "more operands were provided than specified in the equation: " +
      `${ranks.length} for "${equation}"`);
  }
  let position = 0;
  const operands = terms.map((term, i) => {
    const labels = operandLabels(term, position, i, ranks[i]);
    position += term.length + 1;
    return labels;
  });
  const output = arrow < 0
    ? implicitOutput(operands)
    : explicitOutput(equation.slice(arrow + 2), arrow + 2, operands);
  return { operands, output };
}

/** Letters of a term, with `...` for an ellipsis. */
function symbols(term: string, start: number, owner: string): string[] {
  const found: string[] = [];
  for (let i = 0; i < term.length; i++) {
    const letter = term[i];
    if (letter === " ") continue;
    if (letter === ".") {
      if (found.includes("...")) {
        fail(op, owner === "output"
          ? "found '.' for output but an ellipsis (...) was already found"
          : `found '.' for ${owner} for which an ellipsis was already found`);
      }
      if (term.slice(i, i + 3) !== "...") {
        fail(op, `found '.' for ${owner} that is not part of any ellipsis (...)`);
      }
      i += 2;
      found.push("...");
    } else if (/^[a-zA-Z]$/.test(letter)) found.push(letter);
    else {
      fail(op, `invalid subscript given at index ${start + i} in the equation string, ` +
        "subscripts must be in [a-zA-Z]");
    }
  }
  return found;
}

function operandLabels(term: string, start: number, operand: number, rank: number): string[] {
  const found = symbols(term, start, `operand ${operand}`);
  const hasEllipsis = found.includes("...");
  const named = found.length - (hasEllipsis ? 1 : 0);
  if (hasEllipsis ? named > rank : named !== rank) {
    fail(op, `the number of subscripts in the equation (${named}) ` + (hasEllipsis
      ? `is more than the number of dimensions (${rank}) for operand ${operand}`
      : `does not match the number of dimensions (${rank}) for operand ${operand} and no ` +
        "ellipsis was given"));
  }
  return found.flatMap((label) => label === "..." ? ellipsisLabels(rank - named) : [label]);
}

/** Labels of the dimensions that an ellipsis stands for. */
function ellipsisLabels(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `…${count - 1 - i}`);
}

/** The labels of the longest ellipsis of any operand. */
function longestEllipsis(operands: readonly (readonly string[])[]): string[] {
  return ellipsisLabels(Math.max(...operands.map((labels) =>
    labels.filter((label) => label.startsWith("…")).length)));
}

function implicitOutput(operands: readonly (readonly string[])[]): string[] {
  const letters = operands.flat().filter((label) => !label.startsWith("…"));
  const once = letters.filter((label) => letters.indexOf(label) === letters.lastIndexOf(label));
  return [...longestEllipsis(operands), ...once.sort()];
}

function explicitOutput(
  term: string, start: number, operands: readonly (readonly string[])[],
): string[] {
  const found = symbols(term, start, "output");
  found.forEach((label, i) => {
    if (found.indexOf(label) < i) {
      fail(op, `output subscript ${label} appears more than once in the output`);
    }
    if (label !== "..." && !operands.some((labels) => labels.includes(label))) {
      fail(op, `output subscript ${label} does not appear in the equation for any input operand`);
    }
  });
  return found.flatMap((label) => label === "..." ? longestEllipsis(operands) : [label]);
}
