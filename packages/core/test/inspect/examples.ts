// Three networks whose graphs are drawn: an MLP, a residual net, an LSTM unrolled ten steps.
import { cat, manualSeed, randn, randint, zeros, type Tensor } from "@chainrule/core";
import * as nn from "@chainrule/nn";

/** A loss, the model it came from and the data that went in. */
export interface Example {
  readonly loss: Tensor;
  readonly names: [string, Tensor][];
}

/** The 784-256-10 perceptron of the MNIST tutorial, on a batch of 64. */
export function perceptron(): Example {
  manualSeed(0);
  const lin1 = new nn.Linear(784, 256);
  const lin2 = new nn.Linear(256, 10);
  const images = randn([64, 784]);
  const loss = nn.functional.crossEntropy(lin2(lin1(images).relu()), randint(0, 10, [64]));
  return { loss, names: [["images", images], ...named("lin1", lin1), ...named("lin2", lin2)] };
}

/** Six blocks `x + W₂ relu(W₁ x)` between two linear layers. */
export function residual(): Example {
  manualSeed(0);
  const [first, last] = [new nn.Linear(20, 32), new nn.Linear(32, 1)];
  const blocks = Array.from({ length: 6 }, () => [new nn.Linear(32, 32), new nn.Linear(32, 32)]);
  const input = randn([16, 20]);
  let x: Tensor = first(input);
  for (const [up, down] of blocks) x = x.add(down(up(x).relu()));
  const loss = nn.functional.mseLoss(last(x), randn([16, 1]));
  return {
    loss, names: [
      ["input", input], ...named("first", first), ...named("last", last),
      ...blocks.flatMap(([up, down], i) =>
        [...named(`blocks.${i}.up`, up), ...named(`blocks.${i}.down`, down)]),
    ],
  };
}

/** An LSTM cell by hand, ten steps; the loss is on the last state, or on the states of all steps. */
export function recurrent(onAll = false): Example {
  manualSeed(0);
  const [ofInput, ofState, head] = [new nn.Linear(8, 64), new nn.Linear(16, 64), new nn.Linear(16, 1)];
  let [h, c] = [zeros([4, 16]), zeros([4, 16])];
  const states: Tensor[] = [];
  for (let step = 0; step < 10; step++) {
    const [i, f, g, o] = ofInput(randn([4, 8])).add(ofState(h)).chunk(4, 1);
    c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    h = o.sigmoid().mul(c.tanh());
    states.push(h);
  }
  const loss = head(onAll ? cat(states) : h).square().mean();
  return {
    loss, names: [...named("ofInput", ofInput), ...named("ofState", ofState), ...named("head", head)],
  };
}

function named(prefix: string, layer: nn.Linear): [string, Tensor][] {
  return layer.namedParameters().map(([name, parameter]) => [`${prefix}.${name}`, parameter]);
}
