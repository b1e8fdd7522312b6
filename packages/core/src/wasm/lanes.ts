// Vector arithmetic as values that become code: shared parts once, unchanging parts before loops.
import type { FunctionBuilder } from "./assembler.ts";
import type { Code } from "./encoding.ts";
import {
  call, get, isVectorName, lane, op, set, shift, shuffle, tee, v128, when, type VectorName,
} from "./instructions.ts";

/** How the 128 bits of a vector are looked at. */
export type LaneShape = "f32x4" | "f64x2" | "i32x4" | "i64x2";

/** One vector in the graph: the operands it is made of and the code behind theirs. */
interface Node {
  readonly id: number;
  readonly args: readonly Node[];
  /** Whether it is the same in every round of a loop. */
  readonly isInvariant: boolean;
  /** Code that follows the code of the operands. */
  readonly code: Code;
  /** In place of `code`: statements over the locals of the operands that set local `own`. */
  readonly statements: ((args: readonly number[], own: number) => Code) | null;
}

/** A graph of vectors from which the code of one function is made. */
export class LaneGraph {
  private readonly f: FunctionBuilder;
  private readonly known = new Map<string, Node>();

  constructor(f: FunctionBuilder) {
    this.f = f;
  }

  /** The vector that a local holds when the code runs. */
  local(local: number): Lanes {
    return new Lanes(this, this.node(`l${local}`, [], get(local), false), "f32x4");
  }

  /** A parameter of the function in all lanes. */
  parameter(local: number): Lanes {
    return new Lanes(this, this.node(`p${local}`, [], op("f32x4.splat", get(local)), true),
      "f32x4");
  }

  /** A constant in all lanes. */
  constant(value: number | bigint, shape: LaneShape): Lanes {
    const key = `${shape}${Object.is(value, -0) ? "-" : ""}${value}`;
    const known = this.known.get(key);
    return new Lanes(this, known ??
      this.node(key, [], v128(bytesOf(value, shape)), true), shape);
  }

  /** `function(…)` of every lane where `mask` holds, `otherwise` where not; rarely called. */
  callWhere(mask: Lanes, index: number, arg: Lanes, otherwise: Lanes): Lanes {
    const key = `where${index}:${mask.node.id},${arg.node.id},${otherwise.node.id}`;
    return new Lanes(this, this.node(key, [mask.node, arg.node, otherwise.node], [], null,
      ([test, x, usual], own) => [
        set(own, get(usual)),
        when(op("v128.any_true", get(test)), [
          this.callEach(index, [x], own),
          set(own, op("v128.bitselect", get(own), get(usual), get(test))),
        ]),
      ]), "f32x4");
  }

  /** `function(…)` of every lane, in float64. */
  call(index: number, args: readonly Lanes[]): Lanes {
    const nodes = args.map((arg) => arg.node);
    const key = `call${index}:${nodes.map((node) => node.id).join(",")}`;
    return new Lanes(this, this.node(key, nodes, [], null,
      (locals, own) => this.callEach(index, locals, own)), "f32x4");
  }

  private callEach(index: number, args: readonly number[], own: number): Code {
    return [0, 1, 2, 3].map((i) => set(own, lane("f32x4.replace_lane", i, get(own),
      op("f32.demote_f64", call(index, ...args.map((arg) =>
        op("f64.promote_f32", lane("f32x4.extract_lane", i, get(arg)))))))));
  }

  /** @internal The node of an instruction, made when it is new. */
  instruction(key: string, args: readonly Node[], name: VectorName): Node {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    if (!isVectorName(name)) throw new TypeError(`lanes: there is no instruction ${name}`);
    return this.node(key, args, op(name));
  }

  /** @internal The node with this key, made when it is new. */
  node(
    key: string, args: readonly Node[], code: Code, isInvariant: boolean | null = null,
    statements: Node["statements"] = null,
  ): Node {
    let node = this.known.get(key);
    if (node === undefined) {
      node = { id: this.known.size, args, code, statements,
        isInvariant: isInvariant ?? args.every((arg) => arg.isInvariant) };
      this.known.set(key, node);
    }
    return node;
  }

  /**
   * Code that computes `roots` into locals: `head` once before the loops, `body` in every round.
   * Constants must not stand in a loop: Node 24 and 26 build them anew in every round, which
   * makes exp 2.3× slower. Ordered by depth rather than root by root, long chains of
   * dependent instructions overlap: normals are then 1.7× as fast.
   */
  emit(
    roots: readonly (readonly [Lanes, number])[], order: "by root" | "by depth" = "by root",
  ): { head: Code; body: Code } {
    const uses = new Map<Node, number>();
    const count = (node: Node): void => {
      const before = uses.get(node) ?? 0;
      uses.set(node, before + 1);
      if (before === 0) node.args.forEach(count);
    };
    roots.forEach(([root]) => count(root.node));
    const places = new Map<Node, number>();
    const head = [...uses.keys()].filter((node) => node.isInvariant)
      .sort((a, b) => a.id - b.id)
      .map((node) => {
        const code = this.compute(node, uses, places);
        const place = places.get(node) ?? this.f.local("v128");
        places.set(node, place);
        return set(place, code);
      });
    const stages = order === "by depth" ? this.stages([...uses.keys()], uses, places) : [];
    const body = roots.map(([root, local]) => set(local, this.value(root.node, uses, places)));
    return { head, body: [stages, body] };
  }

  /** Code for all nodes that change, those of equal depth side by side. */
  private stages(
    nodes: readonly Node[], uses: Map<Node, number>, places: Map<Node, number>,
  ): Code {
    const depths = new Map<Node, number>();
    const depth = (node: Node): number => {
      let known = depths.get(node);
      if (known === undefined) {
        known = node.args.reduce((most, arg) => Math.max(most, depth(arg) + 1), 0);
        depths.set(node, known);
      }
      return known;
    };
    return nodes.filter((node) => !node.isInvariant && node.args.length > 0)
      .sort((a, b) => depth(a) - depth(b) || a.id - b.id)
      .map((node) => {
        const code = this.compute(node, uses, places);
        const place = this.f.local("v128");
        places.set(node, place);
        return set(place, code);
      });
  }

  /** Code that leaves the value of a node on the stack. */
  private value(node: Node, uses: Map<Node, number>, places: Map<Node, number>): Code {
    const place = places.get(node);
    if (place !== undefined) return get(place);
    const code = this.compute(node, uses, places);
    if (uses.get(node)! < 2 || node.args.length === 0) return code;
    const local = this.f.local("v128");
    places.set(node, local);
    return tee(local, code);
  }

  private compute(node: Node, uses: Map<Node, number>, places: Map<Node, number>): Code {
    if (node.statements === null) {
      return [node.args.map((arg) => this.value(arg, uses, places)), node.code];
    }
    const before: Code[] = [];
    const locals = node.args.map((arg) => {
      let place = places.get(arg);
      if (place === undefined) {
        const code = this.compute(arg, uses, places);
        place = this.f.local("v128");
        places.set(arg, place);
        before.push(set(place, code));
      }
      return place;
    });
    const own = this.f.local("v128");
    return [before, node.statements(locals, own), get(own)];
  }
}

const views = {
  f32x4: new Float32Array(4), f64x2: new Float64Array(2), i32x4: new Int32Array(4),
  i64x2: new BigInt64Array(2),
};

/** The bytes of a value in all lanes. */
function bytesOf(value: number | bigint, shape: LaneShape): Uint8Array {
  if (shape === "i64x2") views[shape].fill(BigInt(value));
  else views[shape].fill(Number(value));
  return new Uint8Array(views[shape].buffer).slice();
}

/** What a vector can be combined with; numbers stand for constants of its shape. */
export type LaneOperand = Lanes | number | bigint;

/** A vector in a graph, looked at as lanes of one shape. */
export class Lanes {
  readonly graph: LaneGraph;
  /** @internal */
  readonly node: Node;
  readonly shape: LaneShape;

  constructor(graph: LaneGraph, node: Node, shape: LaneShape) {
    this.graph = graph;
    this.node = node;
    this.shape = shape;
  }

  /** The same bits as lanes of another shape. */
  as(shape: LaneShape): Lanes {
    return shape === this.shape ? this : new Lanes(this.graph, this.node, shape);
  }

  /** The result of an instruction of this name, as lanes of `shape`. */
  apply(name: VectorName, shape: LaneShape, ...operands: LaneOperand[]): Lanes {
    const nodes = [this.node];
    let key = `${name}:${this.node.id}`;
    for (const operand of operands) {
      const { node } = this.operand(operand);
      nodes.push(node);
      key += `,${node.id}`;
    }
    return new Lanes(this.graph, this.graph.instruction(key, nodes, name), shape);
  }

  add(other: LaneOperand): Lanes { return this.same("add", other); }
  sub(other: LaneOperand): Lanes { return this.same("sub", other); }
  mul(other: LaneOperand): Lanes { return this.same("mul", other); }
  div(other: LaneOperand): Lanes { return this.same("div", other); }
  /** The larger one; NaN if either is NaN. */
  max(other: LaneOperand): Lanes { return this.same("max", other); }
  /** The smaller one; NaN if either is NaN. */
  min(other: LaneOperand): Lanes { return this.same("min", other); }
  /** `this < other ? other : this`, so that a NaN in `this` stays. */
  pmax(other: LaneOperand): Lanes { return this.same("pmax", other); }
  /** `other < this ? other : this`, so that a NaN in `this` stays. */
  pmin(other: LaneOperand): Lanes { return this.same("pmin", other); }
  abs(): Lanes { return this.same("abs"); }
  neg(): Lanes { return this.same("neg"); }
  sqrt(): Lanes { return this.same("sqrt"); }
  floor(): Lanes { return this.same("floor"); }
  ceil(): Lanes { return this.same("ceil"); }
  trunc(): Lanes { return this.same("trunc"); }
  nearest(): Lanes { return this.same("nearest"); }

  /** Lanes of ones where the relation holds, of zeros elsewhere. */
  eq(other: LaneOperand): Lanes { return this.same("eq", other).as("i32x4"); }
  ne(other: LaneOperand): Lanes { return this.same("ne", other).as("i32x4"); }
  lt(other: LaneOperand): Lanes { return this.same("lt", other).as("i32x4"); }
  gt(other: LaneOperand): Lanes { return this.same("gt", other).as("i32x4"); }
  le(other: LaneOperand): Lanes { return this.same("le", other).as("i32x4"); }
  ge(other: LaneOperand): Lanes { return this.same("ge", other).as("i32x4"); }

  and(other: LaneOperand): Lanes { return this.bits("and", other); }
  /** Bits of this that are not set in `other`. */
  andnot(other: LaneOperand): Lanes { return this.bits("andnot", other); }
  or(other: LaneOperand): Lanes { return this.bits("or", other); }
  xor(other: LaneOperand): Lanes { return this.bits("xor", other); }
  not(): Lanes { return this.bits("not"); }

  /** Bits of `whenSet` where this mask has ones, of `whenClear` elsewhere. */
  select(whenSet: Lanes, whenClear: Lanes): Lanes {
    return whenSet.apply("v128.bitselect", whenSet.shape, whenClear, this);
  }

  /** The magnitude of this with the sign of `other`; this must not be negative. */
  withSignOf(other: Lanes): Lanes {
    return this.or(other.and(this.graph.constant(-0, "f32x4")));
  }

  shl(bits: number): Lanes { return this.shifted("shl", bits); }
  /** Shift to the right that repeats the sign. */
  shr(bits: number): Lanes { return this.shifted("shr_s", bits); }
  /** Shift to the right that fills with zeros. */
  shru(bits: number): Lanes { return this.shifted("shr_u", bits); }

  /** 32-bit lanes by number: 0 to 3 of this, 4 to 7 of `other`. */
  shuffle(order: readonly [number, number, number, number], other: Lanes): Lanes {
    const key = `shuffle${order}:${this.node.id},${other.node.id}`;
    const nodes = [this.node, other.node];
    return new Lanes(this.graph, this.graph.node(key, nodes, shuffle(order, [], [])), this.shape);
  }

  private shifted(name: "shl" | "shr_s" | "shr_u", bits: number): Lanes {
    const code = shift(`${this.shape}.${name}` as "i32x4.shl", bits, []);
    const key = `${this.shape}.${name}${bits}:${this.node.id}`;
    return new Lanes(this.graph, this.graph.node(key, [this.node], code), this.shape);
  }

  private same(name: string, ...operands: LaneOperand[]): Lanes {
    return this.apply(`${this.shape}.${name}` as VectorName, this.shape, ...operands);
  }

  private bits(name: "and" | "andnot" | "or" | "xor" | "not", ...operands: LaneOperand[]): Lanes {
    return this.apply(`v128.${name}`, this.shape, ...operands);
  }

  private operand(operand: LaneOperand): Lanes {
    return operand instanceof Lanes ? operand : this.graph.constant(operand, this.shape);
  }
}

/** The two halves of float32 lanes as float64, worked on by `compute`, and rounded together. */
export function inFloat64(
  args: readonly Lanes[], compute: (...halves: Lanes[]) => Lanes,
): Lanes {
  const low = compute(...args.map((arg) => widened(arg)));
  const high = compute(...args.map((arg) => widened(arg.shuffle([2, 3, 2, 3], arg))));
  return narrowed(low).shuffle([0, 1, 4, 5], narrowed(high));
}

/** The first two lanes, numbers or integers, as float64. */
function widened(lanes: Lanes): Lanes {
  return lanes.apply(lanes.shape === "i32x4"
    ? "f64x2.convert_low_i32x4_s" : "f64x2.promote_low_f32x4", "f64x2");
}

function narrowed(lanes: Lanes): Lanes {
  return lanes.apply("f32x4.demote_f64x2_zero", "f32x4");
}
