// Trains a 784-256-10 perceptron on MNIST, step by step as the PyTorch tutorial does.
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { manualSeed, noGrad, type Tensor } from "@chainrule/core";
import { DataLoader, progress, type Dataset } from "@chainrule/data";
import * as nn from "@chainrule/nn";
import * as optim from "@chainrule/optim";
import { digits } from "./digits.ts";

const { values: options } = parseArgs({ options: {
  data: { type: "string" }, epochs: { type: "string", default: "10" },
  seed: { type: "string", default: "0" },
} });
const epochs = Number(options.epochs);
assert.ok(Number.isInteger(epochs) && epochs > 0, `--epochs takes a number > 0: ${options.epochs}`);

class MultiLayerPerceptron extends nn.Module {
  lin1 = new nn.Linear(784, 256);
  lin2 = new nn.Linear(256, 10);

  constructor() {
    super();
    for (const { weight, bias } of [this.lin1, this.lin2]) {
      nn.init.kaimingNormal_(weight);
      nn.init.zeros_(bias!);
    }
  }

  forward(x: Tensor): Tensor {
    return this.lin2(this.lin1(x).relu());
  }
}
