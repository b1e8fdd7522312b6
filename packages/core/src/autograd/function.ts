// Custom functions: a forward and a backward of the user's own, as one node of the graph.
import { fail, show } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { arithmetic } from "./arithmetic.ts";
import { callOf, FunctionContextBase, saveInto, type Call, type FunctionContext,
  type SavedTensors } from "./function-context.ts";
import { noGrad } from "./modes.ts";
import { nodeOf, type Differentiable, type OutputType, type RuleContext } from "./node.ts";
import { recordWrites } from "./in-place.ts";
import { refuseUnfinished } from "./synchronous.ts";
import { joinFamily, restrict } from "./views.ts";

/** What `backward` may return: one gradient per argument of the call, alone if there is one. */
export type Gradients = Tensor | null | readonly (Tensor | null | undefined)[];

/** A subclass of `Function`, as `apply` sees it. */
export interface FunctionClass {
  readonly name: string;
  forward(...args: never[]): unknown;
}

/** The arguments of `apply`: those of `forward`, without `ctx` unless `setupContext` has that. */
export type FunctionArguments<F extends FunctionClass> =
  F extends { setupContext(...args: never[]): unknown } ? Parameters<F["forward"]>
  : Parameters<F["forward"]> extends [unknown, ...infer Rest] ? Rest : never;

/**
 * Base class of operations with a gradient of their own.
 *
 * A subclass has a static `forward(ctx, …args)`, which runs without recording, and a static
 * `backward(ctx, …gradOutputs)`, which gives one gradient per argument: `null` for numbers and
 * other values. In the split form `forward(…args)` has no `ctx`, and
 * `setupContext(ctx, inputs, output)` saves. Second derivatives work when `backward` is made of
 * differentiable operations.
 * @example
 * ```ts
 * class Exp extends autograd.Function {
 *   static forward(ctx: autograd.FunctionContext, x: Tensor): Tensor {
 *     const output = x.exp();
 *     ctx.saveForBackward(output);
 *     return output;
 *   }
 *   static backward(ctx: autograd.FunctionContext, grad: Tensor): Tensor {
 *     const [output] = ctx.savedTensors;
 *     return grad.mul(output);
 *   }
 * }
 * const x = tensor(0, { requiresGrad: true });
 * Exp.apply(x).backward();
 * console.log(x.grad!.item()); // 1
 * ```
 * @see https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function
 */
export abstract class Function {
  /** @throws always: the methods are static */
  constructor() {
    const { name } = new.target;
    fail(name, "should not be instantiated. Methods on autograd functions are all static, so " +
      `call ${name}.apply(…)`);
  }

  /**
   * Calls the function: `forward` runs without recording, and its tensors get one node.
   * @throws when `forward` is missing, or changed an input in place without `ctx.markDirty`
   */
  static apply<F extends FunctionClass>(
    this: F, ...args: FunctionArguments<F>
  ): ReturnType<F["forward"]> {
    return applyCustom(this as unknown as Definition, args) as ReturnType<F["forward"]>;
  }
}

/** @internal A forward, a backward, and what messages call them. */
export interface Definition {
  readonly name: string;
  readonly forward?: (...args: unknown[]) => unknown;
  readonly setupContext?: (
    ctx: FunctionContext, inputs: readonly unknown[], output: unknown) => void;
  readonly backward?: (ctx: FunctionContext, ...grads: (Tensor | null)[]) => Gradients;
}

/** What the node of a call knows beyond its tensors. */
interface Attributes {
  readonly definition: Definition;
  readonly context: FunctionContext;
  readonly call: Call;
  /** By position, whether that argument is a tensor. */
  readonly isTensor: readonly boolean[];
  /** By position in what forward returned, which output of the node that is; −1 for others. */
  readonly outputs: readonly number[];
  readonly types: readonly OutputType[];
}

/** @internal Calls a custom function. */
export function applyCustom(definition: Definition, args: readonly unknown[]): unknown {
  const call = callOf(definition.name || "Function", args);
  const context = new FunctionContextBase<SavedTensors>(call) as unknown as FunctionContext;
  const inputs = args.filter((arg) => arg instanceof Tensor);
  const versions = inputs.map(({ storage }) => storage.version);
  const result = noGrad(() => {
    const output = forward(definition, context, args);
    refuseUnfinished(call.name, output);
    return output;
  });
  inputs.forEach((input, i) => checkUnchanged(call, input, versions[i]));
  const isList = Array.isArray(result);
  const returned = ownOutputs(call, inputs, isList ? result : [result]);
  const tensors = returned.filter((value) => value instanceof Tensor);
  for (const tensor of call.dirty) {
    if (tensors.includes(tensor)) continue;
    fail(call.name, "Some elements marked as dirty during the forward method were not returned " +
      "as output. The inputs that are modified inplace must all be outputs of the Function.");
  }
  let count = 0;
  const outputs = returned.map((value) => value instanceof Tensor ? count++ : -1);
  const isTensor = args.map((arg) => arg instanceof Tensor);
  const types = tensors.map(({ shape, dtype }) => ({ shape, dtype }));
  const attributes: Attributes = { definition, context, call, isTensor, outputs, types };
  recordWrites(operation(call, inputs.length), inputs, tensors, attributes, [...call.dirty]);
  tensors.forEach((tensor, output) => {
    if (tensor.base === null || call.dirty.has(tensor)) return;
    restrict(tensor, { kind: "function", maker: `${call.name}Backward`, output });
  });
  finish(call, tensors, attributes);
  return isList ? returned : returned[0];
}

function forward(
  definition: Definition, context: FunctionContext, args: readonly unknown[],
): unknown {
  if (typeof definition.forward !== "function") {
    fail(definition.name, "You must implement the forward function for custom " +
      "autograd.Function: a static method forward(ctx, …args)");
  }
  if (definition.setupContext === undefined) return definition.forward(context, ...args);
  const output = definition.forward(...args);
  definition.setupContext(context, args, output);
  return output;
}

/** @throws when an input that has a history was written to without saying so */
function checkUnchanged(call: Call, input: Tensor, version: number): void {
  if (input.storage.version === version || input.history === null || !call.isRecording) return;
  if (call.dirty.size > 0) return; // what shares the memory of a dirty input has changed with it
  fail(call.name, "forward changed an input in place, which would give wrong gradients: call " +
    "ctx.markDirty(input) first and return the input, or change a clone");
}

/** What forward returned, with aliases for tensors that have a history which must stay. */
function ownOutputs(
  call: Call, inputs: readonly Tensor[], returned: readonly unknown[],
): unknown[] {
  const aliases = new Map<Tensor, Tensor>();
  return returned.map((value) => {
    if (!(value instanceof Tensor) || call.dirty.has(value)) return value;
    if (value.history === null && !inputs.includes(value)) return value;
    let alias = aliases.get(value);
    if (alias === undefined) {
      alias = new Tensor(value.storage, value.shape, value.strides, value.offset);
      joinFamily(alias, value);
      aliases.set(value, alias);
      if (call.nonDifferentiable.has(value)) call.nonDifferentiable.add(alias);
    }
    return alias;
  });
}

/** Takes the history off outputs that have no gradient, and saves what the call has kept. */
function finish(call: Call, tensors: readonly Tensor[], attributes: Attributes): void {
  for (const tensor of tensors) {
    const node = nodeOf(tensor);
    if (call.node === null && node?.attributes === attributes) saveInto(node, call);
  }
  for (const tensor of tensors) {
    if (!call.nonDifferentiable.has(tensor)) continue;
    tensor.history = null;
    tensor.outputIndex = 0;
  }
  call.dirty.clear();
  call.nonDifferentiable.clear();
}

/** The operation that a node names: one rule per tensor, all from one run of backward. */
function operation({ name }: Call, count: number): Differentiable {
  const inputs = Array.from({ length: count }, (_, i) => `${i}`);
  const rules = inputs.map((_, i) => ({
    reads: [], gradient: (context: RuleContext) => backward(context)[i],
  }));
  return { name, inputs, rules, gradients: backward, isUserCode: true };
}

/** Runs the user's backward: the gradient of each tensor among the arguments. */
function backward(context: RuleContext): (Tensor | null)[] {
  const attributes = context.attributes as Attributes;
  const { definition, context: ctx, call, isTensor } = attributes;
  if (typeof definition.backward !== "function") {
    fail(call.name, "You must implement the backward method for your custom autograd.Function " +
      "to use it with backward mode AD");
  }
  const grads = attributes.outputs.map((index) => gradientAt(index, attributes, context));
  const versions = grads.map((grad) => grad?.storage.version);
  let result: unknown;
  call.isInBackward = true;
  try {
    result = definition.backward(ctx, ...grads);
  } finally {
    call.isInBackward = false;
    call.unpacked = null;
  }
  grads.forEach((grad, i) => {
    if (grad?.storage.version === versions[i]) return;
    fail(call.name, `backward changed the gradient of output ${i} in place, which others may ` +
      "hold: change a clone");
  });
  return checked(call, isTensor, result);
}

function gradientAt(
  index: number, { call, types }: Attributes, { grads }: RuleContext,
): Tensor | null {
  if (index < 0) return null;
  if (grads[index] !== null || !call.materializesGrads) return grads[index];
  return arithmetic.full(types[index].shape, 0, types[index].dtype);
}

/** @throws when what backward returned is not one gradient, or null, per argument */
function checked(
  call: Call, isTensor: readonly boolean[], result: unknown,
): (Tensor | null)[] {
  const { name, needsInputGrad } = call;
  const list: readonly unknown[] = Array.isArray(result) ? result : [result];
  const count = isTensor.length;
  if (list.length < count || list.slice(count).some((extra) => extra != null)) {
    fail(name, `function ${name}Backward returned an incorrect number of gradients (expected ` +
      `${count}, got ${list.length}): return one per argument of the call, null for those that ` +
      "have none");
  }
  const gradients: (Tensor | null)[] = [];
  for (let i = 0; i < count; i++) {
    const gradient = list[i];
    if (gradient === undefined && needsInputGrad[i]) {
      fail(name, `backward returned no gradient for argument ${i}, which requires one: return ` +
        "null if the result does not depend on it");
    }
    if (gradient != null && !(gradient instanceof Tensor)) {
      fail(name, `backward must return tensors, expected Variable or None (got ${show(gradient)}` +
        ` for argument ${i})`);
    }
    if (isTensor[i]) gradients.push(gradient ?? null);
    else if (gradient != null) {
      fail(name, `function ${name}Backward returned a gradient different from null at position ` +
        `${i}, but the corresponding forward input was not a tensor`);
    }
  }
  return gradients;
}
