// What autograd adds to tensors: `requiresGrad`, `grad`, `backward` and their like.
import { typeNames } from "../dtype.ts";
import { fail, show } from "../errors.ts";
import { sameShape, showShape } from "../shape/dims.ts";
import { Tensor } from "../tensor/tensor.ts";
import { backward, type BackwardOptions } from "./backward.ts";
import { registerHook, registerPostAccumulateGradHook, type Hook } from "./hooks.ts";
import type { HookHandle, PostAccumulateGradHook } from "./node-hooks.ts";
import { accumulatorFor, matches, nodeOf, retain, retains, type Node } from "./node.ts";
import { settle } from "./reentry.ts";

declare module "../tensor/tensor.ts" {
  interface Tensor {
    /**
     * Whether operations on this tensor are recorded.
     * @throws when set on a tensor that was computed, or that does not hold floats
     */
    requiresGrad: boolean;
    /** Whether this was made by the user rather than computed from what requires a gradient. */
    readonly isLeaf: boolean;
    /** The node that computed this tensor; `null` for leaves. */
    readonly gradFn: Node | null;
    /**
     * The gradient that `backward` has accumulated; `null` before. Set to `null` to clear.
     * @throws when set to a tensor of another shape or dtype
     */
    grad: Tensor | null;
    /** Whether `backward` keeps the gradient of this computed tensor in `.grad`. */
    readonly retainsGrad: boolean;
    /**
     * Sets `requiresGrad` and returns the tensor.
     * @throws when this was computed, or does not hold floats
     */
    requiresGrad_(requiresGrad?: boolean): this;
    /**
     * Adds the gradient of this tensor to the `.grad` of the leaves it was computed from.
     * @throws when this requires no gradient, or is no scalar and `gradient` is missing
     */
    backward(gradient?: Tensor | null, options?: BackwardOptions): void;
    /** The same for a scalar, which needs no gradient. */
    backward(options: BackwardOptions): void;
    /**
     * Keeps the gradient of this computed tensor in `.grad`.
     * @throws when this does not require a gradient
     */
    retainGrad(): void;
    /**
     * Calls `hook` with the gradient of this tensor in every backward pass; what it returns takes
     * the gradient's place.
     * @throws when this does not require a gradient
     */
    registerHook(hook: Hook): HookHandle;
    /**
     * Calls `hook` with this leaf whenever backward has added to its `.grad`: to step an optimizer
     * at once and free the gradient, say.
     * @throws when this was computed, or does not require a gradient
     */
    registerPostAccumulateGradHook(hook: PostAccumulateGradHook): HookHandle;
  }
}

function setRequiresGrad(tensor: Tensor, value: boolean, op: string): void {
  if (typeof value !== "boolean") fail(op, `must be true or false, got ${show(value)}`);
  const node = nodeOf(tensor);
  if (node !== null && !node.isAccumulator) {
    if (value) return;
    fail(op, "you can only change requiresGrad flags of leaf variables. If you want to use a " +
      "computed variable in a subgraph that doesn't require differentiation use detach()");
  }
  if (value && !tensor.isFloatingPoint()) {
    fail(op, "Only Tensors of floating point and complex dtype can require gradients, this one " +
      `is ${typeNames[tensor.dtype]}`, { dtype: tensor.dtype });
  }
  if (value && node === null) {
    const known = accumulators.get(tensor);
    tensor.history = known !== undefined && matches(tensor, known.outputs[0])
      ? known : accumulatorFor(tensor);
  }
  if (value) return;
  if (node?.hooks) accumulators.set(tensor, node);
  tensor.history = null;
}

/** Accumulators of leaves that require no gradient now, and of the hooks registered there. */
const accumulators = new WeakMap<Tensor, Node>();

function setGrad(tensor: Tensor, value: Tensor | null): void {
  if (value !== null) {
    if (!(value instanceof Tensor)) {
      fail("grad", `assigned grad must be a tensor or null, got ${show(value)}`);
    }
    if (!sameShape(value.shape, tensor.shape)) {
      fail("grad", "assigned grad has data of a different size: " +
        `${showShape(value.shape)} for a tensor of shape ${showShape(tensor.shape)}`);
    }
    if (value.dtype !== tensor.dtype) {
      fail("grad", "assigned grad has data of a different type: " +
        `${value.dtype} for a tensor of ${tensor.dtype}`);
    }
    if (value === tensor) fail("grad", "can't assign a tensor as its own grad");
  }
  const before = tensor.gradient?.storage;
  if (before !== undefined && value !== tensor.gradient) {
    if (before.isPrivate) before.release();
    else before.unsettle();
  }
  tensor.gradient = value;
}

const warned = new WeakSet<object>();

function getGrad(tensor: Tensor): Tensor | null {
  const node = nodeOf(tensor);
  if (tensor.gradient === null && node !== null && !node.isAccumulator && !retains(tensor) &&
    !warned.has(node)) {
    warned.add(node);
    console.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. " +
      "Its .grad attribute won't be populated during autograd.backward(). If you indeed want the " +
      ".grad field to be populated for a non-leaf Tensor, use .retainGrad() on the non-leaf " +
      "Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf " +
      "Tensor instead.");
  }
  if (tensor.gradient !== null) tensor.gradient.storage.isPrivate = false;
  return tensor.gradient;
}

function retainGrad(tensor: Tensor): void {
  if (nodeOf(tensor) === null) {
    fail("retainGrad", "can't retainGrad on Tensor that has requiresGrad=false");
  }
  retain(tensor);
}

Object.defineProperties(Tensor.prototype, {
  requiresGrad: {
    get(this: Tensor) { return this.history !== null; },
    set(this: Tensor, value: boolean) { setRequiresGrad(this, value, "requiresGrad"); },
  },
  isLeaf: { get(this: Tensor) { return this.history === null || this.history.isAccumulator; } },
  gradFn: {
    get(this: Tensor) { return this.history?.isAccumulator ? null : this.history; },
  },
  grad: {
    get(this: Tensor) {
      settle();
      return getGrad(this);
    },
    set(this: Tensor, value: Tensor | null) {
      settle();
      setGrad(this, value);
    },
  },
  retainsGrad: { get(this: Tensor) { return retains(this); } },
});

Object.assign(Tensor.prototype, {
  requiresGrad_(this: Tensor, requiresGrad = true) {
    setRequiresGrad(this, requiresGrad, "requiresGrad_");
    return this;
  },
  backward(this: Tensor, first?: Tensor | BackwardOptions | null, options?: BackwardOptions) {
    const isOptions = options === undefined && typeof first === "object" && first !== null &&
      !(first instanceof Tensor) && !Array.isArray(first);
    if (isOptions) backward(this, null, first);
    else backward(this, (first ?? null) as Tensor | null, options);
  },
  retainGrad(this: Tensor) { retainGrad(this); },
  registerHook(this: Tensor, hook: Hook) { return registerHook(this, hook); },
  registerPostAccumulateGradHook(this: Tensor, hook: PostAccumulateGradHook) {
    return registerPostAccumulateGradHook(this, hook);
  },
});
