// Trains a 784-256-10 perceptron on MNIST, as the PyTorch tutorial does.
import assert from "node:assert/strict";
import { manualSeed, noGrad, type Tensor } from "@chainrule/core";
import { DataLoader, progress } from "@chainrule/data";
import * as nn from "@chainrule/nn";
import * as optim from "@chainrule/optim";
import { commandLine, endWith } from "./command-line.ts";
import { loadDigits } from "./digits.ts";

const { data, epochs, seed } = commandLine();

class MultiLayerPerceptron extends nn.Module {
  lin1 = new nn.Linear(784, 256);
  lin2 = new nn.Linear(256, 10);

  constructor() {
    super();
    nn.init.kaimingNormal_(this.lin1.weight);
    nn.init.zeros_(this.lin1.bias!);
    nn.init.kaimingNormal_(this.lin2.weight);
    nn.init.zeros_(this.lin2.bias!);
  }

  forward(x: Tensor): Tensor {
    return this.lin2(this.lin1(x).relu());
  }
}

const { train, test, isReal } = await loadDigits(data).catch(endWith);

manualSeed(seed);
const model = new MultiLayerPerceptron().to("cpu");
const criterion = new nn.CrossEntropyLoss();
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
const trainLoader = new DataLoader(train, { batchSize: 256, shuffle: true });
const testLoader = new DataLoader(test, { batchSize: 256, shuffle: true });
console.log(model);

function evaluate(loader: typeof trainLoader): number {
  model.eval();
  let correct = 0;
  let total = 0;
  noGrad(() => {
    for (const [images, labels] of loader) {
      const predicted = model(images.view(-1, 784)).argmax(1);
      correct += predicted.eq(labels).sum().item();
      total += labels.size(0);
    }
  });
  model.train();
  return correct / total;
}

let testAccuracy = 0;
for (let epoch = 0; epoch < epochs; epoch++) {
  let lossSum = 0;
  const batches = progress(trainLoader, { label: `epoch ${epoch}` });
  for (const [images, labels] of batches) {
    const loss = criterion(model(images.view(-1, 784)), labels);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    lossSum += loss.item();
    batches.postfix({ loss: loss.item() });
  }
  const trainAccuracy = evaluate(trainLoader);
  testAccuracy = evaluate(testLoader);
  console.log(`epoch:[${epoch}] loss:[${(lossSum / trainLoader.length).toFixed(3)}] ` +
    `train_accr:[${trainAccuracy.toFixed(3)}] test_accr:[${testAccuracy.toFixed(3)}].`);
}

const expected = isReal ? (epochs >= 10 ? 0.978 : 0.94) : 0.9;
assert.ok(testAccuracy >= expected, `test accuracy ${testAccuracy} stays below ${expected}`);
console.log(`checked: test accuracy is at least ${expected}`);
