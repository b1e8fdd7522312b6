// Random programs of views, in-place writes and reads, and the same programs without any of them:
// memory as a flat tensor, views as lists of positions, writes as `indexPut`.
import fc from "fast-check";
import { noGrad, sin, type Tensor } from "../../src/index.ts";
import { numel } from "../../src/internal.ts";
import { leaf, uniform } from "./drawn.ts";

/** One step; numbers are reduced to what there is to choose from when it runs. */
export interface Step {
  readonly does: "root" | "view" | "write" | "read";
  readonly what: number;
  readonly on: number;
  readonly a: number;
  readonly b: number;
}

/** Programs of up to fourteen steps. */
export const programs: fc.Arbitrary<readonly Step[]> = fc.array(fc.record({
  does: fc.constantFrom<Step["does"]>("root", "view", "view", "write", "write", "write", "read"),
  what: fc.nat(99), on: fc.nat(99), a: fc.nat(99), b: fc.nat(99),
}), { minLength: 3, maxLength: 14 });

/** A tensor in both worlds: the view itself; which memory it shows, and which elements of that. */
interface Shown {
  readonly tensor: Tensor;
  readonly memory: { flat: Tensor };
  readonly positions: readonly number[];
}

/** What a program computes with, and its results in both worlds. */
export interface Outcome {
  readonly leaves: readonly Tensor[];
  readonly imperative: Tensor[];
  readonly functional: Tensor[];
}

/** Runs a program in both worlds. */
export function runProgram(steps: readonly Step[]): Outcome {
  const leaves = [leaf([2, 3, 2], 1), leaf([], 2)];
  const outcome: Outcome = { leaves, imperative: [], functional: [] };
  const known = [root(leaves[0], 0)];
  for (const step of steps) {
    const target = known[step.on % known.length];
    if (step.does === "root") known.push(root(leaves[0], step.what));
    else if (step.does === "view") known.push(shownAs(target, step));
    else if (step.does === "write") write(target, step, known, leaves[1]);
    else read(target, outcome);
  }
  for (const one of known) read(one, outcome);
  return outcome;
}

/** Memory of its own: with a history, without one, or without one and in part of other memory. */
function root(x: Tensor, what: number): Shown {
  const tensor = [
    () => x.mul(1.5), () => uniform([2, 3, 2], what),
    () => uniform([4, 2, 2], what).narrow(0, 1, 3).permute(2, 0, 1).detach(),
  ][what % 3]();
  const flat = what % 3 === 0 ? x.mul(1.5).reshape(-1) : tensor.clone().reshape(-1);
  return { tensor, memory: { flat }, positions: [...flat.toTypedArray().keys()] };
}

/** A view, and where its elements are: the same view of the positions. */
function shownAs({ tensor, memory, positions }: Shown, { what, a, b }: Step): Shown {
  const view = viewer(tensor, what, a, b);
  const numbers = uniform(tensor.shape, 0);
  positions.forEach((position, i) => { numbers.storage.data[i] = position; });
  return { tensor: view(tensor), memory, positions: [...view(numbers).toTypedArray()] };
}

/** A view that tensors of this shape have; `numbers` above are in row-major order. */
function viewer(tensor: Tensor, what: number, a: number, b: number): (t: Tensor) => Tensor {
  const { ndim, shape } = tensor;
  if (ndim === 0) return (t) => t.unsqueeze(0);
  const [dim, other] = [a % ndim, b % ndim];
  const size = shape[dim];
  const kinds: ((t: Tensor) => Tensor)[] = [(t) => t.transpose(dim, other), (t) => t.unsqueeze(dim)];
  if (size > 0) kinds.push((t) => t.select(dim, b % size));
  if (size > 0) kinds.push((t) => t.narrow(dim, b % size, 1 + a % (size - b % size)));
  kinds.push((t) => t.slice(dim, { start: b % 2, step: 2 }));
  if (dim !== other) kinds.push((t) => t.diagonal({ dim1: dim, dim2: other }));
  if (size > 1) kinds.push((t) => t.unfold(dim, 2, 1));
  if (size === 1) kinds.push((t) => t.expand(shape.with(dim, 2)));
  if (tensor.isContiguous()) kinds.push((t) => t.view(-1));
  if (size > 0) kinds.push((t) => t.index(...shape.map((_, i) => i === dim ? b % size : ":")));
  return kinds[what % kinds.length];
}

/** An in-place op that saves nothing which a later write could change, and the same as a function. */
function write(target: Shown, { what, a, b }: Step, known: readonly Shown[], w: Tensor): void {
  if (new Set(target.positions).size < target.positions.length) return; // refused: it overlaps
  const { tensor, memory, positions } = target;
  const source = known[a % known.length];
  const apply = (change: (t: Tensor) => void, f: (t: Tensor) => Tensor): void => {
    const before = elementsOf(target);
    change(tensor);
    const after = f(before).expand(before.shape).reshape(-1);
    memory.flat = memory.flat.indexPut([[...positions]], after);
  };
  if (positions.length === 0) return;
  const total = source.tensor.clone().sum().sin();
  const totalThere = elementsOf(source).sum().sin();
  const value = 0.25 + b / 99;
  [
    () => apply((t) => t.mul_(w), (t) => t.mul(w)),
    () => apply((t) => t.mul_(value), (t) => t.mul(value)),
    () => apply((t) => t.sin_(), (t) => sin(t)),
    () => apply((t) => t.add_(total), (t) => t.add(totalThere)),
    () => apply((t) => t.copy_(total), () => totalThere),
    () => apply((t) => t.zero_(), (t) => t.mul(0)),
    () => apply((t) => t.addcmul_(t, w, { value }), (t) => t.add(t.mul(w).mul(value))),
    () => apply((t) => t.mul_(t), (t) => t.mul(t)),
    () => apply((t) => t.indexPut_(["..."], total), () => totalThere),
    () => apply((t) => noGrad(() => t.detach().add_(value)), (t) => t.add(value)),
  ][what % 10]();
}

/** The elements of a view, read from its memory. */
function elementsOf({ tensor, memory, positions }: Shown): Tensor {
  const { shape } = tensor;
  if (numel(shape) === 0) return memory.flat.narrow(0, 0, 0).reshape(shape);
  return memory.flat.index([...positions]).reshape(shape);
}

function read(target: Shown, { imperative, functional }: Outcome): void {
  imperative.push(target.tensor.clone());
  functional.push(elementsOf(target));
}
