// Forward mode: how every op passes the tangents of its inputs on to its outputs.
import { sameShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { arithmetic } from "./arithmetic.ts";
import { spreadLike } from "./batch.ts";
import { run } from "./engine.ts";
import { enableGrad, isGradEnabled } from "./modes.ts";
import { accumulatorFor, edgeTo, type Differentiable, type Edge, type Rule, type RuleContext }
  from "./node.ts";
import { attach, isDual, levels, setLevels, tangentAt, withoutHistory } from "./tangents.ts";

/** The inputs of an op application; numbers have no tangent. */
type Inputs = readonly (Tensor | number)[];

/** What is known about one application of an op. */
interface Application {
  readonly op: Differentiable;
  readonly inputs: Inputs;
  readonly outputs: readonly Tensor[];
  readonly attributes: unknown;
}

/**
 * Gives the outputs of an op their tangents, for every level an input has one at. The tangent at a
 * level is computed with the levels outside of it only: tangents of tangents are mixed derivatives.
 */
export function pushForward(
  op: Differentiable, inputs: Inputs, outputs: readonly Tensor[], attributes: unknown,
): void {
  if (!inputs.some(isDual)) return;
  const application = { op, inputs, outputs, attributes };
  const followed = levels;
  const given = followed.map((level) => inputs.map((input) =>
    typeof input === "number" ? null : tangentAt(input, level)));
  for (const output of outputs) output.tangents = null; // written in place: those of its past
  try {
    given.forEach((tangents, depth) => {
      if (tangents.every((tangent) => tangent === null)) return;
      setLevels(followed.slice(0, depth));
      passOn(application, tangents).forEach((tangent, i) => {
        if (tangent === null || !outputs[i].isFloatingPoint()) return;
        attach(outputs[i], followed[depth], fitted(tangent, outputs[i]));
      });
    });
  } finally {
    setLevels(followed);
  }
}

/** Tangents of the outputs from those of the inputs. */
function passOn(
  application: Application, tangents: readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const { op, inputs, attributes } = application;
  if (op.forward === undefined) return transposed(application, tangents);
  return op.forward === "elementwise" ? [elementwise(application, tangents)]
    : op.forward(tangents, inputs, attributes);
}

/** A diagonal Jacobian is its own transpose: the gradient rules serve as they are. */
function elementwise(
  application: Application, tangents: readonly (Tensor | null)[],
): Tensor | null {
  let total: Tensor | null = null;
  tangents.forEach((tangent, i) => {
    const rule = application.op.rules[i];
    if (tangent === null || rule === null) return;
    const part = rule.gradient(contextOf(application, rule, [tangent], tangent));
    if (part !== null) total = total === null ? part : arithmetic.add(total, part);
  });
  return total;
}

/**
 * `J t` from the rules of `Jᵀ u`, which are linear in `u`: the gradient of `⟨Jᵀ u, t⟩` with respect
 * to `u`.
 */
function transposed(
  application: Application, tangents: readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const { op, inputs, outputs } = application;
  const createGraph = isGradEnabled() &&
    [...inputs, ...tangents].some((value) => value instanceof Tensor && value.history !== null);
  const cotangents = outputs.map((output) => {
    if (!output.isFloatingPoint()) return null;
    const zero = spreadLike(arithmetic.full(output.shape, 0, output.dtype), output);
    zero.history = accumulatorFor(zero);
    return zero;
  });
  const roots: Edge[] = [];
  const gradients: Tensor[] = [];
  // without a graph to be made, what lies behind the inputs is not to be walked through
  const given = createGraph ? application : {
    ...application, inputs: inputs.map(severed), outputs: outputs.map(severed) as Tensor[],
  };
  enableGrad(() => tangents.forEach((tangent, i) => {
    const rule = op.rules[i];
    if (tangent === null || rule === null) return;
    const first = cotangents[0] ?? arithmetic.full(outputs[0].shape, 0, "float32");
    const part = rule.gradient(contextOf(given, rule, cotangents, first));
    if (part === null) return;
    const edge = edgeTo(undone(part, inputs[i] as Tensor));
    if (edge === null) return; // zero wherever it is
    roots.push(edge);
    gradients.push(tangent);
  }));
  const results: (Tensor | null)[] = outputs.map(() => null);
  if (roots.length === 0) return results;
  const wanted = cotangents.flatMap((cotangent, i) =>
    cotangent === null ? [] : [{ edge: edgeTo(cotangent)!, i }]);
  run({ roots, gradients, retainGraph: false, createGraph, targets: wanted.map(({ edge }) => edge),
    capture: (target, value) => { results[wanted[target].i] = value; } });
  return results;
}

function severed(value: Tensor | number): Tensor | number {
  return typeof value === "number" || value.history === null ? value : withoutHistory(value);
}

/** What a gradient rule is given, with values instead of what a node saved. */
function contextOf(
  { op, inputs, outputs, attributes }: Application, rule: Rule,
  grads: readonly (Tensor | null)[], grad: Tensor,
): RuleContext {
  const shapes = inputs.map((input) => typeof input === "number" ? [] : input.shape);
  const context: { [name: string]: unknown } = { grad, grads, shapes, attributes };
  for (const name of rule.reads) {
    context[name] = name === "output" ? outputs[0] : inputs[op.inputs.indexOf(name)];
  }
  return context as unknown as RuleContext;
}

/** A gradient with the shape and dtype of its input, as the engine makes it. */
function undone(gradient: Tensor, { shape, dtype }: Tensor): Tensor {
  const summed = sameShape(gradient.shape, shape)
    ? gradient : arithmetic.sumToSize(gradient, shape);
  return summed.dtype === dtype ? summed : arithmetic.cast(summed, dtype);
}

/** A tangent with the shape and dtype of its output: parts may be broadcast or of another dtype. */
function fitted(tangent: Tensor, { shape, dtype }: Tensor): Tensor {
  const whole = sameShape(tangent.shape, shape) ? tangent : arithmetic.expand(tangent, shape);
  return whole.dtype === dtype ? whole : arithmetic.cast(whole, dtype);
}
