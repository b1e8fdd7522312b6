// Random programs as a user could write them, in whole numbers, so that every path computes them
// exactly: what differs between two runs is a mistake in who holds which memory.
import {
  autograd, cat, checkpoint, ChainruleError, func, grad, manualSeed, noGrad, randint, stack, tensor,
  where, zeros, type Tensor,
} from "../../src/index.ts";

/** What a program has made and seen so far. */
export interface World {
  readonly rows: number;
  readonly columns: number;
  /** Parameters, each `[rows, columns]`. */
  readonly params: readonly Tensor[];
  /** Results of that shape, newest last. */
  readonly pool: Tensor[];
  /** Gradients and other things that the user keeps without looking at them yet. */
  readonly kept: Tensor[];
  /** Values that the user has looked at, and errors. */
  readonly log: (number[] | string)[];
}

/** A step; `pick` gives numbers below a bound that belong to it. */
type Action = (world: World, pick: (bound: number) => number) => void;

const LARGEST = 4;
const limited = (x: Tensor) => x.clamp(-LARGEST, LARGEST);

function any({ pool, params }: World, pick: (bound: number) => number): Tensor {
  const k = pick(pool.length + params.length);
  return k < pool.length ? pool[k]! : params[k - pool.length]!;
}

const randomIntegers = (shape: number[]) => randint(-LARGEST, LARGEST + 1, shape).to("float32");

/** The user's own op, which keeps what it is given in backward. */
function twice(world: World): (x: Tensor) => Tensor {
  class Twice extends autograd.Function {
    static forward(_: autograd.FunctionContext, x: Tensor) { return x.mul(2); }
    static backward(_: autograd.FunctionContext, gradient: Tensor) {
      const made = gradient.mul(3);
      world.kept.push(gradient, made);
      return made.sub(gradient);
    }
  }
  return (x) => Twice.apply(x) as Tensor;
}

/** Ops that make a new tensor of the common shape. */
const makers: ((world: World, x: Tensor, y: Tensor, pick: (bound: number) => number) => Tensor)[] =
[
  (_, x, y) => x.add(y),
  (_, x, y) => x.sub(y.mul(2)),
  (_, x, y) => x.mul(y),
  (_, x) => x.relu().neg(),
  (_, x, y) => where(x.gt(0), x, y),
  (_, x, y) => x.sub(y.sum(0, { keepdim: true })),
  (_, x, y) => x.add(y.sum(1, { keepdim: true })),
  (_, x) => x.sum().expand(x.shape),
  (_, x, y) => x.matmul(y.transpose(0, 1)).matmul(limited(y)),
  (_, x, y) => x.transpose(0, 1).matmul(y).sum(1).add(x),
  ({ rows }, x, y) => cat([x.narrow(0, 2, rows - 2), y.narrow(0, 0, 2)]),
  ({ columns }, x, y) => cat([y.narrow(1, 3, columns - 3), x.narrow(1, 0, 3)], 1),
  (_, x, y) => stack([x, y, x], 1).sum(1),
  ({ rows }, x, _, pick) => x.index(Array.from({ length: rows }, () => pick(rows))),
  (_, x) => x.flip(0),
  (_, x) => x.transpose(0, 1).contiguous().transpose(0, 1),
  (_, x, y) => x.amax(1, { keepdim: true }).add(y),
  (_, x, y) => x.cumsum(1).clamp(-LARGEST, LARGEST).add(y),
  (_, x, y) => x.to("int32").mul(2).to("float32").add(y),
  (_, x, y) => x.gt(y).to("float32").mul(x),
  (world, x) => twice(world)(x),
  (_, x, y) => checkpoint((a: Tensor, b: Tensor) => limited(a.mul(b)).relu().add(a), x, y),
  (_, x, y) => func.vmap((a: Tensor, b: Tensor) => a.mul(b).add(b.sum()))(x, y) as Tensor,
  (_, x) => x.clone(),
  (_, x) => x.reshape(-1).narrow(0, 0, x.numel()).view(x.shape),
  (_, x, y) => x.index("::2").sum(0).add(y),
  (world, x, y) => autograd.savedTensorsHooks((saved) => saved.add(1), (saved) => {
    const before = saved.sub(1);
    world.kept.push(before);
    return before;
  }, () => x.mul(y)),
];

/** Writes in place; they are done without recording, to parameters too. */
const writers: ((world: World, x: Tensor, y: Tensor, pick: (bound: number) => number) => void)[] =
[
  (_, x, y) => void x.add_(y),
  (_, x, y) => void x.mul_(y.transpose(0, 1).contiguous().transpose(0, 1)),
  (_, x) => void x.zero_(),
  (_, x, y) => void x.copy_(y),
  (_, x, y) => void x.index("::2").sub_(y.index("::2")),
  ({ columns }, x, y) => void x.index("...", "::3").copy_(y.index("...", "::3").index(0)
    .view(1, -1).expand(x.shape[0]!, Math.ceil(columns / 3))),
  ({ rows }, x) => void x.narrow(0, 1, rows - 1).copy_(x.narrow(0, 0, rows - 1)),
  ({ rows }, x) => void x.narrow(0, 0, rows - 1).copy_(x.narrow(0, 1, rows - 1)),
  ({ rows }, x) => void x.narrow(0, 1, rows - 1).add_(x.narrow(0, 0, rows - 1)),
  ({ rows }, x, y) => { // less than half of the memory
    const part = Math.floor(rows / 3);
    x.narrow(0, part, part).mul_(y.narrow(0, 0, part));
  },
  ({ rows }, x, y) => {
    const part = Math.floor(rows / 3);
    x.narrow(0, 1, part).copy_(y.narrow(0, part, part));
  },
  (_, x) => void x.sub_(x.narrow(0, 0, 1)),
  (_, x) => void x.sub_(x.index(0, 0)),
  ({ rows }, x) => void x.index(`1:${rows}`).indexPut_([`0:${rows - 1}`], x.index(`:${rows - 1}`)),
  ({ rows, columns }, x, _, pick) => void x.indexPut_([Array.from({ length: 5 },
    () => pick(rows))], randomIntegers([5, columns]), { accumulate: true }),
  ({ rows }, x) => {
    const square = x.narrow(1, 0, Math.min(rows, x.shape[1]!)).narrow(0, 0, Math.min(rows,
      x.shape[1]!));
    square.add_(square.transpose(0, 1));
  },
  (_, x, y) => void x.reshape(-1).narrow(0, 5, 300).copy_(y.reshape(-1).narrow(0, 9, 300)),
  (_, x) => void x.copy_(randomIntegers([...x.shape])),
  (_, x) => void x.copy_(x.to("int32").add(1)),
  (_, x, y) => void x.copy_(y.gt(0)),
  (_, x, y) => void x.addcmul_(y, x),
  (_, x, y) => { for (let k = 0; k < 6; k++) x.add_(y); },
];

function lossOf(world: World, pick: (bound: number) => number): Tensor {
  const x = any(world, pick).add(world.params[pick(world.params.length)]!);
  return pick(2) === 0 ? x.sum() : x.mul(any(world, pick)).sum();
}

const actions: Action[] = [
  (world, pick) => {
    const x = any(world, pick);
    const y = any(world, pick);
    world.pool.push(limited(makers[pick(makers.length)]!(world, x, y, pick)));
  },
  (world, pick) => noGrad(() => {
    const [x, y] = [any(world, pick), any(world, pick)];
    writers[pick(writers.length)]!(world, x, y, pick);
    x.clamp_(-LARGEST, LARGEST);
  }),
  (world, pick) => { // a recorded write
    const x = world.pool[pick(world.pool.length)]!;
    const y = any(world, pick);
    if (pick(2) === 0) x.mul_(y).clamp_(-LARGEST, LARGEST);
    else x.narrow(0, 0, 3).add_(y.narrow(0, 1, 3));
  },
  (world, pick) => lossOf(world, pick).backward({ retainGraph: pick(2) === 0 }),
  (world, pick) => { // two losses that share a graph
    const x = any(world, pick);
    x.sum().backward({ retainGraph: true });
    if (pick(2) === 0) for (const param of world.params) param.grad = null;
    x.mul(2).sum().backward({ retainGraph: pick(2) === 0 });
  },
  (world, pick) => { // gradients of what was computed, and as seeds of others
    const [from, to] = [any(world, pick), any(world, pick)];
    const found = grad(lossOf(world, pick), [from, to], { allowUnused: true, retainGraph: true });
    for (const one of found) if (one !== null) world.kept.push(one);
    if (found[0] && from.requiresGrad) from.backward(found[0], { retainGraph: true });
  },
  (world, pick) => {
    const loss = lossOf(world, pick);
    const param = world.params[pick(world.params.length)]!;
    const [first] = grad(loss, [param], { createGraph: true, allowUnused: true });
    if (first?.requiresGrad) first.mul(first).sum().backward();
  },
  (world, pick) => { world.params[pick(world.params.length)]!.grad = null; },
  (world, pick) => {
    const { grad: found } = world.params[pick(world.params.length)]!;
    if (found !== null) world.kept.push(pick(2) === 0 ? found : found.narrow(0, 1, 2));
  },
  (world, pick) => { // a step
    const { params } = world;
    const param = params[pick(params.length)]!;
    noGrad(() => {
      if (param.grad !== null) param.sub_(param.grad.sign()).clamp_(-LARGEST, LARGEST);
    });
    for (const one of params) one.grad = null;
  },
  (world, pick) => {
    const x = any(world, pick);
    const kind = pick(5);
    if (!x.requiresGrad) return;
    if (kind === 0) x.registerHook((gradient) => void world.kept.push(gradient));
    else if (kind === 1) x.registerHook((gradient) => gradient.mul(2));
    else if (kind === 2) {
      let isFirst = true;
      x.registerHook(() => {
        if (isFirst) throw new ChainruleError("hook", "the user's own error");
        isFirst = false;
      });
    } else if (kind === 3) {
      x.registerHook((gradient) => { // a pass within a pass
        const [inner] = grad(world.params[0]!.mul(gradient.detach()).sum(), [world.params[0]!]);
        world.kept.push(inner!);
      });
    } else x.gradFn?.registerPrehook((gradients) => {
      for (const gradient of gradients) if (gradient !== null) world.kept.push(gradient);
    });
  },
  (world, pick) => {
    const x = any(world, pick);
    if (x.requiresGrad && !x.isLeaf) x.retainGrad();
  },
  (world, pick) => {
    const x = any(world, pick);
    if (x.isLeaf || x.retainsGrad) if (x.grad !== null) world.kept.push(x.grad);
  },
  (world, pick) => void world.log.push([...any(world, pick).toTypedArray()]),
  (world, pick) => {
    if (world.kept.length > 0) {
      world.log.push([...world.kept[pick(world.kept.length)]!.toTypedArray()]);
    }
  },
  () => { // something large takes all of the ring
    for (let k = 0; k < 4; k++) zeros([30_000]).add(1);
  },
  (world, pick) => { // what nobody has kept is collected, and its place taken
    world.pool.splice(0, Math.max(0, world.pool.length - 3 - pick(4)));
  },
  (world, pick) => {
    const { value, tangent } = forward(any(world, pick), any(world, pick));
    world.pool.push(limited(value.detach()), limited(tangent.detach()));
  },
];

function forward(x: Tensor, direction: Tensor): { value: Tensor; tangent: Tensor } {
  const [value, tangent] = func.jvp((a: Tensor) => a.mul(a).add(a.sum()), [x.detach()],
    [direction.detach()]) as unknown as [Tensor, Tensor];
  return { value, tangent };
}

/** Runs a program; gives all that its user can have seen at the end. */
export function runProgram(
  [rows, columns]: readonly [number, number], program: readonly (readonly number[])[],
): readonly (readonly number[] | string)[] {
  manualSeed(rows * columns);
  const fresh = () => randomIntegers([rows, columns]);
  const params = [fresh(), fresh(), fresh()].map((one) => one.requiresGrad_());
  const world: World = {
    rows, columns, params, pool: [fresh(), zeros([rows, columns])], kept: [], log: [],
  };
  for (const [kind = 0, ...numbers] of program) {
    let next = 0;
    const pick = (bound: number) => numbers[next++ % numbers.length]! % bound;
    // most steps make something or write to it
    const action = actions[kind < 350 ? 0 : kind < 500 ? 1 : kind % actions.length]!;
    try {
      action(world, pick);
    } catch (error) {
      if (!(error instanceof ChainruleError)) throw error;
      world.log.push(error.message);
    }
  }
  const seen = [...params, ...params.map((param) => param.grad ?? tensor(0)), ...world.pool,
    ...world.kept];
  return [...world.log, ...seen.map((one) => [...one.toTypedArray()])];
}
