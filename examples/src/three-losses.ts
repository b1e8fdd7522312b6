// Three tasks, three losses: regression, classification, and a distribution's mean and variance.
import assert from "node:assert/strict";
import { cat, full, linspace, manualSeed, noGrad, randn, stack } from "@chainrule/core";
import type { Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";
import * as optim from "@chainrule/optim";

/** Minimises `loss` over the parameters of `model`; gives the last value. */
function fit(model: nn.Module, loss: () => Tensor, steps: number): number {
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  let value = Infinity;
  for (let step = 0; step < steps; step++) {
    const current = loss();
    optimizer.zeroGrad();
    current.backward();
    optimizer.step();
    value = current.item();
  }
  return value;
}

const mlp = (inputs: number, outputs: number) =>
  new nn.Sequential(new nn.Linear(inputs, 32), new nn.Tanh(), new nn.Linear(32, outputs));

manualSeed(0);

// Regression: mean squared error fits sin(x).
const x = linspace(-3, 3, 100).unsqueeze(1);
const regressor = mlp(1, 1);
const squared = new nn.MSELoss();
const mse = fit(regressor, () => squared(regressor(x), x.sin()), 800);
console.log(`regression       mean squared error ${mse.toExponential(1)}`);
assert.ok(mse < 1e-3, "the network follows the sine");

// Classification: cross entropy separates three clouds of points.
const centres = [[-2, 0], [2, 0], [0, 3]];
const points = cat(centres.map(([a, b]) => randn([100, 2]).add(stack([full([], a), full([], b)]))));
const labels = cat(centres.map((_, i) => full([100], i, { dtype: "int32" })));
const classifier = mlp(2, 3);
const crossEntropy = new nn.CrossEntropyLoss();
fit(classifier, () => crossEntropy(classifier(points), labels), 300);
const accuracy = noGrad(() => classifier(points).argmax(1).eq(labels).float().mean().item());
console.log(`classification   accuracy ${accuracy.toFixed(3)}`);
assert.ok(accuracy > 0.9, "the clouds are told apart");

// Maximum likelihood: a network gives mean and variance of y for each x, and recovers both.
const u = linspace(-1, 1, 2000).unsqueeze(1);
const trueMean = u.mul(2);
const trueStd = u.abs().mul(0.5).add(0.2);
const samples = trueMean.add(trueStd.mul(randn([2000, 1])));
const density = mlp(1, 2);
const likelihood = new nn.GaussianNLLLoss();
const predict = () => {
  const [mean, raw] = density(u).split(1, 1);
  return { mean, variance: nn.functional.softplus(raw) };
};
fit(density, () => { const { mean, variance } = predict();
  return likelihood(mean, samples, variance); }, 600);
const { mean, variance } = noGrad(predict);
const meanError = mean.sub(trueMean).abs().mean().item();
const stdError = variance.sqrt().sub(trueStd).abs().mean().item();
console.log(`likelihood       mean off by ${meanError.toFixed(3)}, deviation by ` +
  stdError.toFixed(3));
assert.ok(meanError < 0.06 && stdError < 0.06, "mean and deviation are recovered");
console.log("checked: each loss solved its task");
