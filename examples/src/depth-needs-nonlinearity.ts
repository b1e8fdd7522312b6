// A stack of linear layers is one linear layer; an activation in between changes that.
import assert from "node:assert/strict";
import { manualSeed, noGrad, randn, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

manualSeed(0);
const first = new nn.Linear(4, 16);
const second = new nn.Linear(16, 16);
const third = new nn.Linear(16, 3);
const linear = new nn.Sequential(first, second, third);
const withTanh = new nn.Sequential(first, new nn.Tanh(), second, new nn.Tanh(), third);

/** The one layer that a stack of linear layers amounts to: `W = W₃ W₂ W₁`, `b` likewise. */
function collapse(layers: readonly nn.Linear[]): nn.Linear {
  const single = new nn.Linear(layers[0].inFeatures, layers.at(-1)!.outFeatures);
  noGrad(() => {
    let weight: Tensor = layers[0].weight;
    let bias: Tensor = layers[0].bias!;
    for (const layer of layers.slice(1)) {
      weight = layer.weight.matmul(weight);
      bias = layer.weight.matmul(bias).add(layer.bias!);
    }
    single.weight.copy_(weight);
    single.bias!.copy_(bias);
  });
  return single;
}

const single = collapse([first, second, third]);
const x = randn([1000, 4]);
const distance = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();

const gap = noGrad(() => distance(linear(x), single(x)));
console.log(`three linear layers against one:      largest difference ${gap.toExponential(1)}`);
assert.ok(gap < 1e-5, "three linear layers equal one, up to rounding");

/** How far a function is from being affine: `f((a + b) / 2)` against `(f(a) + f(b)) / 2`. */
function curvature(model: nn.Module): number {
  const [a, b] = [randn([1000, 4]), randn([1000, 4])];
  return noGrad(() => distance(model(a.add(b).div(2)), model(a).add(model(b)).div(2)));
}

const flat = curvature(linear);
const curved = curvature(withTanh);
console.log(`midpoints, without activation:        largest difference ${flat.toExponential(1)}`);
console.log(`midpoints, with tanh in between:      largest difference ${curved.toExponential(1)}`);
assert.ok(flat < 1e-5 && curved > 0.05, "only the activation makes depth count");
console.log("checked: depth without a nonlinearity adds nothing");
