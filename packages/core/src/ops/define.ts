// Ops with a kernel of their own, and views: how an entry states forward and gradient rules.
import { arithmetic } from "../autograd/arithmetic.ts";
import type { Differentiable, ForwardRule, Rule, RuleContext } from "../autograd/node.ts";
import { record } from "../autograd/record.ts";
import { joinFamily } from "../autograd/views.ts";
import type { Shape } from "../shape/dims.ts";
import type { Layout } from "../shape/layout.ts";
import { BatchedRead, isBatching } from "../storage/batched.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isBatched, oneByOne, perSample } from "./batching.ts";
import { addInto, freshFor } from "./memory.ts";
import { entry, type Description, type Op, type Signature } from "./op.ts";

/** What a rule is given: the arriving gradient, shapes of the inputs, and the values it reads. */
export type Context<A, Reads extends string> = {
  /** Gradient of the (first) output. */
  readonly grad: Tensor;
  /** Shapes of the inputs. */
  readonly shapes: readonly Shape[];
  readonly attributes: A;
} & { readonly [name in Reads]: Tensor };

/** A gradient rule that was given attributes of type `A`. */
export interface GradientRule<A> {
  readonly reads: readonly string[];
  readonly gradient: (context: Context<A, never>, position: number) => Tensor | null;
}

/**
 * Makes a gradient rule that reads the inputs named, or `output`, and nothing else: only these are
 * kept from the forward pass. `position` tells which of several like inputs is meant.
 */
export type Reads<A> = <const Name extends string = never>(
  names: readonly Name[],
  gradient: (context: Context<A, Name>, position: number) => Tensor | null,
) => GradientRule<A>;

function reads<A, Name extends string>(
  names: readonly Name[],
  gradient: (context: Context<A, Name>, position: number) => Tensor | null,
): GradientRule<A> {
  return { reads: names, gradient: gradient as GradientRule<A>["gradient"] };
}

/** The checked arguments of a call: tensors, and what else the kernel and the rules need. */
export interface Prepared<A> {
  readonly inputs: readonly Tensor[];
  readonly attributes: A;
}

/** An entry with a kernel of its own. */
export interface PrimitiveDescription<F extends Signature, I extends string, A>
  extends Description {
  /** Names of the tensor inputs. A single name ending in `…` stands for any number of tensors. */
  readonly inputs: readonly I[];
  /** Checks the arguments of a call before anything is computed. */
  readonly prepare: (...args: Parameters<F>) => Prepared<A>;
  /** Computes the outputs, without history; of one sample at a time, unless `batches`. */
  readonly forward: (inputs: readonly Tensor[], attributes: A) => Tensor | readonly Tensor[];
  /** One rule per input, each made by `reads`; `null` where the input has no gradient. */
  readonly gradients: (reads: Reads<A>) => { readonly [K in I]: GradientRule<A> | null };
  /** Makes what the user gets from several outputs. */
  readonly finish?: (outputs: readonly Tensor[]) => ReturnType<F>;
  /**
   * Whether the op is linear in each input for fixed values of the others: its tangent is the sum
   * of its values with one input replaced by that one's tangent. Saves transposing the rules.
   */
  readonly multilinear?: boolean;
  /** Whether `forward` copes with tensors that stand for a batch. */
  readonly batches?: boolean;
  readonly method?: Signature;
}

/** An op of the table with a kernel of its own. */
export function primitive<F extends Signature, I extends string, A>(
  description: PrimitiveDescription<F, I, A>,
): Op<F> {
  const { name, inputs, prepare, forward, gradients, finish, multilinear, batches = false, method,
    ...rest } = description;
  const variadic = inputs.length === 1 && inputs[0].endsWith("…");
  const given = gradients(reads);
  const rules: (Rule | null)[] = inputs.map((input) => asRule(given[input], 0));
  const compute = (given: readonly Tensor[], attributes: A): readonly Tensor[] => {
    const result = forward(given, attributes);
    return result instanceof Tensor ? [result] : result;
  };
  const apply = (given: readonly Tensor[], attributes: A): readonly Tensor[] => {
    const outputs = isBatching && !batches && given.some(isBatched)
      ? oneByOne(name, given, (sample) => compute(sample, attributes))
      : compute(given, attributes);
    record(variadic ? many(given.length) : op, given, outputs, attributes);
    return outputs;
  };
  const op: Differentiable = multilinear === true
    ? { name, inputs, rules, forward: sumOfTangents(apply) } : { name, inputs, rules };
  const many = (count: number): Differentiable => ({
    name, inputs: Array.from({ length: count }, (_, i) => `${i}`),
    rules: Array.from({ length: count }, (_, i) =>
      asRule(rules[0] as GradientRule<A> | null, i)),
  });
  const call = (...args: Parameters<F>): unknown => {
    let prepared: Prepared<A>;
    try {
      prepared = prepare(...args);
    } catch (error) {
      if (error instanceof BatchedRead) return perSample(error, name, call, args);
      throw error;
    }
    const outputs = apply(prepared.inputs, prepared.attributes);
    return finish === undefined ? outputs[0] : finish(outputs);
  };
  return entry(call as unknown as F,
    { ...rest, name, kind: "primitive", inputs, rules, method: method ?? null });
}

/** The tangents of an op with one output that is linear in each input. */
function sumOfTangents<A>(
  apply: (inputs: readonly Tensor[], attributes: A) => readonly Tensor[],
): ForwardRule {
  return (tangents, inputs, attributes) => {
    let total: Tensor | null = null;
    tangents.forEach((tangent, i) => {
      if (tangent === null) return;
      const [part] = apply((inputs as readonly Tensor[]).with(i, tangent), attributes as A);
      total = total === null ? part : arithmetic.add(total, part);
    });
    return [total];
  };
}

function asRule<A>(rule: GradientRule<A> | null, position: number): Rule | null {
  if (rule === null) return null;
  return {
    reads: rule.reads,
    gradient: (context: RuleContext, at = position) =>
      rule.gradient(context as unknown as Context<A, never>, at),
  };
}

/** Values in row-major order, which every view can be made of. */
function inRowMajor(tangent: Tensor): Tensor {
  return tangent.isContiguous() ? tangent : arithmetic.clone(tangent);
}

/** An entry that shows the elements of its input in another arrangement, without a copy. */
export interface ViewDescription<F extends Signature, A> extends Description {
  readonly prepare: (...args: Parameters<F>) => { readonly input: Tensor; readonly attributes: A };
  /** Where the elements of the view lie, given where those of the input lie. */
  readonly geometry: (layout: Layout, attributes: A) => Layout;
  /**
   * The gradient as another view of `grad`, where there is one. Otherwise `grad` is added into
   * zeros through the same view.
   */
  readonly inverse?: (grad: Tensor, shape: Shape, attributes: A) => Tensor;
}

/** An op of the table that returns a view sharing memory with its input. */
export function view<F extends Signature, A>(description: ViewDescription<F, A>): Op<F> {
  const { name, prepare, geometry, inverse, ...rest } = description;
  const show = (input: Tensor, attributes: A): Tensor => {
    const { shape, strides, offset } = geometry(input, attributes);
    return new Tensor(input.storage, shape, strides, offset);
  };
  const apply = (input: Tensor, attributes: A): Tensor => {
    const result = show(input, attributes);
    joinFamily(result, input);
    record(op, [input], [result], attributes);
    return result;
  };
  const scatter = (grad: Tensor, shape: Shape, attributes: A): Tensor => {
    const result = freshFor([grad], shape, grad.dtype);
    addInto(show(result, attributes), grad);
    record(scatterOp, [grad], [result], attributes);
    return result;
  };
  const gradient = inverse ?? scatter;
  const op: Differentiable = {
    name, inputs: ["input"],
    rules: [asRule(reads<A, never>([], ({ grad, shapes: [shape], attributes }) =>
      gradient(grad, shape, attributes)), 0)],
    forward: ([tangent], _, attributes) =>
      [tangent && apply(inRowMajor(tangent), attributes as A)],
  };
  const scatterOp: Differentiable = {
    name: `${name}Backward`, inputs: ["grad"],
    rules: [asRule(reads<A, never>([], ({ grad, attributes }) => apply(grad, attributes)), 0)],
  };
  const call = (...args: Parameters<F>) => {
    const { input, attributes } = prepare(...args);
    return apply(input, attributes);
  };
  return entry(call as unknown as F,
    { ...rest, name, kind: "view", inputs: op.inputs, rules: op.rules as (Rule | null)[] });
}
