// XOR: no single layer gets more than three of its four cases right; two layers get all.
import assert from "node:assert/strict";
import { manualSeed, noGrad, tensor, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";
import * as optim from "@chainrule/optim";

manualSeed(0);
const inputs = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]);
const targets = tensor([[0], [1], [1], [0]]);

/** Share of the cases on the right side of zero. */
function accuracy(model: nn.Module): number {
  return noGrad(() => (model(inputs) as Tensor).gt(0).eq(targets.gt(0.5)).float().mean().item());
}

/** Trains a model; gives the best accuracy on the way and the last one. */
function train(model: nn.Module, steps: number): { best: number; last: number } {
  const criterion = new nn.BCEWithLogitsLoss();
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
  let best = 0;
  for (let step = 0; step < steps; step++) {
    const loss = criterion(model(inputs) as Tensor, targets);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    best = Math.max(best, accuracy(model));
  }
  return { best, last: accuracy(model) };
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

const perceptron = train(new nn.Linear(2, 1), 500);
console.log(`one layer:  never more than ${percent(perceptron.best)} right`);

const network = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
const mlp = train(network, 500);
console.log(`two layers: ${percent(mlp.last)} right`);
console.log(noGrad(() => network(inputs).sigmoid()));

assert.equal(perceptron.best, 0.75, "no line separates XOR, but three cases of four can be had");
assert.equal(mlp.last, 1, "a hidden layer separates XOR");
console.log("checked: one layer fails, two do not");
