// A gradient for a plain function: the functional form of a custom function.
import { fail, show } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { behind, savedTensor, type FunctionContext } from "./function-context.ts";
import { applyCustom, type Definition, type Gradients } from "./function.ts";

/** The gradients that a `vjp` is given: one per tensor returned, alone if one was returned. */
export type GradientsOf<R> = R extends Tensor ? Tensor
  : R extends readonly unknown[] ? { readonly [K in keyof R]: R[K] extends Tensor ? Tensor : null }
  : never;

/** The call that a `vjp` belongs to: only what is read has to be unchanged since. */
export interface CallValues<A, R> {
  readonly inputs: A;
  readonly output: R;
}

/** Values of a call with the tensors taken out: where each is saved, −1 for other values. */
interface Template {
  readonly values: readonly unknown[];
  readonly slots: readonly number[];
}

type Context = FunctionContext<{ inputs: Template; outputs: Template; isList: boolean }>;

/**
 * A function with a gradient of its own: `vjp` is given the gradient of the output, and gives that
 * of each argument.
 * @example
 * ```ts
 * const roundStraightThrough = autograd.customGradient(
 *   (x: Tensor) => x.round(), (grad) => grad);
 * const x = tensor([0.2, 1.7], { requiresGrad: true });
 * roundStraightThrough(x).sum().backward();
 * console.log(x.grad!.tolist()); // [ 1, 1 ]
 * ```
 */
export function customGradient<A extends readonly unknown[], R>(
  f: (...args: A) => R, vjp: (grad: GradientsOf<R>, call: CallValues<A, R>) => Gradients,
): (...args: A) => R {
  for (const part of [f, vjp]) {
    if (typeof part !== "function") fail("customGradient", `takes functions, got ${show(part)}`);
  }
  const definition: Definition = {
    name: f.name || "customGradient",
    forward(ctx, ...args) {
      const output = f(...args as unknown as A);
      keep(ctx as Context, args, output);
      return output;
    },
    backward(ctx, ...grads) {
      const { inputs, outputs, isList } = ctx as Context;
      const restore = ({ values, slots }: Template) => values.map((value, i) =>
        slots[i] < 0 ? value : savedTensor(behind(ctx), slots[i]));
      return vjp((isList ? grads : grads[0]) as GradientsOf<R>, {
        get inputs() { return restore(inputs) as unknown as A; },
        get output() { return (isList ? restore(outputs) : restore(outputs)[0]) as R; },
      });
    },
  };
  return (...args) => applyCustom(definition, args) as R;
}

function keep(ctx: Context, args: readonly unknown[], output: unknown): void {
  const tensors: Tensor[] = [];
  const template = (list: readonly unknown[]): Template => ({
    values: list.map((value) => value instanceof Tensor ? null : value),
    slots: list.map((value) => value instanceof Tensor ? tensors.push(value) - 1 : -1),
  });
  ctx.isList = Array.isArray(output);
  ctx.inputs = template(args);
  ctx.outputs = template(Array.isArray(output) ? output : [output]);
  ctx.saveForBackward(...tensors);
}
