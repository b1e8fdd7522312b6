// `detectAnomaly`: finds the operation that made the first NaN or infinity, and who called it.
import { fail, show, ChainruleError } from "../errors.ts";
import { showShape } from "../shape/dims.ts";
import { checkOptions } from "../tensor/options.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Storage } from "../storage/storage.ts";
import type { Differentiable, Node } from "./node.ts";
import {
  describeFound, findNonFinite, valueThere, type Kinds, type NonFinite,
} from "./non-finite.ts";
import { refuseAsync, refuseUnfinished } from "./synchronous.ts";
import { atLine, currentLine, keepTrace, lineOf } from "./traces.ts";

/** Options of `detectAnomaly`. */
export interface AnomalyOptions {
  /** Stop at the first NaN. Default `true`. */
  readonly checkNan?: boolean;
  /**
   * Stop at the first infinity that was made of finite values: one that was put in, such as a mask
   * of `-Infinity`, is passed on. Default `true`.
   */
  readonly checkInf?: boolean;
  /** Look at the results of operations too, not only at gradients. Default `true`. */
  readonly checkForward?: boolean;
}

type Input = Tensor | number;

/** The check that is on; `null` outside of `detectAnomaly`. */
export let anomaly: Anomaly | null = null;

/**
 * Runs `body` and stops at the first operation that makes a NaN or an infinity, forward or
 * backward: the error names the operation, shapes, where in the tensor, the line of your code that
 * called it and the operations that led there. Everything is slower inside, nothing outside. An
 * in-place change of a saved tensor, found inside, is reported with the lines of both operations.
 * @example
 * ```ts
 * const x = tensor([4, 0], { requiresGrad: true });
 * try {
 *   detectAnomaly(() => x.sqrt().mul(0).sum().backward());
 * } catch (error) {
 *   console.log(error.message.slice(10, 47)); // Function 'SqrtBackward0' returned nan
 * }
 * ```
 * @throws at the first NaN or infinity; when `body` returns a promise
 * @see https://pytorch.org/docs/stable/autograd.html#anomaly-detection
 */
export function detectAnomaly<T>(body: () => T, options: AnomalyOptions = {}): T {
  if (typeof body !== "function") {
    fail("detectAnomaly", `takes a function and checks what it does; got ${show(body)}`);
  }
  checkOptions("detectAnomaly", options, ["checkNan", "checkInf", "checkForward"]);
  refuseAsync("detectAnomaly", body);
  const outer = anomaly;
  anomaly = new Anomaly(options);
  try {
    const result = body();
    refuseUnfinished("detectAnomaly", result);
    return result;
  } finally {
    anomaly = outer;
  }
}

/** The operation that computed some memory: fused operations work on tensors without history. */
const makers = new WeakMap<Storage, Node>();

/** In a recorded backward pass, the node whose rule made a node. */
const madeBy = new WeakMap<Node, Node>();

/** What `record` and the engine tell while the check is on. */
class Anomaly {
  private readonly kinds: Kinds;
  private readonly checkForward: boolean;
  /** The node whose rules are running. */
  private running: Node | null = null;
  /** The node from which a node got a gradient. */
  private readonly cameFrom = new WeakMap<Node, Node>();

  constructor({ checkNan = true, checkInf = true, checkForward = true }: AnomalyOptions) {
    this.kinds = { nan: checkNan, inf: checkInf };
    this.checkForward = checkForward;
  }

  /** An operation has run; `node` is what was recorded of it. */
  forward(
    op: Differentiable, inputs: readonly Input[], outputs: readonly Tensor[], attributes: unknown,
    node: Node | null,
  ): void {
    if (node !== null) {
      keepTrace(node);
      for (const { storage } of outputs) makers.set(storage.memory, node);
      if (this.running !== null) madeBy.set(node, this.running);
    }
    if (this.running !== null || !this.checkForward) return;
    outputs.forEach((output, index) => {
      if (isViewOf(output, inputs[0])) return;
      const found = findNonFinite(output, this.kinds);
      if (found === null) return;
      const others = inputs.map((input) => sharesMemory(input, output) ? null : input);
      if (found.kind === "inf" && (others.some(isInfinite) || holdsInfinity(attributes))) return;
      failForward({ op, inputs: others, output, index, found, node });
    });
  }

  /** An operation has written into memory. */
  written({ memory }: Storage): void { keepTrace(memory); }

  /** Runs a backward pass; whatever it throws tells where the operation came from. */
  pass(body: () => void): void {
    const outer = this.running;
    try {
      body();
    } catch (error) {
      const { running } = this;
      if (running !== null && running !== outer && error instanceof ChainruleError &&
        error.details.direction === undefined) {
        error.message += `\nError detected in ${running.name}. ${origin(running)}`;
      }
      throw error;
    } finally {
      this.running = outer;
    }
  }

  /** The gradients of a node's outputs are complete; its rules are about to run. */
  enter(node: Node, arrived: readonly (Tensor | null)[]): Node | null {
    const outer = this.running;
    arrived.forEach((gradient, index) => {
      const found = gradient && findNonFinite(gradient, this.kinds);
      if (!found) return;
      this.failBackward(node, gradient!, found, `the gradient that arrived at ${node.name}, of ` +
        `its ${index}th output, holds ${found.kind} values: it was given to backward, came out ` +
        "of a hook, or overflowed when gradients were added up");
    });
    if (!node.isAccumulator) this.running = node;
    return outer;
  }

  leave(outer: Node | null): void { this.running = outer; }

  /** A rule has given the gradient of one input. */
  delivered(node: Node, input: number, gradient: Tensor): void {
    const found = findNonFinite(gradient, this.kinds);
    if (found !== null) {
      this.failBackward(node, gradient, found,
        `Function '${node.name}' returned ${found.kind} values in its ${input}th output`);
    }
    this.cameFrom.set(node.edges[input]!.node, node);
  }

  private failBackward(node: Node, gradient: Tensor, found: NonFinite, problem: string): never {
    const path: string[] = [];
    let from = this.cameFrom.get(node);
    for (; from !== undefined && path.length < LEVELS; from = this.cameFrom.get(from)) {
      path.push(describeNode(from));
    }
    fail("backward", [
      `${problem}: ${describeFound(found)}. ${origin(node)}`,
      ...path.length === 0 ? [] : ["Its gradient came through", ...path.map((step) => `  ${step}`)],
      "It was computed by", ...chain([node]).map((step) => `  ${step}`),
    ].join("\n"), {
      direction: "backward", function: node.name, kind: found.kind, shape: gradient.shape,
      line: lineOf(node), chain: chain([node]),
    });
  }
}

interface ForwardFinding {
  readonly op: Differentiable;
  readonly inputs: readonly (Input | null)[];
  readonly output: Tensor;
  readonly index: number;
  readonly found: NonFinite;
  readonly node: Node | null;
}

function failForward({ op, inputs, output, index, found, node }: ForwardFinding): never {
  const line = currentLine();
  const before = inputs.findIndex((input) => typeof input === "number"
    ? Number.isNaN(input) : input !== null && findNonFinite(input, { nan: true, inf: false }));
  const name = (i: number) => op.inputs[i] ?? `input ${i}`;
  const values = inputs.flatMap((input, i) => {
    if (typeof input === "number") return [`${name(i)} = ${input}`];
    const value = input && valueThere(input, found);
    return value === null ? [] : [`${name(i)} = ${value}`];
  });
  const sources = node !== null ? node.edges.flatMap((edge) => edge === null ? [] : [edge.node])
    : inputs.flatMap((input) => {
      if (input === null || typeof input === "number") return [];
      const maker = (input.history as Node | null) ?? makers.get(input.storage.memory);
      return maker === undefined ? [] : [maker];
    });
  const led = chain(sources);
  const shapes = inputs.map((input) =>
    input === null || typeof input === "number" ? "[]" : showShape(input.shape)).join(", ");
  fail(op.name, [
    `Function '${op.name}' returned ${found.kind} values in its ${index}th output: ` +
      describeFound(found) + (values.length > 0 ? `, where ${values.join(", ")}` : "") +
      (before >= 0 && found.kind === "nan"
        ? `. Its ${name(before)} held nan before: it came with the data` : ""),
    `  ${op.name}(${shapes}) → ${showShape(output.shape)}${line === null ? "" : ` at ${line}`}`,
    ...led.length === 0 ? [] : ["Operations that led there", ...led.map((step) => `  ${step}`)],
  ].join("\n"), {
    direction: "forward", function: op.name, kind: found.kind, shape: output.shape, line,
    chain: led,
  });
}

/** How far to go back from an operation, and how many lines that may take. */
const LEVELS = 5;
const LINES = 16;

/** Nodes and what they were computed from, some levels deep, indented. */
function chain(nodes: readonly Node[]): string[] {
  const lines: string[] = [];
  const seen = new Set<Node>();
  const visit = (node: Node, level: number): void => {
    if (seen.has(node) || level >= LEVELS || lines.length >= LINES) return;
    seen.add(node);
    lines.push("  ".repeat(level) + describeNode(node));
    for (const edge of node.edges) if (edge !== null) visit(edge.node, level + 1);
  };
  for (const node of nodes) visit(node, 0);
  return lines;
}

function describeNode(node: Node): string {
  const shapes = node.outputs.map(({ shape }) => showShape(shape)).slice(0, 4).join(", ");
  if (node.isAccumulator) return `leaf ${shapes}`;
  return `${node.op.name}(${node.shapes.map(showShape).join(", ")}) → ${shapes}${atLine(node)}`;
}

/** Where in the user's code the operation was called that a node belongs to. */
function origin(node: Node): string {
  const line = lineOf(node);
  let text = line === null
    ? "No forward pass information available: run the forward pass inside detectAnomaly too"
    : `Traceback of forward call that caused the error: ${node.op.name} at ${line}`;
  let from = madeBy.get(node);
  for (let level = 0; from !== undefined && level < LEVELS; level++, from = madeBy.get(from)) {
    text += `, in the recorded backward pass of ${from.op.name}${atLine(from)}`;
  }
  return text;
}

function sharesMemory(input: Input, output: Tensor): boolean {
  return typeof input !== "number" && input.storage.memory === output.storage.memory;
}

/** A view holds nothing new; an in-place operation gives its first input back. */
function isViewOf(output: Tensor, input: Input | undefined): boolean {
  return input !== undefined && input !== output && sharesMemory(input, output);
}

function isInfinite(input: Input | null): boolean {
  if (input === null) return false;
  if (typeof input === "number") return Math.abs(input) === Infinity;
  return findNonFinite(input, { nan: false, inf: true }) !== null;
}

/** Whether an infinity is among the settings of an operation. */
function holdsInfinity(attributes: unknown): boolean {
  const settings = typeof attributes === "object" && attributes !== null
    ? Object.values(attributes) : [attributes];
  return settings.some((value) => value === Infinity || value === -Infinity);
}
