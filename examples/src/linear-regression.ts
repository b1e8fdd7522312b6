// Linear regression by gradient descent, against the closed form, with three step sizes.
import assert from "node:assert/strict";
import { manualSeed, noGrad, randn, zeros, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

manualSeed(0);
const x = randn([200]);
const y = x.mul(3).add(2).add(randn([200]).mul(0.5));

/** Least squares: slope `cov(x, y) / var(x)`, through the means. */
function closedForm(): { slope: number; intercept: number } {
  const dx = x.sub(x.mean());
  const slope = dx.mul(y.sub(y.mean())).sum().div(dx.square().sum()).item();
  return { slope, intercept: y.mean().item() - slope * x.mean().item() };
}

/** Follows the gradient of the mean squared error for `steps` steps of size `lr`. */
function descend(lr: number, steps = 100) {
  const slope = zeros([], { requiresGrad: true });
  const intercept = zeros([], { requiresGrad: true });
  const loss = (): Tensor => nn.functional.mseLoss(x.mul(slope).add(intercept), y);
  for (let step = 0; step < steps; step++) {
    loss().backward();
    noGrad(() => {
      for (const param of [slope, intercept]) {
        param.sub_(param.grad!.mul(lr));
        param.grad = null;
      }
    });
  }
  return { slope: slope.item(), intercept: intercept.item(), loss: loss().item() };
}

const best = closedForm();
const bestLoss = nn.functional.mseLoss(x.mul(best.slope).add(best.intercept), y).item();
const show = (value: number) => (Math.abs(value) < 1e4 ? value.toFixed(4) : value.toExponential(1));
console.log(`closed form      y = ${show(best.slope)} x + ${show(best.intercept)}  ` +
  `loss ${show(bestLoss)}`);

const results = new Map([["too small", 0.001], ["right", 0.1], ["too large", 1.2]]
  .map(([name, lr]) => [name as string, { lr: lr as number, ...descend(lr as number) }]));
for (const [name, { lr, slope, intercept, loss }] of results) {
  console.log(`${name.padEnd(10)} ${String(lr).padEnd(5)} y = ${show(slope)} x + ` +
    `${show(intercept)}  loss ${show(loss)}`);
}

const small = results.get("too small")!;
const right = results.get("right")!;
const large = results.get("too large")!;
assert.ok(Math.abs(right.slope - best.slope) < 1e-3, "the right step finds the closed form");
assert.ok(Math.abs(right.intercept - best.intercept) < 1e-3);
assert.ok(small.loss > 2 * bestLoss && small.loss < nn.functional.mseLoss(y.mul(0), y).item(),
  "a step too small is on its way but far from there");
assert.ok(!(large.loss < 1e6), "a step too large diverges");
console.log("checked: one step size in three reaches the least-squares line");
