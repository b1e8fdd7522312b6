// func.vmap: dimensions, gradients inside and outside, nesting, forward mode, random numbers.
import { describe, expect, it } from "vitest";
import {
  Generator, Tensor, arange, autograd, bernoulli, cat, eye, func, gradcheck, gradgradcheck,
  manualSeed, multinomial, noGrad, ones, rand, randn, randnLike, randperm, stack, tensor, zeros,
  zerosLike,
} from "../../src/index.ts";

const { vmap } = func;
const wide = { dtype: "float64" } as const;
const random = (shape: number[], seed: number) =>
  randn(shape, { ...wide, generator: new Generator(seed) });

/** Sums in another order: a few 2⁻⁵³ per term. */
function close(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const wanted = expected.toTypedArray();
  actual.toTypedArray().forEach((value, i) =>
    expect(Math.abs(value - wanted[i])).toBeLessThan(1e-12));
}

const loop = (f: (...parts: Tensor[]) => Tensor, ...inputs: Tensor[]) =>
  stack(Array.from({ length: inputs[0].shape[0] }, (_, i) =>
    f(...inputs.map((input) => input.select(0, i)))));

describe("dimensions", () => {
  const x = random([3, 4, 2], 1);
  const y = random([2, 5], 2);

  it.each([[0, 0], [1, 1], [-1, -1], [2, 0], [0, -1]])("in at %i, out at %i", (inDim, outDim) => {
    const f = (part: Tensor) => part.exp().sum(0);
    const expected = stack([...x.unbind(inDim)].map(f), outDim);
    close(vmap(f, { inDims: inDim, outDims: outDim })(x), expected);
  });

  it("null gives every sample the same", () => {
    const f = (a: Tensor, b: Tensor) => a.matmul(b);
    close(vmap(f, { inDims: [0, null] })(x, y), stack([...x.unbind(0)].map((a) => f(a, y))));
    close(vmap(f, { inDims: [null, 1], outDims: 2 })(x, y.unsqueeze(-1)),
      stack([...y.unbind(1)].map((b) => f(x, b.unsqueeze(-1))), 2));
  });

  it("are nested as the arguments and outputs are", () => {
    const f = (
      state: { readonly w: Tensor; readonly b: Tensor }, inputs: readonly [Tensor, number],
    ) => ({ scaled: state.w.mul(inputs[0]).mul(inputs[1]), bias: [state.b] });
    const result = vmap(f, {
      inDims: [{ w: 0, b: null }, [1, null]], outDims: { scaled: 1, bias: [null] },
    })({ w: random([3, 4], 3), b: y }, [random([4, 3], 4), 2]);
    close(result.scaled, random([3, 4], 3).t().mul(random([4, 3], 4)).mul(2));
    expect(result.bias[0]).toBe(y);
  });

  it("repeat what is the same for all samples", () => {
    const result = vmap((part: Tensor) => [part, ones([2])] as const)(x);
    close(result[0], x);
    expect(result[1].tolist()).toEqual([[1, 1], [1, 1], [1, 1]]);
  });

  it("may have no samples", () => {
    expect(vmap((part: Tensor) => part.mul(2).sum(0))(zeros([0, 4, 2])).shape).toEqual([0, 2]);
  });

  it.each([1, 2, 3, 7])("chunks of %i give the same", (chunkSize) => {
    const f = (part: Tensor, other: Tensor) => [part.mul(other).sum(0), part.exp()] as const;
    const options = { inDims: [0, null], outDims: [0, 1] } as const;
    const other = random([4, 2], 5);
    const whole = vmap(f, options)(x, other);
    vmap(f, { ...options, chunkSize })(x, other).forEach((part, i) => close(part, whole[i]));
  });
});

describe("gradients", () => {
  const w = random([4, 3], 1);
  const b = random([3], 2);
  const x = random([5, 4], 3);
  const t = random([5, 3], 4);
  const loss = (state: readonly [Tensor, Tensor], input: Tensor, target: Tensor) =>
    input.matmul(state[0]).add(state[1]).tanh().sub(target).square().sum();

  it("of each sample are those of a loop", () => {
    const [dw, db] = vmap(func.grad(loss), { inDims: [null, 0, 0] })([w, b], x, t);
    close(dw, loop((input, target) => func.grad(loss)([w, b], input, target)[0], x, t));
    close(db, loop((input, target) => func.grad(loss)([w, b], input, target)[1], x, t));
  });

  it("of the whole add up over the samples", () => {
    const [one, other] = [0, 1].map(() => [w, b, x].map((leaf) => leaf.clone().requiresGrad_()));
    vmap(loss, { inDims: [null, 0, 0] })([one[0], one[1]], one[2], t).sum().backward();
    loop((input, target) => loss([other[0], other[1]], input, target), other[2], t)
      .sum().backward();
    one.forEach((leaf, i) => close(leaf.grad!, other[i].grad!));
  });

  it("of what a function closes over add up, or are taken for each sample", () => {
    const own = w.clone().requiresGrad_();
    const f = (input: Tensor) => own.mul(2).add(own).mul(input.sum()).sum();
    close(autograd.grad(vmap(f)(x).sum(), own)[0], ones([4, 3], wide).mul(3).mul(x.sum()));
    const inside = vmap((input: Tensor) => autograd.grad(f(input), own)[0])(x);
    close(inside, loop((input) => ones([4, 3], wide).mul(3).mul(input.sum()), x));
  });

  it("that are the same in all samples add up as often as there are samples", () => {
    const own = b.clone().requiresGrad_();
    const shifted = vmap((input: Tensor) => own.add(input.sum()))(x);
    close(autograd.grad(shifted.sum(), own)[0], ones([3], wide).mul(5));
    const unused = vmap((_: Tensor) => own.mul(2))(x);
    close(autograd.grad(unused.sum(), own)[0], ones([3], wide).mul(10));
  });

  it("agree with differences to first and second order", () => {
    const f = vmap((input: Tensor, weight: Tensor) =>
      input.matmul(weight).softmax(0).mul(input.narrow(0, 0, 3)).sum(), { inDims: [0, null] });
    const inputs = [x, w].map((input) => input.clone().requiresGrad_());
    const call = (...given: readonly Tensor[]) => f(given[0], given[1]);
    expect(gradcheck(call, inputs)).toBe(true);
    expect(gradgradcheck(call, inputs)).toBe(true);
  });

  it("of gradients of samples: a penalty on their norms", () => {
    const penalty = (weight: Tensor, gradients: (weight: Tensor) => Tensor) =>
      autograd.grad(gradients(weight).square().sum([1, 2]).sqrt().sum(), weight)[0];
    const one = (weight: Tensor, input: Tensor, target: Tensor) => loss([weight, b], input, target);
    const [own, other] = [w.clone().requiresGrad_(), w.clone().requiresGrad_()];
    close(penalty(own, (weight) => vmap(func.grad(one), { inDims: [null, 0, 0] })(weight, x, t)),
      penalty(other, (weight) =>
        loop((input, target) => func.grad(one)(weight, input, target), x, t)));
  });

  it("along every output at once are the Jacobian", () => {
    const f = (input: Tensor) => input.matmul(w).tanh();
    const [point] = x.unbind(0);
    const [, pull] = func.vjp(f, [point]);
    close(vmap((cotangent: Tensor) => pull(cotangent)[0])(eye(3, wide)), func.jacrev(f)(point));
    const push = (tangent: Tensor) => func.jvp(f, [point], [tangent])[1];
    close(vmap(push, { outDims: 1 })(eye(4, wide)), func.jacfwd(f)(point));
  });

  it("compose with Jacobians and Hessians", () => {
    const f = (input: Tensor) => input.matmul(w).tanh();
    const g = (input: Tensor) => f(input).square().sum();
    for (const jacobian of [func.jacrev, func.jacfwd]) {
      const each = (part: Tensor) => jacobian(f)(part) as Tensor;
      close(vmap(each)(x), loop(each, x));
    }
    const second = (part: Tensor) => func.hessian(g)(part) as Tensor;
    close(vmap(second)(x), loop(second, x));
    close(func.jacrev(vmap(g))(x) as Tensor, func.jacfwd(vmap(g))(x) as Tensor);
  });

  it("pass through vmap in forward mode, and the other way round", () => {
    const f = (input: Tensor) => input.matmul(w).softmax(0).index([0, 2]);
    const direction = random([5, 4], 7);
    const along = (input: Tensor, tangent: Tensor) => func.jvp(f, [input], [tangent])[1];
    const expected = loop(along, x, direction);
    close(vmap(along)(x, direction), expected);
    close(func.jvp(vmap(f), [x], [direction])[1], expected);
    const whole = (input: Tensor) => vmap(f)(input).square().sum();
    const plain = (input: Tensor) => loop(f, input).square().sum();
    close(func.jvp(func.grad(whole), [x], [direction])[1],
      func.jvp(func.grad(plain), [x], [direction])[1]);
  });

  it("of positions that differ between samples", () => {
    const f = (table: Tensor, at: Tensor) => table.index(at).add(table.gather(0, at)).sum();
    const at = tensor([[0, 2], [1, 1], [3, 0]], { dtype: "int32" });
    const table = b.exp().repeat(2);
    const options = { inDims: [null, 0] };
    const expected = stack([...at.unbind(0)].map((one) => func.grad(f)(table, one)));
    close(vmap(func.grad(f), options)(table, at), expected);
    close(func.grad((all: Tensor) => vmap(f, options)(all, at).sum())(table), expected.sum(0));
  });
});

describe("nested", () => {
  const a = random([3, 4], 1);
  const c = random([2, 4], 2);

  it("gives a dimension for each", () => {
    const dot = (left: Tensor, right: Tensor) => left.mul(right).sum();
    const outer = vmap((left: Tensor) => vmap((right: Tensor) => dot(left, right))(c))(a);
    close(outer, a.matmul(c.t()));
    const x = random([2, 3, 4], 3);
    close(vmap(vmap((part: Tensor) => part.cumsum(0)))(x), x.cumsum(2));
  });

  it("gradients at each depth", () => {
    const f = (left: Tensor, right: Tensor) => left.mul(right).tanh().sum();
    const inner = (left: Tensor) => vmap(func.grad(f), { inDims: [null, 0] })(left, c);
    close(vmap(inner)(a), loop((left) => loop((right) => func.grad(f)(left, right), c), a));
    const total = (left: Tensor) => vmap(f, { inDims: [null, 0] })(left, c).sum();
    close(vmap(func.grad(total))(a), loop((left) => inner(left).sum(0), a));
  });

  it("positions at either depth", () => {
    const at = tensor([2, 0, 3], { dtype: "int32" });
    const result = vmap((index: Tensor) => vmap((row: Tensor) => row.index(index))(c))(at);
    close(result, c.t().index(at));
  });
});

describe("writes in place", () => {
  it("to a sample reach the tensor outside", () => {
    const x = zeros([3, 2]);
    vmap((part: Tensor, value: Tensor) => part.add_(value))(x, arange(3));
    expect(x.tolist()).toEqual([[0, 0], [1, 1], [2, 2]]);
  });

  it("to a tensor made like a sample", () => {
    const f = (part: Tensor) => zerosLike(part).copy_(part).mul_(part).indexPut_([0], 1);
    expect(vmap(f)(tensor([[2, 3], [4, 5]])).tolist()).toEqual([[1, 9], [1, 25]]);
  });

  it("are recorded", () => {
    const x = random([3, 2], 1).requiresGrad_();
    const f = (part: Tensor) => part.clone().mul_(part).select(0, 1).exp_();
    close(autograd.grad(vmap(f)(x).sum(), x)[0], autograd.grad(loop(f, x).sum(), x)[0]);
  });

  it("to what is the same in all samples are refused, before anything changes", () => {
    const shared = zeros([2]);
    expect(() => vmap((part: Tensor) => shared.add_(part))(ones([3, 2])))
      .toThrow(/inplace arithmetic.*shape \[2\], is the same in all of them/);
    expect(shared.tolist()).toEqual([0, 0]);
    expect(shared._version).toBe(0);
  });

  it("to samples of a leaf are refused, and of what was saved are found", () => {
    const leaf = ones([3, 2], { requiresGrad: true });
    expect(() => vmap((part: Tensor) => part.add_(1))(leaf))
      .toThrow(/a tensor that vmap has taken apart is written to in place/);
    const base = ones([3, 2], { requiresGrad: true });
    const x = base.mul(1);
    const y = vmap((part: Tensor) => part.square())(x).sum();
    noGrad(() => x.add_(1));
    expect(() => y.backward()).toThrow(/modified by an inplace operation/);
  });
});

describe("random numbers", () => {
  const x = ones([3, 2]);

  it("are refused unless it is said how", () => {
    expect(() => vmap((part: Tensor) => part.add(rand([2])))(x))
      .toThrow(/rand: vmap: called random operation while in randomness error mode/);
    expect(rand([2]).shape).toEqual([2]);
    expect(() => vmap((part: Tensor) => part, { randomness: "some" as "same" }))
      .toThrow(/Only allowed values for randomness are 'error', 'different', or 'same'/);
  });

  it("drawn once are the same for all samples, in chunks too", () => {
    for (const chunkSize of [null, 2]) {
      manualSeed(1);
      const f = (part: Tensor) => part.mul(randn([2]));
      const result = vmap(f, { randomness: "same", chunkSize })(x);
      manualSeed(1);
      close(result, x.mul(randn([2])));
    }
  });

  it.each<[string, (part: Tensor) => Tensor]>([
    ["rand", (part) => part.mul(rand([2]))],
    ["randn", (part) => part.mul(randn([20]).sum())],
    ["randnLike", (part) => randnLike(part)],
    ["randperm", (part) => randperm(5).mul(part.sum())],
    ["bernoulli", (part) => bernoulli(part.mul(0.5))],
    ["multinomial", (part) => multinomial(part, 4, { replacement: true })],
    ["uniform_", (part) => part.clone().uniform_()],
  ])("drawn for each sample are those of a loop: %s", (_, f) => {
    manualSeed(3);
    const result = vmap(f, { randomness: "different" })(x);
    manualSeed(3);
    expect(result.tolist()).toEqual(loop(f, x).tolist());
  });

  it("in nested levels are those of each level's own kind", () => {
    const inner = vmap((_: Tensor) => rand([]), { randomness: "same" });
    const f = vmap(inner, { randomness: "different" });
    const [first, second] = f(x).select(0, 0).tolist<number[]>();
    expect(first).toBe(second);
    expect(new Set(f(x).select(1, 0).tolist<number[]>()).size).toBe(3);
  });

  it("can't differ in a tensor that is the same in all samples", () => {
    const shared = zeros([2]);
    const f = (part: Tensor) => part.add(shared.uniform_());
    expect(() => vmap(f, { randomness: "different" })(x))
      .toThrow(/Cannot ask for different inplace randomness on an unbatched tensor/);
    expect(() => vmap((part: Tensor) => bernoulli(part), { randomness: "same" })(x))
      .toThrow(/randomness 'same' is not possible/);
  });
});

describe("refusals", () => {
  const x = ones([3, 2]);
  const same = (part: Tensor) => part;

  it.each<[string, () => unknown, RegExp]>([
    ["no function", () => vmap(3 as never), /takes a function of tensors, got 3/],
    ["no inputs", () => vmap(() => x)(), /vmap: vmap\(f, inDims\).*Got no inputs/],
    ["another number of inDims", () => vmap(same, { inDims: [0, 0] })(x),
      /inDims is not compatible with the structure of the inputs/],
    ["an unknown inDim", () => vmap(same, { inDims: ["x" as never] })(x),
      /inDim must be either a whole number or null/],
    ["a dimension that is not there", () => vmap(same, { inDims: 2 })(x),
      /dimensionality 2 so expected inDim to satisfy -2 <= inDim < 2/],
    ["a number to map over", () => vmap((a: Tensor, k: number) => a.mul(k))(x, 2),
      /the input is 2. We cannot vmap over non-Tensor arguments, please use null/],
    ["nothing to map over", () => vmap(same, { inDims: [null] })(x),
      /Expected at least one Tensor to vmap over/],
    ["several sizes", () => vmap((a: Tensor, b: Tensor) => a.add(b))(x, ones([4, 2])),
      /Expected all tensors to have the same size in the mapped dimension, got sizes \[3, 4\]/],
    ["an output that is no tensor", () => vmap(() => 1)(...[x] as unknown as []),
      /must only return Tensors, got type number/],
    ["other outDims than outputs", () => vmap(same, { outDims: [0, 1] })(x),
      /outDims is not compatible with the structure of the outputs/],
    ["an outDim beyond the output", () => vmap(same, { outDims: 2 })(x), /Dimension out of range/],
    ["outDims that are none", () => vmap(same, { outDims: "x" as never }),
      /`outDims` must be a whole number, null or a collection/],
    ["a batch where none is expected", () => vmap(same, { outDims: null })(x),
      /can not return a BatchedTensor when outDim is null/],
    ["chunks of nothing", () => vmap(same, { chunkSize: 0 }),
      /chunkSize should be null or greater than 0. \(got 0\)/],
    ["a promise", () => vmap(async (part: Tensor) => part)(x), /returned a promise/],
    ["unknown options", () => vmap(same, { inDim: 0 } as never), /unknown option inDim/],
    ["item", () => vmap((part: Tensor) => part.mul(part.sum().item()))(x), /calling .item\(\)/],
    ["tolist", () => vmap((part: Tensor) => tensor(part.tolist()))(x), /reading its values/],
    ["allclose", () => vmap((part: Tensor) => tensor(part.allclose(part)))(x), /control flow/],
    ["nonzero", () => vmap((part: Tensor) => part.nonzero())(x),
      /nonzero: We do not support batching operators that can output dynamic shape/],
    ["a mask", () => vmap((part: Tensor) => part.index(part.gt(0)))(x), /dynamic shape/],
    ["backward", () => vmap((part: Tensor) => { part.sum().backward(); return part; })(x),
      /backward\(\) called inside a functorch transform/],
  ])("%s", (_, call, message) => expect(call).toThrow(message));

  it("leave nothing behind", () => {
    expect(() => vmap(() => { throw new Error("own"); })(...[x] as unknown as [])).toThrow("own");
    expect(rand([2]).sum().requiresGrad).toBe(false);
    const y = ones([2], { requiresGrad: true });
    y.sum().backward();
    expect(y.grad!.tolist()).toEqual([1, 1]);
  });

  it("do not hold for a mask or position that is the same in all samples", () => {
    const mask = tensor([true, false]);
    expect(vmap((part: Tensor) => part.index(mask))(x).tolist()).toEqual([[1], [1], [1]]);
  });

  it("a batch can be printed", () => {
    let shown = "";
    vmap((part: Tensor) => { shown = `${part}`; return part; })(tensor([[1, 2], [3, 4]]));
    expect(shown).toBe("BatchedTensor(levels=1, value=\ntensor([[1., 2.],\n        [3., 4.]])\n)");
  });
});

describe("other ops", () => {
  it("lists of tensors, some of them the same for all samples", () => {
    const x = random([3, 2], 1);
    const y = random([2], 2);
    close(vmap((part: Tensor) => cat([y, part, part.mul(2)]))(x),
      loop((part) => cat([y, part, part.mul(2)]), x));
  });

  it("custom functions see the shapes of one sample", () => {
    class Cube extends autograd.Function {
      static forward(ctx: autograd.FunctionContext, x: Tensor): Tensor {
        expect(x.shape).toEqual([2]);
        ctx.saveForBackward(x);
        return x.pow(3);
      }

      static backward(ctx: autograd.FunctionContext, grad: Tensor): Tensor {
        const [x] = ctx.savedTensors;
        return grad.mul(x.square()).mul(3);
      }
    }
    const x = random([3, 2], 1);
    const f = (part: Tensor) => Cube.apply(part).sum();
    close(vmap(func.grad(f))(x), x.square().mul(3));
    close(func.grad((all: Tensor) => vmap(f)(all).sum())(x), x.square().mul(3));
  });
});
