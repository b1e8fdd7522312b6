// The graph as plain data: what `inspect` gives, and the forms it can be written in.
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape/dims.ts";
import { toDot } from "./dot.ts";
import { toMermaid } from "./mermaid.ts";
import { toSvg } from "./svg.ts";
import { toText } from "./text.ts";

/** Shape and dtype of a value; the dtype of data that no operation has kept is not known. */
export interface ValueType {
  readonly shape: Shape;
  readonly dtype: DType | null;
}

/** What the values of a tensor are like. */
export interface Summary {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** How many are NaN or infinite; they count for nothing else. */
  readonly nonFinite: number;
}

/** One operation, one leaf that collects a gradient, or data without gradient. */
export interface GraphNode {
  /** Position in `nodes`: inputs come before what is computed from them. */
  readonly id: number;
  readonly kind: "op" | "parameter" | "data";
  /** Name of the operation; of leaves and data the name they were given, or `leaf`, `data`. */
  readonly op: string;
  /** The name PyTorch prints, such as `MulBackward0`; `null` for data. */
  readonly name: string | null;
  readonly outputs: readonly ValueType[];
  /** Settings of the operation, such as `dim: 1`. */
  readonly attributes: string;
  /** Bytes of the values that the operation keeps for its gradient rules. */
  readonly savedBytes: number;
  /** Where the user called it, if that was recorded: under `detectAnomaly`. */
  readonly line: string | null;
  /** Whether a name was given for it. */
  readonly isNamed: boolean;
  /** Whether this computed one of the tensors that were inspected. */
  readonly isOutput: boolean;
  /** How many nodes this stands for; more than one only in a folded block. */
  readonly count: number;
  /** The folded block it lies in, as a position in `blocks`. */
  readonly block: number | null;
  /** Values of the first output, where the graph still holds them; with `annotate`. */
  readonly values: Summary | null;
  /** Euclidean norm of the gradient; of all together for a folded block; with `annotate`. */
  readonly gradNorm: number | null;
  /** Time its gradient rules took; with `annotate`. */
  readonly milliseconds: number | null;
}

/** That a node reads what another has computed. */
export interface GraphEdge {
  readonly from: number;
  /** Which output of `from`. */
  readonly output: number;
  readonly to: number;
  /** Name of the input of `to`. */
  readonly input: string;
  /** How many edges this stands for; more than one only at folded blocks. */
  readonly count: number;
  /** Whether it leads from one repetition of a folded block to the next. */
  readonly isCarried: boolean;
}

/** Blocks of nodes that follow one another and are alike, of which the first is shown. */
export interface GraphBlock {
  readonly count: number;
  readonly nodes: readonly number[];
}

/** What a graph consists of. */
export interface GraphData {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly blocks: readonly GraphBlock[];
  /** Bytes the graph keeps for gradients, each memory once, that of leaves not counted. */
  readonly savedBytes: number;
}

/** The operations that led to some tensors, as data and in written forms. */
export class Graph implements GraphData {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly blocks: readonly GraphBlock[];
  readonly savedBytes: number;

  constructor({ nodes, edges, blocks, savedBytes }: GraphData) {
    this.nodes = nodes;
    this.edges = edges;
    this.blocks = blocks;
    this.savedBytes = savedBytes;
  }

  /** The leaves that collect a gradient. */
  get leaves(): readonly GraphNode[] {
    return this.nodes.filter(({ kind }) => kind === "parameter");
  }

  /** From the outputs back to the leaves, one line per operation, inputs named by `#id`. */
  toText(): string { return toText(this); }

  /** For Graphviz. */
  toDot(): string { return toDot(this); }

  /** For Markdown pages that draw Mermaid. */
  toMermaid(): string { return toMermaid(this); }

  /**
   * A picture that needs nothing else: data at the top, results at the bottom.
   * @throws when there are more operations than a picture can show
   */
  toSvg(): string { return toSvg(this); }

  toString(): string { return this.toText(); }
}
