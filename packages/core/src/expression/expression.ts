// Scalar expressions: immutable, interned trees over named variables. Equal trees are one object.
import { primitives, type Primitive } from "./primitives.ts";

/** What a node of an expression is. */
export type Kind = "constant" | "variable" | Primitive;

/**
 * A scalar expression: a constant, a variable, or a primitive of other expressions.
 *
 * Nodes are interned, so that a subexpression that occurs twice is the same object and is
 * computed once.
 */
export class Expression {
  readonly kind: Kind;
  readonly args: readonly Expression[];
  /** The value of a constant. */
  readonly value: number;
  /** The name of a variable. */
  readonly name: string;
  /** Position in the order of creation: arguments come before what uses them. */
  readonly id: number;

  private constructor(kind: Kind, args: readonly Expression[], value: number, name: string) {
    this.kind = kind;
    this.args = args;
    this.value = value;
    this.name = name;
    this.id = interned.size;
  }

  /** @internal The node with these parts, made when it is new. */
  static of(kind: Kind, args: readonly Expression[], value = 0, name = ""): Expression {
    const sign = Object.is(value, -0) ? "-" : "";
    const key = `${kind}:${name}:${sign}${value}:${args.map((arg) => arg.id).join(",")}`;
    let node = interned.get(key);
    if (node === undefined) {
      node = new Expression(kind, args, value, name);
      interned.set(key, node);
    }
    return node;
  }

  /** Whether values are truth values rather than numbers. */
  get isBoolean(): boolean {
    return this.kind !== "constant" && this.kind !== "variable" && primitives[this.kind].isBoolean;
  }

  add(other: Operand): Expression { return apply("add", this, other); }
  sub(other: Operand): Expression { return apply("sub", this, other); }
  mul(other: Operand): Expression {
    const right = expression(other);
    if (right.is(1)) return this;
    if (this.is(1)) return right;
    if (right.is(-1)) return this.neg();
    return apply("mul", this, right);
  }
  div(other: Operand): Expression {
    const right = expression(other);
    return right.is(1) ? this : apply("div", this, right);
  }
  pow(other: Operand): Expression { return apply("pow", this, other); }
  floorDivide(other: Operand): Expression { return apply("floorDivide", this, other); }
  remainder(other: Operand): Expression { return apply("remainder", this, other); }
  fmod(other: Operand): Expression { return apply("fmod", this, other); }
  atan2(other: Operand): Expression { return apply("atan2", this, other); }
  hypot(other: Operand): Expression { return apply("hypot", this, other); }
  /** The larger one; NaN if either is NaN. */
  max(other: Operand): Expression { return apply("max", this, other); }
  /** The smaller one; NaN if either is NaN. */
  min(other: Operand): Expression { return apply("min", this, other); }
  eq(other: Operand): Expression { return apply("eq", this, other); }
  ne(other: Operand): Expression { return apply("ne", this, other); }
  lt(other: Operand): Expression { return apply("lt", this, other); }
  le(other: Operand): Expression { return apply("le", this, other); }
  gt(other: Operand): Expression { return apply("gt", this, other); }
  ge(other: Operand): Expression { return apply("ge", this, other); }
  and(other: Operand): Expression { return apply("and", this, other); }
  or(other: Operand): Expression { return apply("or", this, other); }
  not(): Expression { return apply("not", this); }
  /** `whenTrue` where this holds, `whenFalse` elsewhere; the other one is not looked at. */
  select(whenTrue: Operand, whenFalse: Operand): Expression {
    return apply("select", this, whenTrue, whenFalse);
  }
  neg(): Expression { return this.kind === "neg" ? this.args[0] : apply("neg", this); }
  abs(): Expression { return apply("abs", this); }
  sign(): Expression { return apply("sign", this); }
  exp(): Expression { return apply("exp", this); }
  expm1(): Expression { return apply("expm1", this); }
  log(): Expression { return apply("log", this); }
  log1p(): Expression { return apply("log1p", this); }
  log2(): Expression { return apply("log2", this); }
  log10(): Expression { return apply("log10", this); }
  sqrt(): Expression { return apply("sqrt", this); }
  reciprocal(): Expression { return constant(1).div(this); }
  square(): Expression { return this.mul(this); }
  sin(): Expression { return apply("sin", this); }
  cos(): Expression { return apply("cos", this); }
  tan(): Expression { return apply("tan", this); }
  asin(): Expression { return apply("asin", this); }
  acos(): Expression { return apply("acos", this); }
  atan(): Expression { return apply("atan", this); }
  sinh(): Expression { return apply("sinh", this); }
  cosh(): Expression { return apply("cosh", this); }
  tanh(): Expression { return apply("tanh", this); }
  asinh(): Expression { return apply("asinh", this); }
  acosh(): Expression { return apply("acosh", this); }
  atanh(): Expression { return apply("atanh", this); }
  erf(): Expression { return apply("erf", this); }
  erfc(): Expression { return apply("erfc", this); }
  floor(): Expression { return apply("floor", this); }
  ceil(): Expression { return apply("ceil", this); }
  round(): Expression { return apply("round", this); }
  trunc(): Expression { return apply("trunc", this); }
  /** Whether the sign is negative, that of -0 too. */
  signbit(): Expression { return this.lt(0).or(this.reciprocal().lt(0)); }
  /** Whether this is NaN: the only value unequal to itself. */
  isNaN(): Expression { return this.ne(this); }

  /** Whether this is the constant `value`. */
  is(value: number): boolean {
    return this.kind === "constant" && Object.is(this.value, value);
  }
}

/** What an expression can be combined with. */
export type Operand = Expression | number;

const interned = new Map<string, Expression>();

/** The constant `value`. */
export function constant(value: number): Expression {
  return Expression.of("constant", [], value);
}

/** The variable called `name`; a kernel binds it to a tensor or to a number. */
export function variable(name: string): Expression {
  return Expression.of("variable", [], 0, name);
}

function expression(operand: Operand): Expression {
  return typeof operand === "number" ? constant(operand) : operand;
}

function apply(kind: Primitive, ...operands: Operand[]): Expression {
  const args = operands.map(expression);
  if (args.every((arg) => arg.kind === "constant")) {
    return constant(Number(primitives[kind].evaluate(...args.map((arg) => arg.value))));
  }
  return Expression.of(kind, args);
}

/**
 * All nodes of some expressions, arguments before what uses them; in an order that does not depend
 * on what other expressions there are, so that sums of derivatives round alike in every program.
 */
export function topological(roots: readonly Expression[]): readonly Expression[] {
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    node.args.forEach(visit);
    seen.add(node);
  };
  roots.forEach(visit);
  return [...seen];
}

/** Names of the variables that occur in some expressions. */
export function variablesOf(...roots: readonly Expression[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of topological(roots)) if (node.kind === "variable") names.add(node.name);
  return names;
}

/** The expression with every occurrence of the keys replaced by their values. */
export function substitute(
  root: Expression, replacements: ReadonlyMap<Expression, Expression>,
): Expression {
  const done = new Map(replacements);
  const replace = (node: Expression): Expression => {
    const known = done.get(node);
    if (known !== undefined) return known;
    if (node.args.length === 0) return node;
    const result = Expression.of(node.kind, node.args.map(replace));
    done.set(node, result);
    return result;
  };
  return replace(root);
}
