// What a custom function is given as `ctx`: a place to keep tensors and state for its backward.
import { fail, show } from "../errors.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isGradEnabled, setGradEnabled } from "./modes.ts";
import { save, unpack, type Node, type Saved } from "./node.ts";
import { checkInPlace } from "./in-place.ts";
import { isDual } from "./tangents.ts";

/** Tensors that a custom function saves: any number, `null` where there is none. */
export type SavedTensors = readonly (Tensor | null)[];

/** @internal One application of a custom function. */
export interface Call {
  readonly name: string;
  /** Arguments that require a gradient. */
  readonly needsInputGrad: readonly boolean[];
  /** Whether the call is made while recording is on. */
  readonly isRecording: boolean;
  /** What `saveForBackward` was given, until the node is there to hold it. */
  kept: SavedTensors;
  /** Which of these is a tensor, once the node holds them. */
  slots: readonly boolean[];
  /** The node of the call, `null` while there is none. */
  node: Node | null;
  /** Whether its backward is running, and the saved tensors as that sees them. */
  isInBackward: boolean;
  unpacked: SavedTensors | null;
  readonly dirty: Set<Tensor>;
  readonly nonDifferentiable: Set<Tensor>;
  materializesGrads: boolean;
}

/** @internal A call that has not run yet. */
export function callOf(name: string, args: readonly unknown[]): Call {
  return {
    name, isRecording: isGradEnabled(), kept: [], slots: [], node: null,
    isInBackward: false, unpacked: null,
    needsInputGrad: args.map((arg) =>
      arg instanceof Tensor && (arg.history !== null || isDual(arg))),
    dirty: new Set(), nonDifferentiable: new Set(), materializesGrads: true,
  };
}

/** @internal The call behind a context. */
export let behind: (context: FunctionContextBase<SavedTensors>) => Call;

/**
 * What forward leaves for backward. A function may keep numbers, shapes and the like as properties
 * of its own, declared by `State`: `FunctionContext<{ scale: number }>`.
 * @see https://pytorch.org/docs/stable/autograd.html#context-method-mixins
 */
export class FunctionContextBase<Saves extends SavedTensors> {
  readonly #call: Call;

  static {
    behind = (context) => context.#call;
  }

  /** @internal */
  constructor(call: Call) { this.#call = call; }

  /** By position, whether that argument of the call requires a gradient. */
  get needsInputGrad(): readonly boolean[] { return this.#call.needsInputGrad; }

  /**
   * Keeps tensors for backward, `null` where there is none. Inputs and outputs keep their history,
   * so that second derivatives work; other tensors count as constants.
   * @throws when given something that is no tensor
   */
  saveForBackward(...tensors: Saves): void {
    tensors.forEach((tensor, i) => {
      if (tensor === null || tensor instanceof Tensor) return;
      fail(this.#call.name, `saveForBackward can only save tensors, but argument ${i} is ` +
        `${show(tensor)}: keep other values as properties, as in ctx.scale = 2`);
    });
    this.#call.kept = tensors;
  }

  /**
   * What `saveForBackward` was given.
   * @throws when it was changed in place since, or released by an earlier backward
   */
  get savedTensors(): Saves { return savedTensors(this.#call) as Saves; }

  /**
   * Declares inputs that forward changes in place and returns; to be called before the change.
   * @throws when an input must not be changed in place: a leaf, or a view of one
   */
  markDirty(...tensors: readonly Tensor[]): void {
    const { name, isRecording, dirty, needsInputGrad } = this.#call;
    const recorded = isRecording && needsInputGrad.includes(true);
    for (const tensor of tensors) {
      checkMarked(name, "markDirty", tensor);
      setGradEnabled(isRecording, () =>
        checkInPlace(name, tensor, tensor.shape, tensor.dtype, recorded));
      dirty.add(tensor);
    }
  }

  /** Declares outputs that have no gradient. Backward is given zeros for them all the same. */
  markNonDifferentiable(...tensors: readonly Tensor[]): void {
    for (const tensor of tensors) {
      checkMarked(this.#call.name, "markNonDifferentiable", tensor);
      this.#call.nonDifferentiable.add(tensor);
    }
  }

  /** Whether backward is given zeros, rather than `null`, for outputs that nothing depends on. */
  setMaterializeGrads(value: boolean): void { this.#call.materializesGrads = value; }
}

/** What forward leaves for backward, with the types of own state and of saved tensors. */
export type FunctionContext<
  State extends object = object, Saves extends SavedTensors = readonly Tensor[],
> = FunctionContextBase<Saves> & State;

function checkMarked(name: string, method: string, tensor: unknown): void {
  if (!(tensor instanceof Tensor)) fail(name, `${method} takes tensors, got ${show(tensor)}`);
}

/** @internal Hands what a call has kept to its node, which was made meanwhile. */
export function saveInto(node: Node, call: Call): void {
  const saved: Saved[] = [];
  call.kept.forEach((tensor, i) => {
    if (tensor !== null) saved.push(save(`${i}`, tensor, call.name));
  });
  node.saved = saved;
  call.node = node;
  call.slots = call.kept.map((tensor) => tensor !== null);
  call.kept = [];
}

/** @internal What a call has kept; unpacked once while its backward runs. */
export function savedTensors(call: Call): SavedTensors {
  if (call.node === null) return call.kept;
  if (call.unpacked !== null) return call.unpacked;
  const tensors = call.slots.map((_, i) => savedTensor(call, i));
  if (call.isInBackward) call.unpacked = tensors;
  return tensors;
}

/** @internal One of the tensors that a call has kept. */
export function savedTensor({ node, kept, slots }: Call, i: number): Tensor | null {
  if (node === null) return kept[i];
  return slots[i] ? unpack(node, `${i}`) as Tensor : null;
}
