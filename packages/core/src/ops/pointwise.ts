// Pointwise ops: from one expression come the kernel, the in-place variant and the gradient rules.
import { isFloat, promote, promoteNumber, type DType } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { derivative, grad, output, throughOutput } from "../expression/derivative.ts";
import { substitute, variable, variablesOf, type Expression } from "../expression/expression.ts";
import type { Differentiable, Rule, RuleContext } from "../autograd/node.ts";
import { checkDualWrite, isDual, isForward } from "../autograd/tangents.ts";
import { bumpVersion, checkInPlace, recordWrite } from "../autograd/in-place.ts";
import { isRecorded, record, type Input } from "../autograd/record.ts";
import { pointwiseProgram, type PointwiseProgram } from "../kernels/pointwise.ts";
import { broadcastShapes } from "../shape/broadcast.ts";
import type { Shape } from "../shape/dims.ts";
import { isBatching } from "../storage/batched.ts";
import type { Placed } from "../storage/place.ts";
import { runProgram } from "../storage/run.ts";
import { Storage } from "../storage/storage.ts";
import { numel } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isBatched } from "./batching.ts";
import { copyOf, forAllSamples, freshFor, operand } from "./memory.ts";
import { checkOptions, entry, type Description, type Op, type Signature } from "./op.ts";

/** The dtype of a result: that of the inputs, at least float32, or bool. */
export type ResultType = "promoted" | "float" | "bool";

/** Variables of an expression by name. */
type Variables<Name extends string> = { readonly [K in Name]: Expression };

/** An entry that computes each element of its result from one element of each input. */
export interface PointwiseDescription<I extends string, S extends string> extends Description {
  /** Names of the inputs, each a tensor or a number. */
  readonly inputs: readonly I[];
  /** Numbers given as options, with their defaults. */
  readonly scalars?: { readonly [K in S]: number };
  readonly result?: ResultType;
  /** The op itself. */
  readonly expression: (variables: Variables<I | S>) => Expression;
  /**
   * Gradients to use instead of the derived ones, where those would be less stable or would save
   * more; in terms of `grad`, `output` and the inputs. `null` where no gradient can be asked for.
   */
  readonly gradients?: {
    readonly [K in I]?: ((variables: Variables<I | S | "grad" | "output">) => Expression) | null;
  };
  /** Refuses inputs that the expression has a value for, but the op has not. */
  readonly check?: (inputs: readonly Input[], scalars: readonly number[]) => void;
  /** How a user calls the op, where that is not `(…inputs, options)`. */
  readonly call?: (apply: PointwiseApply) => Signature;
  readonly method?: Signature;
  /** `false` where writing the result into the first input makes no sense. */
  readonly inPlace?: boolean;
}

/** Computes the op, out of place or into its first input. */
export type PointwiseApply = (inputs: readonly Input[], scalars?: readonly number[]) => Tensor;

/** An op of the table from an expression. */
export function pointwise<F extends Signature, I extends string = string, S extends string = never>(
  description: PointwiseDescription<I, S>,
): Op<F> {
  const { name, inputs, scalars = {} as { readonly [K in S]: number }, expression, gradients = {},
    result = "promoted", check, call, method } = description;
  const scalarNames = Object.keys(scalars) as S[];
  const variables = () => Object.fromEntries([...inputs, ...scalarNames, "grad", "output"]
    .map((key) => [key, variable(key)])) as Variables<I | S | "grad" | "output">;
  const overrides = inputs.map((input: I) => {
    const gradient = (gradients as NonNullable<typeof description.gradients>)[input];
    return gradient && (() => gradient(variables()));
  });
  const op = new PointwiseOp(name, inputs, scalarNames, () => expression(variables()), result,
    overrides);
  op.defaults = scalarNames.map((key) => scalars[key]);
  const convention = call ?? inputsThenOptions(name, inputs, scalars);
  const { kinks, samples, rejects, formula } = description;
  const apply: PointwiseApply = (args, values = none) => {
    if (check !== undefined) check(args, values);
    return op.apply(args, values);
  };
  const write: PointwiseApply = (args, values = none) => {
    if (check !== undefined) check(args, values);
    return op.write(args, values);
  };
  return entry(convention(apply) as F, {
    name, kinks, samples, rejects, formula, kind: "pointwise", inputs, rules: op.rules,
    inPlace: description.inPlace === false || result === "bool" ? null : convention(write),
    method: method ?? null,
  });
}

const none: readonly never[] = [];

/** The usual way to call a pointwise op: its inputs, then an object with its scalars. */
function inputsThenOptions(
  name: string, inputs: readonly string[], scalars: { readonly [name: string]: number },
): (apply: PointwiseApply) => Signature {
  const names = Object.keys(scalars);
  const defaults = names.map((key) => scalars[key]);
  return (apply) => (...args: unknown[]) => {
    if (args.length > inputs.length + 1) {
      fail(name, `takes ${inputs.length} inputs and options, got ${args.length} arguments`);
    }
    const options = args.length <= inputs.length ? undefined
      : args.pop() as { [name: string]: number } | undefined;
    if (options !== undefined) checkOptions(name, options, names);
    for (let i = 0; i < inputs.length; i++) args[i] = checkInput(name, inputs[i], args[i]);
    return apply(args as Input[], options === undefined ? defaults
      : names.map((key) => checkNumber(name, key, options[key] ?? scalars[key])));
  };
}

/**
 * Checks that an input is a tensor or a number; truth values become 0 and 1.
 * @throws when it is something else
 */
export function checkInput(op: string, name: string, value: unknown): Input {
  if (value instanceof Tensor || typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return fail(op, `${name} must be a tensor or a number, got ${show(value)}`);
}

/**
 * Checks that an option is a number.
 * @throws when it is not
 */
export function checkNumber(op: string, name: string, value: unknown): number {
  if (typeof value !== "number") fail(op, `${name} must be a number, got ${show(value)}`);
  return value;
}

/** A pointwise operation: its expression, compiled for every mix of tensors and numbers. */
export class PointwiseOp implements Differentiable {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly scalars: readonly string[];
  /** What the scalars are if nobody says so: such settings need not be shown. */
  defaults: readonly number[] = none;
  readonly result: ResultType;
  readonly rules: (Rule | null)[];
  readonly forward = "elementwise";
  private readonly build: () => Expression;
  private built: Expression | null = null;
  private readonly programs: PointwiseProgram[] = [];

  /** `build` and the overrides of gradients are called when they are first needed. */
  constructor(
    name: string, inputs: readonly string[], scalars: readonly string[],
    build: () => Expression, result: ResultType,
    overrides: readonly ((() => Expression) | null | undefined)[] = [],
  ) {
    this.name = name;
    this.inputs = inputs;
    this.scalars = scalars;
    this.build = build;
    this.result = result;
    this.rules = inputs.map((input, i) => result === "bool" || overrides[i] === null
      ? null : new DerivedRule(this, input, overrides[i] ?? null));
  }

  get expression(): Expression { return this.built ??= this.build(); }

  /** The result as a new tensor, recorded. */
  apply(inputs: readonly Input[], scalars: readonly number[] = none): Tensor {
    const shape = this.shapeOf(inputs);
    const common = commonType(inputs);
    const dtype = this.resultType(common);
    const result = isBatching ? freshFor(inputs, shape, dtype)
      : new Tensor(Storage.zeros(dtype, numel(shape)), shape);
    this.run(inputs, scalars, result, common);
    record(this, inputs, [result], scalars);
    return result;
  }

  /** Writes the result into the first input, recorded, and returns that. */
  write(inputs: readonly Input[], scalars: readonly number[] = none): Tensor {
    const name = `${this.name}_`;
    const target = inputs[0];
    if (!(target instanceof Tensor)) return fail(name, `can't write into ${show(target)}`);
    const recorded = isRecorded(this, inputs);
    const common = commonType(inputs);
    checkInPlace(name, target, this.shapeOf(inputs, name), this.resultType(common), recorded);
    checkDualWrite(name, target, inputs);
    const kept = recorded || (isForward && inputs.some(isDual));
    const isRead = (i: number) =>
      this.rules.some((rule) => rule !== null && rule.reads.includes(this.inputs[i]));
    const sources = inputs.map((input, i) => {
      if (!(input instanceof Tensor) || input.storage.memory !== target.storage.memory) {
        return input;
      }
      return (kept && isRead(i)) || clashes(input, target) ? snapshot(input) : input;
    });
    this.run(sources, scalars, target, common);
    bumpVersion(target, name);
    recordWrite(this, sources, target, scalars);
    return target;
  }

  private run(
    inputs: readonly Input[], scalars: readonly number[], result: Tensor, common: DType,
  ): void {
    if (isBatching && (isBatched(result) || inputs.some(isBatched))) {
      [result, ...inputs] = forAllSamples(result, inputs);
    }
    const { shape } = result;
    const sources: Placed[] = [];
    const numbers: number[] = [];
    let numberMask = 0;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      if (typeof input === "number") {
        // A number is of the tensors' dtype: tensor([0.1]) equals 0.1.
        numbers.push(common === "float32" ? Math.fround(input) : input);
        numberMask |= 1 << i;
      } else sources.push(operand(input, shape));
    }
    const program = this.programs[numberMask] ??= this.programFor(numberMask);
    runProgram(program, shape, [operand(result, shape)], sources,
      numberMask === 0 ? scalars : [...numbers, ...scalars]);
  }

  private programFor(numberMask: number): PointwiseProgram {
    const isNumber = (_: string, i: number) => (numberMask & (1 << i)) !== 0;
    return pointwiseProgram([this.expression],
      this.inputs.filter((name, i) => !isNumber(name, i)),
      [...this.inputs.filter(isNumber), ...this.scalars]);
  }

  private shapeOf(inputs: readonly Input[], op = this.name): Shape {
    let shape: Shape | null = null;
    for (const input of inputs) {
      if (typeof input === "number") continue;
      shape = shape === null ? input.shape : broadcastShapes(op, shape, input.shape);
    }
    return shape ?? fail(op, `at least one of ${this.inputs.join(", ")} must be a tensor`);
  }

  private resultType(common: DType): DType {
    if (this.result === "bool") return "bool";
    return this.result === "float" && !isFloat(common) ? "float32" : common;
  }
}

/** The dtype that the inputs are promoted to. */
function commonType(inputs: readonly Input[]): DType {
  let dtype: DType | null = null;
  for (const input of inputs) {
    if (typeof input === "number") continue;
    const { dtype: other } = input.storage;
    dtype = dtype === null || dtype === other ? other : promote(dtype, other);
  }
  for (const input of inputs) {
    if (typeof input === "number") dtype = promoteNumber(dtype ?? "bool", input);
  }
  return dtype!;
}

/** A derivative as an op, or `null` where it is 0 or `grad` itself. */
interface Derived {
  readonly op: PointwiseOp | null;
  readonly expression: Expression | null;
  /** The values that are saved for it, all that it is computed from, and where its numbers are. */
  readonly reads: readonly string[];
  readonly sources: readonly string[];
  readonly scalars: readonly number[];
}

/** The gradient rule of one input, derived from the expression when it is first asked for. */
class DerivedRule implements Rule {
  private readonly op: PointwiseOp;
  private readonly input: string;
  private readonly override: (() => Expression) | null;
  private derived: Derived | null = null;

  constructor(op: PointwiseOp, input: string, override: (() => Expression) | null) {
    this.op = op;
    this.input = input;
    this.override = override;
  }

  get reads(): readonly string[] { return (this.derived ??= this.find()).reads; }

  readonly gradient = (context: RuleContext): Tensor => {
    const { op, expression, sources, scalars } = this.derived ??= this.find();
    if (expression === null) {
      const { shape, dtype } = context.grad;
      return new Tensor(Storage.zeros(dtype, numel(shape)), shape);
    }
    if (op === null) return context.grad;
    const inputs = new Array<Input>(sources.length);
    for (let i = 0; i < sources.length; i++) inputs[i] = context[sources[i]] as Input;
    const given = context.attributes as readonly number[];
    return op.apply(inputs, scalars.length === 0 ? none : scalars.map((at) => given[at]));
  };

  private find(): Derived {
    const { op } = this;
    const override = this.override?.() ?? null;
    const plain = override ?? derivative(op.expression, this.input);
    const trivial = { op: null, reads: none, sources: none, scalars: none };
    if (plain === null) return { ...trivial, expression: null };
    const expression = override ?? throughOutput(plain, op.expression);
    const names = variablesOf(expression);
    const reads = [...op.inputs, "output"].filter((name) => names.has(name));
    if (expression === grad) return { ...trivial, expression };
    const sources = names.has("grad") ? ["grad", ...reads] : reads;
    // `grad` and `output` get names of their own: the derivative of a derivative has them too.
    const inner = (name: string) =>
      name === "grad" || name === "output" ? `${op.name}.${name}` : name;
    const scalars = op.scalars.filter((name) => names.has(name));
    const renamed = substitute(expression, new Map([grad, output].map((node) =>
      [node, variable(inner(node.name))])));
    return {
      op: new PointwiseOp(`${op.name}Backward`, sources.map(inner),
        scalars, () => renamed, "promoted"),
      expression, reads, sources, scalars: scalars.map((name) => op.scalars.indexOf(name)),
    };
  }
}

/** Whether a write to `target`, of the same memory, would change what is later read of `source`. */
function clashes(source: Tensor, target: Tensor): boolean {
  return source.storage !== target.storage || !(source.offset === target.offset &&
    source.shape.length === target.shape.length &&
    source.shape.every((size, i) => size === target.shape[i]) &&
    source.strides.every((step, i) => step === target.strides[i]));
}

/** A copy of the values with the history and the tangents that they have. */
function snapshot(tensor: Tensor): Tensor {
  const copy = copyOf(tensor);
  copy.history = tensor.history;
  copy.outputIndex = tensor.outputIndex;
  copy.tangents = tensor.tangents;
  return copy;
}
