// JavaScript source of reductions, in two loop orders that give the same results bit by bit.
import { variable, variablesOf, type Expression } from "../expression/expression.ts";
import { compile, emit, stored } from "../expression/javascript.ts";
import { computesIntegers } from "./operand.ts";
import type { Kernel, Pass, Reduction } from "./reduce.ts";

/** How many accumulations run side by side: 4 KB per accumulator stay in the first-level cache. */
const BLOCK = 512;

/** Sources of one pass: how its accumulators start, and what happens at an element. */
interface PassSource {
  readonly start: string;
  readonly body: string;
  /** Accumulators: those that the pass adds, that change at an element, and that are read there. */
  readonly own: readonly number[];
  readonly changes: readonly number[];
  readonly used: readonly number[];
  /** Operands that move with the element. */
  readonly moving: readonly number[];
}

interface Source {
  readonly passes: readonly PassSource[];
  readonly results: string;
  readonly operands: readonly number[];
  readonly accumulators: readonly number[];
}

/**
 * Source of a kernel that finishes one result after the other. Method: loops over the kept
 * dimensions; for each kept element and each pass, loops over the reduced ones.
 */
export function buildLines(program: Reduction, key: string): Kernel {
  const source = describe(program, key);
  const { operands, passes, results } = source;
  return compile<Kernel>(`function reduceLines_${key}(
      outer, outerStrides, inner, innerStrides, operands, scalars, total) {
    ${declarations(program, source)}
    for (;;) {
      ${operands.map((k) => `let s${k} = p${k};`).join(" ")}
      for (let j = 0; j < m; j++) {
        ${passes.map((pass) => `${pass.own.map((k) => `let a${k};`).join(" ")}
          { ${pass.start} }
          ${walk(pass, (k) => `let q${k} = r${k};`, pass.body,
            (k) => `q${k} += i${k};`)}`).join("\n")}
        { ${results.replace(/@/g, "s")} }
        ${operands.map((k) => `s${k} += o${k};`).join(" ")}
      }
      ${advance("outer", operands, "p", "outer.length - 2")}
      if (dim < 0) return;
    }
  }`);
}

/**
 * Source of a kernel that runs up to `BLOCK` accumulations side by side, for inputs in which the
 * neighbours in memory belong to different results.
 */
export function buildRows(program: Reduction, key: string): Kernel {
  const source = describe(program, key);
  const { operands, accumulators, passes, results } = source;
  const load = (list: readonly number[]) =>
    list.map((k) => `let a${k} = A${k}[j];`).join(" ");
  const keep = (list: readonly number[]) => list.map((k) => `A${k}[j] = a${k};`).join(" ");
  return compile<Kernel>(`function reduceRows_${key}(
      outer, outerStrides, inner, innerStrides, operands, scalars, total) {
    ${declarations(program, source)}
    ${accumulators.map((k) =>
      `const A${k} = new Float64Array(m < ${BLOCK} ? m : ${BLOCK});`).join(" ")}
    for (;;) {
      for (let first = 0; first < m; first += ${BLOCK}) {
        const width = Math.min(${BLOCK}, m - first);
        ${operands.map((k) => `const s${k} = p${k} + first * o${k};`).join(" ")}
        ${passes.map((pass) => {
          const before = accumulators.slice(0, pass.own[0] ?? 0);
          return `for (let j = 0; j < width; j++) {
            ${load(before)} ${pass.own.map((k) => `let a${k};`).join(" ")}
            ${pass.start} ${keep(pass.own)}
          }
          ${walk(pass, (k) => `let u${k} = r${k};`, `
            ${pass.moving.map((k) => `let q${k} = u${k};`).join(" ")}
            for (let j = 0; j < width; j++) {
              ${load(pass.used)} ${pass.body}
              ${keep(pass.changes)}
              ${pass.moving.map((k) => `q${k} += o${k};`).join(" ")}
            }`, (k) => `u${k} += i${k};`)}`;
        }).join("\n")}
        for (let j = 0; j < width; j++) {
          ${load(accumulators)}
          ${operands.map((k) => `const z${k} = s${k} + j * o${k};`).join(" ")}
          ${results.replace(/@/g, "z")}
        }
      }
      ${advance("outer", operands, "p", "outer.length - 2")}
      if (dim < 0) return;
    }
  }`);
}

/** Sources of the parts of a program, for operands of the classes in `key`. */
function describe(program: Reduction, key: string): Source {
  const stores = program.passes.reduce((n, pass) => n + pass.stores.length, 0);
  const outputs = program.results.length + stores;
  const names = new Map([["position", "position"], ["count", "total"]]);
  program.inputs.forEach((name, k) => names.set(name, `x${outputs + k}`));
  program.scalars.forEach((name, k) => names.set(name, `c${k}`));
  const accumulators: number[] = [];
  let nextStore = program.results.length;
  const integer = computesIntegers(key);
  const passes = program.passes.map((pass) => {
    const own = pass.steps.map((_, k) => accumulators.length + k);
    own.forEach((k) => names.set(`accumulator${k}`, `a${k}`));
    accumulators.push(...own);
    const described = describePass(program, pass, {
      names, own, accumulators, firstInput: outputs, firstStore: nextStore, key, integer,
    });
    nextStore += pass.stores.length;
    return described;
  });
  const result = emit(program.results, names, integer);
  return {
    passes, accumulators: [...accumulators], operands: Array.from(key, (_, k) => k),
    results: `${result.statements} ${result.results.map((source, k) =>
      `d${k}[@${k}] = ${stored(source, program.results[k], key[k] === "b")};`).join(" ")}`,
  };
}

function describePass(program: Reduction, pass: Required<Pass>, place: {
  readonly names: ReadonlyMap<string, string>; readonly own: readonly number[];
  readonly accumulators: readonly number[]; readonly firstInput: number;
  readonly firstStore: number; readonly key: string; readonly integer: boolean;
}): PassSource {
  const { names, own, accumulators, firstInput, firstStore, key, integer } = place;
  const changes = own.filter((k, i) => pass.steps[i] !== variable(`accumulator${k}`));
  const steps = changes.map((k) => pass.steps[k - own[0]]);
  const mentioned = variablesOf(...steps, ...pass.stores);
  const inputs = program.inputs.map((_, k) => k).filter((k) => mentioned.has(program.inputs[k]));
  const start = emit(pass.initial as readonly Expression[], names, integer);
  const step = emit(steps, names, integer);
  const store = emit(pass.stores, names, integer);
  return {
    own, changes,
    used: accumulators.filter((k) => mentioned.has(`accumulator${k}`) || changes.includes(k)),
    moving: [...pass.stores.map((_, k) => firstStore + k), ...inputs.map((k) => firstInput + k)],
    start: `${start.statements} ${own.map((k, i) => `a${k} = ${start.results[i]};`).join(" ")}`,
    body: `${inputs.map((k) => `const x${firstInput + k} = ${load(firstInput + k)};`).join(" ")}
      { ${step.statements}
        ${changes.map((k, i) =>
          `const n${k} = ${stored(step.results[i], steps[i], false)};`).join(" ")}
        ${changes.map((k) => `a${k} = n${k};`).join(" ")} }
      { ${store.statements} ${store.results.map((source, i) => `d${firstStore + i}[q${
        firstStore + i}] = ${stored(source, pass.stores[i], key[firstStore + i] === "b")};`)
        .join(" ")} }`,
  };
}

const load = (k: number) => `d${k}[q${k}]`;

/** Names of everything that does not change: arrays, innermost sizes and strides, numbers. */
function declarations(program: Reduction, { operands }: Source): string {
  return `const last = inner.length - 1, n = total === 0 ? 0 : last < 0 ? 1 : inner[last];
    const edge = outer.length - 1, m = edge < 0 ? 1 : outer[edge];
    ${operands.map((k) => `const d${k} = operands[${k}].data; let p${k} = operands[${k}].offset;
      const i${k} = last < 0 ? 0 : innerStrides[${k}][last];
      const o${k} = edge < 0 ? 0 : outerStrides[${k}][edge];`).join("\n")}
    ${program.scalars.map((_, k) => `const c${k} = scalars[${k}];`).join(" ")}
    const outerIndex = edge < 1 ? null : new Array(edge).fill(0);
    const innerIndex = last < 1 ? null : new Array(last).fill(0);`;
}

/** Source that does `body` at every reduced element, the last dimension innermost. */
function walk(
  pass: PassSource, enter: (k: number) => string, body: string, step: (k: number) => string,
): string {
  if (pass.used.length === 0 && pass.moving.length === 0) return "";
  const each = (write: (k: number) => string) => pass.moving.map(write).join(" ");
  return `if (n > 0) {
    let position = 0;
    ${each((k) => `let r${k} = s${k};`)}
    for (;;) {
      ${each(enter)}
      for (let i = 0; i < n; i++, position++) { ${body} ${each(step)} }
      ${advance("inner", pass.moving, "r", "last - 1")}
      if (dim < 0) break;
    }
  }`;
}

/** Source of one step of an odometer: moves positions, leaves `dim` negative at the end. */
function advance(
  loops: "inner" | "outer", operands: readonly number[], positions: string, from: string,
): string {
  return `let dim = ${from};
    for (; dim >= 0; dim--) {
      const steps = ++${loops}Index[dim] < ${loops}[dim] ? 1 : 1 - ${loops}[dim];
      ${operands.map((k) =>
        `${positions}${k} += ${loops}Strides[${k}][dim] * steps;`).join(" ")}
      if (steps === 1) break;
      ${loops}Index[dim] = 0;
    }`;
}
