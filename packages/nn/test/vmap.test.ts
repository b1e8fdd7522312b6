// Modules and losses under func.vmap: gradients per sample, ensembles, random masks.
import { describe, expect, it } from "vitest";
import {
  autograd, func, manualSeed, ones, randint, randn, stack, zeros, type Tensor,
} from "@chainrule/core";
import * as nn from "../src/index.ts";

manualSeed(5);

const { vmap } = func;
const F = nn.functional;
const samples = 6;

/** float32 products in other tiles: 2⁻²⁴ per term, a few dozen terms. */
function close(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const wanted = expected.toTypedArray();
  actual.toTypedArray().forEach((value, i) =>
    expect(Math.abs(value - wanted[i])).toBeLessThan(1e-5));
}

const loop = (f: (...parts: Tensor[]) => Tensor, ...inputs: Tensor[]) =>
  stack(Array.from({ length: samples }, (_, i) =>
    f(...inputs.map((input) => input.select(0, i)))));

describe("gradients per sample", () => {
  const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3));
  const state: func.State = Object.fromEntries(
    model.namedParameters().map(([name, parameter]) => [name, parameter.detach()]));
  const x = randn([samples, 4]);

  it.each<[string, Tensor, (output: Tensor, target: Tensor) => Tensor]>([
    ["cross entropy of classes", randint(3, [samples]), (y, t) => F.crossEntropy(y, t)],
    ["cross entropy with options", randint(3, [samples]),
      (y, t) => F.crossEntropy(y, t, { labelSmoothing: 0.1, weight: ones([3]).mul(2) })],
    ["nllLoss of a batch of one", randint(3, [samples]),
      (y, t) => F.nllLoss(F.logSoftmax(y.unsqueeze(0), 1), t.unsqueeze(0))],
    ["cross entropy of probabilities", randn([samples, 3]).softmax(1),
      (y, t) => F.crossEntropy(y, t)],
    ["mse", randn([samples, 3]), (y, t) => F.mseLoss(y, t)],
    ["l1", randn([samples, 3]), (y, t) => F.l1Loss(y, t)],
    ["bce with logits", randn([samples, 3]).sigmoid(),
      (y, t) => F.binaryCrossEntropyWithLogits(y, t)],
  ])("are those of a loop of backward calls: %s", (_, targets, lossOf) => {
    const loss = (parameters: func.State, input: Tensor, target: Tensor) =>
      lossOf(func.functionalCall(model, parameters, [input]), target);
    const gradients = vmap(func.grad(loss), { inDims: [null, 0, 0] })(state, x, targets);
    for (let i = 0; i < samples; i++) {
      model.zeroGrad();
      lossOf(model(x.select(0, i)), targets.select(0, i)).backward();
      for (const [name, parameter] of model.namedParameters()) {
        close((gradients as Record<string, Tensor>)[name].select(0, i), parameter.grad!);
      }
    }
  });

  it("add up to the gradient of the batch", () => {
    const loss = (input: Tensor) => model(input).square().sum();
    model.zeroGrad();
    vmap(loss)(x).sum().backward();
    const gradients = [...model.parameters()].map((parameter) => parameter.grad!);
    const expected = autograd.grad(loss(x), [...model.parameters()]);
    gradients.forEach((gradient, i) => close(gradient, expected[i]));
  });
});

describe("losses of classes", () => {
  const scores = randn([samples, 4, 3, 2]);
  const classes = randint(3, [samples, 4, 2]);

  it.each(["none", "sum", "mean"] as const)("of batches, %s of each sample", (reduction) => {
    const options = { reduction, ignoreIndex: 1 };
    for (const f of [
      (x: Tensor, t: Tensor) => F.crossEntropy(x, t, { ...options, labelSmoothing: 0.1 }),
      (x: Tensor, t: Tensor) => F.nllLoss(x, t, options),
      (x: Tensor, t: Tensor) => F.nllLoss(x, t, { ...options, weight: ones([3]).mul(3) }),
    ]) {
      close(vmap(f)(scores, classes), loop(f, scores, classes));
      close(vmap(f, { inDims: [0, null] })(scores, classes.select(0, 0)),
        loop((x) => f(x, classes.select(0, 0)), scores));
      const g = func.grad((x: Tensor, t: Tensor) => f(x, t).sum());
      close(vmap((x: Tensor, t: Tensor) => g(x, t))(scores, classes), loop(g, scores, classes));
    }
  });

  it("that do not exist are refused", () => {
    const f = vmap((x: Tensor, t: Tensor) => F.crossEntropy(x, t));
    expect(() => f(scores, classes.add(1))).toThrow(/crossEntropy: Target 3 is out of bounds/);
    expect(() => f(scores, classes.select(2, 0))).toThrow(/Expected target size \[4, 2\]/);
  });
});

describe("layers", () => {
  it.each<[string, () => nn.Module, () => Tensor]>([
    ["Linear on vectors", () => new nn.Linear(4, 3), () => randn([samples, 4])],
    ["Linear on batches", () => new nn.Linear(4, 3), () => randn([samples, 2, 5, 4])],
    ["Embedding", () => new nn.Embedding(7, 3), () => randint(7, [samples, 2])],
    ["GELU", () => new nn.GELU(), () => randn([samples, 3])],
    ["LeakyReLU", () => new nn.LeakyReLU(), () => randn([samples, 3])],
    ["Softmax", () => new nn.Softmax(0), () => randn([samples, 3])],
    ["Dropout in evaluation", () => new nn.Dropout().eval(), () => randn([samples, 3])],
  ])("%s gives what it gives for each sample", (_, make, draw) => {
    const layer = make() as unknown as (input: Tensor) => Tensor;
    const x = draw();
    close(vmap((part: Tensor) => layer(part))(x), loop((part) => layer(part), x));
  });

  it("an ensemble: weights of their own for each sample", () => {
    const models = Array.from({ length: samples }, () => new nn.Linear(4, 3));
    const [weight, bias] = [models.map((m) => m.weight), models.map((m) => m.bias!)]
      .map((list) => stack(list));
    const [own, shared] = [randn([samples, 2, 4]), randn([2, 4])];
    const f = (w: Tensor, b: Tensor, x: Tensor) =>
      func.functionalCall(models[0], { weight: w, bias: b }, [x]);
    close(vmap(f)(weight, bias, own), stack(models.map((model, i) => model(own.select(0, i)))));
    close(vmap(f, { inDims: [0, 0, null] })(weight, bias, shared),
      stack(models.map((model) => model(shared))));
    const total = vmap(f, { inDims: [0, 0, null] })(weight, bias, shared).square().sum();
    const [gradient] = autograd.grad(total, [models[2].weight]);
    close(gradient, autograd.grad(models[2](shared).square().sum(), [models[2].weight])[0]);
  });
});

describe("dropout", () => {
  const x = ones([samples, 50]);
  const drop = new nn.Dropout(0.5);

  it("is refused unless it is said how samples differ", () => {
    expect(() => vmap((part: Tensor) => drop(part))(x))
      .toThrow(/dropout: vmap: called random operation while in randomness error mode/);
  });

  it("drops the same of all samples, or other elements of each", () => {
    manualSeed(1);
    const same = vmap((part: Tensor) => drop(part), { randomness: "same" })(x);
    manualSeed(1);
    close(same, drop(x.select(0, 0)).expand(samples, 50));
    manualSeed(1);
    const different = vmap((part: Tensor) => drop(part), { randomness: "different" })(x);
    manualSeed(1);
    close(different, loop((part) => drop(part), x));
    expect(different.select(0, 0).tolist()).not.toEqual(different.select(0, 1).tolist());
  });

  it("of what is the same for all samples differs where asked", () => {
    const shared = ones([50]);
    const result = vmap((part: Tensor) => drop(shared).mul(part),
      { randomness: "different" })(ones([samples]));
    expect(result.select(0, 0).tolist()).not.toEqual(result.select(0, 1).tolist());
    const leaf = zeros([50], { requiresGrad: true });
    vmap((part: Tensor) => drop(leaf.add(part)), { randomness: "different" })(ones([samples]))
      .sum().backward();
    expect(leaf.grad!.shape).toEqual([50]);
  });
});
