// Backward hooks around one call of a module: two nodes, behind its arguments and its outputs.
import { Tensor, type NodeGradients, type Replacement } from "@chainrule/core";
import { fail, passThrough, show } from "@chainrule/core/internal";
import type { ModuleHooks } from "./hooks.ts";
import type { Module } from "./module.ts";

const warned = new WeakSet<Module>();

/** The hooks of one call. */
export class BackwardHooks {
  private readonly module: Module;
  private readonly hooks: ModuleHooks;
  /** Number of arguments, and the positions of those that require a gradient. */
  private argCount = 0;
  private inputs: readonly number[] = [];
  /** The gradients of the outputs in the pass that is running. */
  private gradOutput: NodeGradients | null = null;

  constructor(module: Module, hooks: ModuleHooks) {
    this.module = module;
    this.hooks = hooks;
  }

  /** Puts a node behind the arguments. */
  enter(args: readonly unknown[]): unknown[] {
    const { values, node, positions } = through(args);
    this.argCount = args.length;
    this.inputs = positions;
    node?.registerHook((gradients) => {
      const { gradOutput } = this;
      if (gradOutput === null) return null; // it did not come through the outputs
      this.gradOutput = null;
      const gradInput = this.runHooks(placed(gradients, positions, args.length), gradOutput);
      return positions.map((position) => gradInput[position]);
    });
    return values;
  }

  /** Puts a node behind the outputs. */
  leave(output: unknown): unknown {
    const isList = Array.isArray(output);
    const outputs: readonly unknown[] = isList ? output : [output];
    if (!isList && !(output instanceof Tensor)) this.warn(output);
    const { values, node, positions } = through(outputs);
    if (node === null) return output;
    node.registerPrehook((gradients) => {
      this.gradOutput = this.runPreHooks(placed(gradients, positions, outputs.length));
      const result = positions.map((position) => this.gradOutput![position]);
      if (this.inputs.length === 0) this.runWithoutInputs();
      return result;
    });
    return isList ? withNames(values, output) : values[0];
  }

  private runPreHooks(gradOutput: NodeGradients): NodeGradients {
    let current = gradOutput;
    for (const { hook } of this.hooks.backwardPre) {
      current = replaced("Backward pre hook", "gradOutput", hook(this.module, current), current);
    }
    return current;
  }

  private runHooks(gradInput: NodeGradients, gradOutput: NodeGradients): NodeGradients {
    let current = gradInput;
    for (const { hook } of this.hooks.backward) {
      const result = hook(this.module, current, gradOutput);
      current = replaced("Backward hook", "gradInput", result, current);
    }
    return current;
  }

  private runWithoutInputs(): void {
    const gradInput = new Array<null>(this.argCount).fill(null);
    const result = this.runHooks(gradInput, this.gradOutput!);
    this.gradOutput = null;
    if (result.every((gradient) => gradient === null)) return;
    fail("registerFullBackwardHook", "Backward hook for Modules where no input requires gradient " +
      "should always return None or None for all gradients.");
  }

  private warn(output: unknown): void {
    if (warned.has(this.module)) return;
    warned.add(this.module);
    console.warn(`${this.module.constructor.name}: full backward hooks see tensors and arrays of ` +
      `tensors; forward returned ${show(output)}, so they will not be called`);
  }
}

/** Sends those of some values that are tensors with a gradient through a node. */
function through(values: readonly unknown[]) {
  const positions = values.flatMap((value, i) =>
    value instanceof Tensor && value.requiresGrad ? [i] : []);
  const { tensors, node } =
    passThrough("backwardHook", positions.map((position) => values[position] as Tensor));
  const after = [...values];
  positions.forEach((position, i) => { after[position] = tensors[i]; });
  return { values: after, node, positions };
}

/** Gradients at the positions they belong to, `null` at all others. */
function placed(
  gradients: NodeGradients, positions: readonly number[], count: number,
): (Tensor | null)[] {
  const result = new Array<Tensor | null>(count).fill(null);
  positions.forEach((position, i) => { result[position] = gradients[i]; });
  return result;
}

function replaced(
  what: string, name: string, result: Replacement, before: NodeGradients,
): NodeGradients {
  if (result === undefined || result === null) return before;
  const after: NodeGradients = result instanceof Tensor ? [result] : result;
  if (!Array.isArray(after) || after.length !== before.length) {
    fail("Module", `${what} returned an invalid number of ${name}, got ` +
      `${Array.isArray(after) ? after.length : show(after)}, but expected ${before.length}`);
  }
  return after;
}

/** The names of a pair such as `{ values, indices }`, for what takes its place. */
function withNames(values: unknown[], before: readonly unknown[]): readonly unknown[] {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(before))) {
    if (Object.hasOwn(values, name)) continue;
    const at = before.indexOf(property.value);
    Object.defineProperty(values, name, at < 0 ? property : { ...property, value: values[at] });
  }
  return values;
}
