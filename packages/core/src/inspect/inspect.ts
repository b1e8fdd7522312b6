// `inspect`: the graph behind some tensors as something to look at.
import type { Node } from "../autograd/node.ts";
import { lineOf } from "../autograd/traces.ts";
import { fail, show } from "../errors.ts";
import { checkOptions } from "../tensor/options.ts";
import { Tensor } from "../tensor/tensor.ts";
import { collect, reachable, type Measured } from "./collect.ts";
import { fold as folded } from "./fold.ts";
import { Graph } from "./graph.ts";
import { measure } from "./measure.ts";

/** Something that knows the names of its parameters, as a `Module` does. */
export interface Named {
  namedParameters(): Iterable<readonly [string, Tensor]>;
}

/** Options of `inspect`. */
export interface InspectOptions {
  /** Names of leaves and of data: a module, or pairs such as `Object.entries({ w, x })`. */
  readonly parameters?: Named | Iterable<readonly [string, Tensor]>;
  /** Show blocks that repeat, such as the steps of an LSTM, once. Default `false`. */
  readonly fold?: boolean;
  /**
   * Run a backward pass from the sum of the tensors, to note values as far as they are kept,
   * norms of gradients and the time of each gradient rule. The graph is kept, no `.grad` is
   * touched and no hook runs. Default `false`.
   */
  readonly annotate?: boolean;
}

/**
 * The graph behind a tensor or several: as data, and from there as text, DOT, Mermaid and SVG.
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * const graph = inspect(w.mul(3).sum(), { parameters: [["w", w]] });
 * console.log(graph.nodes.map(({ op }) => op).join(" ")); // w mul sum
 * ```
 * @throws when a tensor was not computed from anything that requires grad; with `annotate` when the
 *   graph has been released by a backward pass
 */
export function inspect(
  tensors: Tensor | readonly Tensor[], options: InspectOptions = {},
): Graph {
  checkOptions("inspect", options, ["parameters", "fold", "annotate"]);
  const { parameters = [], fold = false, annotate = false } = options;
  const outputs: readonly unknown[] = Array.isArray(tensors) ? tensors : [tensors];
  if (outputs.length === 0) fail("inspect", "takes a tensor or several, got an empty list");
  for (const output of outputs) {
    if (!(output instanceof Tensor)) {
      fail("inspect", `takes a tensor or several, got ${show(output)}`);
    }
  }
  const list = outputs as readonly Tensor[];
  const tape = reachable(list);
  const measured = annotate ? measure(tape, list) : new Map<Node, Measured>();
  const data = collect(tape, list, {
    names: namesIn(parameters), lineOf,
    measured: (node) => measured.get(node) ?? unmeasured,
  });
  return new Graph(fold ? folded(data) : data);
}

const unmeasured: Measured = { values: null, gradNorm: null, milliseconds: null };

function namesIn(parameters: NonNullable<InspectOptions["parameters"]>): Map<Tensor, string> {
  const names = new Map<Tensor, string>();
  for (const pair of pairsIn(parameters)) {
    const [name, tensor] = Array.isArray(pair) ? pair as readonly unknown[] : [];
    if (typeof name !== "string" || !(tensor instanceof Tensor)) {
      fail("inspect", "parameters must be a module or pairs of a name and a tensor, got " +
        `${show(pair)} among them`);
    }
    if (!names.has(tensor)) names.set(tensor, name);
  }
  return names;
}

function pairsIn(parameters: unknown): Iterable<unknown> {
  const isObject = typeof parameters === "function" ||
    (typeof parameters === "object" && parameters !== null);
  if (isObject && "namedParameters" in parameters &&
    typeof parameters.namedParameters === "function") {
    return (parameters as Named).namedParameters();
  }
  if (isObject && Symbol.iterator in parameters) return parameters as Iterable<unknown>;
  return fail("inspect", "parameters must be a module or pairs of a name and a tensor, got " +
    show(parameters));
}
