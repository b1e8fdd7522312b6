// Views in the graph: a recorded write to a view gives its base a history, and a recorded write to
// a base reaches its views when they are next asked for theirs.
import { fail } from "../errors.ts";
import { overlaps, type Layout } from "../shape/layout.ts";
import { windowOf, type Window } from "../shape/window.ts";
import type { Lineage, Rebased, Tensor } from "../tensor/tensor.ts";
import { arithmetic } from "./arithmetic.ts";
import { isGradEnabled } from "./modes.ts";
import { edgeTo, Node, release, retain, typeOf, type Differentiable, type Edge } from "./node.ts";

/** A view of a base after a write: the elements of a window. */
const asStrided: Differentiable = {
  name: "asStrided", inputs: ["input"],
  rules: [{
    reads: [],
    gradient: ({ grad, attributes }) => arithmetic.placed(grad, attributes as Window),
  }],
};

/** A base after a write to a view of it: its elements, but in a window those of `value`. */
const copySlices: Differentiable = {
  name: "copySlices", nodeName: "CopySlices", inputs: ["input", "value"],
  rules: [{
    reads: [],
    gradient: ({ grad, attributes }) => arithmetic.cleared(grad, attributes as Window),
  }, {
    reads: [],
    gradient: ({ grad, attributes }) => arithmetic.shown(grad, attributes as Window),
  }],
};

/** How a view was made, where that forbids recording writes to it. */
export type Restriction =
  /** While its base had a history and nothing was recorded. */
  | { readonly kind: "noGrad" }
  /** As one of several, by what PyTorch calls `maker`. */
  | { readonly kind: "several"; readonly maker: string; readonly output: number }
  /** By vmap, which gives each sample a part of a tensor outside. */
  | { readonly kind: "vmap" }
  /** As output `output` of a custom function. */
  | { readonly kind: "function"; readonly maker: string; readonly output: number };

const unrecorded: Restriction = { kind: "noGrad" };

/** A view's place in the family of its base. */
class View implements Lineage {
  readonly base: Tensor;
  restriction: Restriction | null;
  /** What the base had been given when the history of the view was last up to date. */
  private seen: Rebased | null;

  constructor(base: Tensor, restriction: Restriction | null) {
    this.base = base;
    this.restriction = restriction;
    this.seen = base.family!.rebased;
  }

  follow(view: Tensor): void {
    const { rebased } = this.base.family!;
    if (rebased !== this.seen) this.renew(view, rebased!);
  }

  private renew(view: Tensor, rebased: Rebased): void {
    const { restriction } = this;
    // of several views none is written to, and what the others show is plainly part of the base
    if (restriction !== null && restriction.kind !== "several") refuse("view", restriction, true);
    this.seen = rebased;
    const isRetained = release(view);
    const type = typeOf(view);
    const { node, index, layout } = rebased;
    view.history = new Node(asStrided, windowOf(view, layout), [{ node: node as Node, index }],
      [layout.shape], [type], null);
    view.outputIndex = 0;
    if (isRetained) retain(view);
  }
}

/** Makes `view`, which shows memory of `input`, follow writes to it and to other views of it. */
export function joinFamily(view: Tensor, input: Tensor): void {
  const base = input.base ?? input;
  base.family ??= { rebased: null };
  const inherited = (input.lineage as View | null)?.restriction ?? null;
  view.base = base;
  view.lineage = new View(base,
    inherited ?? (isGradEnabled() || base.history === null ? null : unrecorded));
}

/** Forbids recorded writes to a view. */
export function restrict(view: Tensor, restriction: Restriction): void {
  (view.lineage as View).restriction = restriction;
}

/** Marks views that one call has made: writes to one are not to be recorded. */
export function several<T extends readonly Tensor[]>(maker: string, views: T): T {
  views.forEach((view, output) => restrict(view, { kind: "several", maker, output }));
  return views;
}

/**
 * Checks a write to a view before anything is changed.
 * @throws when the way the view was made forbids it, or the base shows an element several times
 */
export function checkViewWrite(op: string, target: Tensor, recorded: boolean): void {
  const { base } = target;
  if (base === null || !isGradEnabled()) return;
  const restriction = (target.lineage as View).restriction;
  if (restriction !== null && (recorded ||
    (restriction.kind === "noGrad" && base.history !== null))) refuse(op, restriction, false);
  if (recorded && overlaps(base.shape, base.strides)) {
    fail(op, "unsupported operation: more than one element of the base of the written-to view " +
      "refers to a single memory location. Please clone() the base before the write");
  }
}

function refuse(op: string, restriction: Restriction, isIndirect: boolean): never {
  const what = isIndirect ? "and its base or another view of its base has been" : "and is being";
  if (restriction.kind === "noGrad") {
    fail(op, `A view was created in noGrad mode ${what} modified inplace with grad mode ` +
      "enabled. Given that this use case is ambiguous and error-prone, it is forbidden. You can " +
      "clarify your code by moving both the view and the inplace either both inside noGrad(() " +
      "=> …) (if you don't want the inplace to be tracked) or both outside (if you want the " +
      "inplace to be tracked), or by a clone() of the view.");
  }
  if (restriction.kind === "vmap") {
    fail(op, `a tensor that vmap has taken apart${isIndirect ? ", or its base," : ""} is written ` +
      "to in place while recording: clone() it inside of the function, or use the op without " +
      "underscore");
  }
  const { kind, maker, output } = restriction;
  fail(op, `Output ${output} of ${maker} is a view ${what} modified inplace. ` +
    (kind === "several"
      ? "This view is the output of a function that returns multiple views. Such functions do " +
        "not allow the output views to be modified inplace. You should replace the inplace " +
        "operation by an out-of-place one."
      : "This view was created inside a custom Function (or because an input was returned as-is) " +
        "and the autograd logic to handle view+inplace would override the custom backward " +
        "associated with the custom Function, leading to incorrect gradients. This behavior is " +
        "forbidden. You can fix this by cloning the output of the custom Function."));
}

/** Hands on what was recorded for a write to `target`: to its base, and to all views of that. */
export function rebase(target: Tensor, written: Edge): void {
  const { base, family } = target;
  if (base === null) {
    if (family !== null) family.rebased = { ...written, layout: layoutOf(target) };
    return;
  }
  const node = new Node(copySlices, windowOf(target, base), [edgeTo(base), written],
    [base.shape, target.shape], [typeOf(base)], null);
  const isRetained = release(base);
  base.history = node;
  base.outputIndex = 0;
  if (isRetained) retain(base);
  base.family!.rebased = { node, index: 0, layout: layoutOf(base) };
}

function layoutOf({ shape, strides, offset }: Tensor): Layout {
  return { shape, strides, offset };
}
