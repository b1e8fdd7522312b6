// Two examples of research code that need second derivatives: WGAN-GP, and MAML.
import { describe, expect, it } from "vitest";
import {
  Generator, autograd, grad, gradcheck, manualSeed, rand, randn, tensor, zeros, type Tensor,
} from "@chainrule/core";
import { Adam } from "../../optim/src/index.ts";
import * as func from "../../core/src/transforms/func.ts";
import * as nn from "../src/index.ts";

/**
 * The gradient penalty of a critic: `E (‖∇ critic(x̂)‖ − 1)²` at random points x̂ between real and
 * generated samples.
 * @see https://arxiv.org/abs/1704.00028 equation 3
 */
function gradientPenalty(
  critic: (x: Tensor) => Tensor, real: Tensor, generated: Tensor, mix: Tensor,
): Tensor {
  const between = generated.lerp(real, mix).detach().requiresGrad_();
  const [slopes] = grad(critic(between).sum(), between, { createGraph: true });
  return slopes.norm(2, 1).sub(1).square().mean();
}

describe("WGAN-GP", () => {
  const critic = (dtype: "float32" | "float64") => new nn.Sequential(
    new nn.Linear(2, 16), new nn.Tanh(), new nn.Linear(16, 16), new nn.Softplus(),
    new nn.Linear(16, 1)).to(dtype);

  it("has penalty gradients that agree with finite differences", () => {
    manualSeed(2);
    const model = critic("float64");
    const [real, generated] = [0, 1].map(() => randn([6, 2], { dtype: "float64" }));
    const mix = rand([6, 1], { dtype: "float64" });
    // every weight and bias, through the norm of a gradient: the checks of gradcheck in float64
    expect(gradcheck(() => gradientPenalty(model, real, generated, mix), model.parameters(),
      { rtol: 1e-5, atol: 1e-7 })).toBe(true);
    expect(model.parameters().every(({ grad: g }) => g === null)).toBe(true);
  });

  it("lowers its loss, and keeps the slope of the critic near one", () => {
    manualSeed(4);
    const model = critic("float32");
    const optimizer = new Adam(model.parameters(), { lr: 5e-3, betas: [0.5, 0.9] });
    const generator = new Generator(1);
    const losses: number[] = [];
    const penalties: number[] = [];
    for (let step = 0; step < 150; step++) {
      const real = randn([32, 2], { generator }).mul(0.3).add(tensor([1, -1]));
      const generated = randn([32, 2], { generator });
      const mix = rand([32, 1], { generator });
      const penalty = gradientPenalty(model, real, generated, mix);
      const loss = model(generated).mean().sub(model(real).mean()).add(penalty.mul(10));
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
      penalties.push(penalty.item());
    }
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    // at first 10 · (0 − 1)²; an optimal critic gains the distance of the means, over 1, per step
    expect(mean(losses.slice(0, 5))).toBeGreaterThan(2);
    expect(mean(losses.slice(-20))).toBeLessThan(-0.5);
    expect(mean(penalties.slice(-20))).toBeLessThan(0.05);
  });
});

describe("MAML", () => {
  const inner = 0.1;
  const shots = 10;

  /** A sine of random amplitude and phase, at random points. */
  function task(generator: Generator): { train: [Tensor, Tensor]; test: [Tensor, Tensor] } {
    const amplitude = 0.5 + 2 * generator.uniform24();
    const phase = Math.PI * generator.uniform24();
    const draw = (): [Tensor, Tensor] => {
      const x = rand([shots, 1], { generator }).sub(0.5).mul(6);
      return [x, x.sub(phase).sin().mul(amplitude)];
    };
    return { train: draw(), test: draw() };
  }

  const network = () => new nn.Sequential(
    new nn.Linear(1, 24), new nn.Tanh(), new nn.Linear(24, 24), new nn.Tanh(),
    new nn.Linear(24, 1));

  const lossOf = (model: nn.Sequential, state: func.State, [x, y]: [Tensor, Tensor]) =>
    func.functionalCall(model, state, [x]).sub(y).square().mean();

  /** Parameters after steps of gradient descent on a task, as functions of those before. */
  function adapted(
    model: nn.Sequential, state: func.State, train: [Tensor, Tensor], steps = 1,
  ): func.State {
    let current = state;
    for (let step = 0; step < steps; step++) {
      const names = Object.keys(current);
      const gradients = grad(lossOf(model, current, train), Object.values(current),
        { createGraph: true });
      current = Object.fromEntries(names.map((name, i) =>
        [name, current[name].sub(gradients[i].mul(inner))]));
    }
    return current;
  }

  it("differentiates through the inner step, exactly", () => {
    manualSeed(8);
    const model = new nn.Sequential(new nn.Linear(1, 3), new nn.Tanh(), new nn.Linear(3, 1))
      .double();
    const data = (): [Tensor, Tensor] =>
      [randn([4, 1], { dtype: "float64" }), randn([4, 1], { dtype: "float64" })];
    const [train, test] = [data(), data()];
    const parameters = Object.fromEntries(model.namedParameters());
    const outer = () => lossOf(model, adapted(model, parameters, train, 2), test);
    expect(gradcheck(outer, Object.values(parameters), { rtol: 1e-5, atol: 1e-7 })).toBe(true);
    // the same by transforms of functions, forward over reverse included
    const pure = (state: func.State) => {
      const gradients = func.grad((s: func.State) => lossOf(model, s, train))(state);
      const next = Object.fromEntries(Object.keys(state).map((name) =>
        [name, state[name].sub(gradients[name].mul(inner))]));
      return lossOf(model, next, test);
    };
    const constants = Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, value.detach()]));
    const byTransforms = func.grad(pure)(constants);
    const byEngine = autograd.grad(lossOf(model, adapted(model, parameters, train), test),
      Object.values(parameters));
    Object.keys(constants).forEach((name, i) => {
      // the same sums in another order
      expect(byTransforms[name].sub(byEngine[i]).abs().max().item()).toBeLessThan(1e-13);
    });
    const directions = Object.fromEntries(Object.entries(constants).map(([name, value]) =>
      [name, randn(value.shape, { dtype: "float64" })]));
    const expected = Object.keys(constants).reduce((sum, name) =>
      sum + byTransforms[name].mul(directions[name]).sum().item(), 0);
    expect(func.jvp(pure, [constants], [directions])[1].item()).toBeCloseTo(expected, 12);
  });

  it("learns to learn sines: one step on ten points of a new one takes it far down", () => {
    manualSeed(6);
    const generator = new Generator(3);
    const model = network();
    const parameters = Object.fromEntries(model.namedParameters());
    const optimizer = new Adam(model.parameters(), { lr: 1e-2 });
    const others = new Generator(99);
    const unseen = Array.from({ length: 20 }, () => task(others));
    const score = (steps: number) => unseen.reduce((sum, { train, test }) =>
      sum + lossOf(model, adapted(model, parameters, train, steps), test).item(), 0) / 20;
    const untrained = score(1);
    for (let step = 0; step < 150; step++) {
      let total = zeros([]);
      for (let i = 0; i < 4; i++) {
        const { train, test } = task(generator);
        total = total.add(lossOf(model, adapted(model, parameters, train), test));
      }
      optimizer.zeroGrad();
      total.div(4).backward();
      optimizer.step();
    }
    // 0.13 after 150 rounds, where one step takes an untrained network from 1.5 to 1.1
    expect(score(1)).toBeLessThan(0.25 * score(0));
    expect(score(1)).toBeLessThan(0.25 * untrained);
  });
});
