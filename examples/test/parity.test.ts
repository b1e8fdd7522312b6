// The MNIST run, number by number against PyTorch's. Needs the real MNIST in MNIST_DIR; the first
// 50 steps by default, whole epochs with PARITY_EPOCHS (`pnpm test:parity`).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defaultGenerator, manualSeed, noGrad, rand, type Tensor } from "@chainrule/core";
import { DataLoader, MNIST } from "@chainrule/data";
import * as nn from "@chainrule/nn";
import * as optim from "@chainrule/optim";

interface Summary { shape: number[]; first: number[]; last: number; sum: number; sumSquares: number }
interface Epoch {
  meanLoss: number; trainAccuracy: number; testAccuracy: number;
  trainOrder: number[]; trainEvalOrder: number[]; testEvalOrder: number[];
}
interface Fixture {
  init: Record<string, Summary>; stepLosses: number[]; lastStepLossOfEpoch0: number;
  epochResults: Epoch[]; nextRandAfterTraining: number;
  tolerances: {
    stepLossRelative: Record<string, number>; epochMeanLossRelative: number[];
    trainAccuracyAbsolute: number[]; testAccuracyAbsolute: number[];
  };
}

const path = new URL("./fixtures/training-mnist-mlp-adam.json", import.meta.url);
const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;
const { tolerances } = fixture;
const folder = process.env.MNIST_DIR;
const epochs = Number(process.env.PARITY_EPOCHS ?? 0);

if (folder === undefined) console.warn("parity: skipped, MNIST_DIR does not name the real MNIST");

/** A data set that notes the first positions that are asked for. */
class Watched extends MNIST {
  asked: number[] = [];
  override getBatch(indices: ArrayLike<number>): [Tensor, Tensor] {
    if (this.asked.length < 5) this.asked.push(...Array.from(indices).slice(0, 5));
    return super.getBatch(indices);
  }
  firstAsked(): number[] {
    const first = this.asked.slice(0, 5);
    this.asked = [];
    return first;
  }
}

class Perceptron extends nn.Module {
  lin1 = new nn.Linear(784, 256);
  lin2 = new nn.Linear(256, 10);
  constructor() {
    super();
    nn.init.kaimingNormal_(this.lin1.weight);
    nn.init.zeros_(this.lin1.bias!);
    nn.init.kaimingNormal_(this.lin2.weight);
    nn.init.zeros_(this.lin2.bias!);
  }
  forward(x: Tensor): Tensor { return this.lin2(this.lin1(x).relu()); }
}

function setUp() {
  const [train, evaluated] = [true, false].map((isTrain) =>
    Object.setPrototypeOf(MNIST.loadSync(folder!, { train: isTrain }), Watched.prototype) as Watched);
  train!.asked = [];
  evaluated!.asked = [];
  manualSeed(0);
  const model = new Perceptron();
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const options = { batchSize: 256, shuffle: true };
  return {
    model, optimizer, train: train!, test: evaluated!,
    trainLoader: new DataLoader(train!, options), testLoader: new DataLoader(evaluated!, options),
  };
}

/** Tolerance of the loss of step `step`, counted from 1: that of the next milestone. */
function stepTolerance(step: number): number {
  const milestones = Object.keys(tolerances.stepLossRelative).map(Number).sort((a, b) => a - b);
  const next = milestones.find((milestone) => step <= milestone) ?? milestones.at(-1)!;
  return tolerances.stepLossRelative[next]!;
}

function expectRelative(actual: number, expected: number, tolerance: number, what: string): void {
  expect(Math.abs(actual / expected - 1), `${what}: ${actual}, PyTorch has ${expected}`)
    .toBeLessThanOrEqual(tolerance);
}

type Run = ReturnType<typeof setUp>;

function trainStep({ model, optimizer }: Run, images: Tensor, labels: Tensor): number {
  const loss = nn.functional.crossEntropy(model(images.view(-1, 784)), labels);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss.item();
}

function accuracy({ model }: Run, loader: Run["trainLoader"]): number {
  let correct = 0;
  let total = 0;
  noGrad(() => {
    for (const [images, labels] of loader) {
      correct += model(images.view(-1, 784)).argmax(1).eq(labels).sum().item();
      total += labels.size(0);
    }
  });
  return correct / total;
}

describe.skipIf(folder === undefined)("784-256-10 on MNIST, seed 0", () => {
  test("starts from PyTorch's weights, bit by bit", () => {
    const state = setUp().model.stateDict();
    for (const [name, expected] of Object.entries(fixture.init)) {
      const values = state.get(name)!;
      expect(values.shape).toEqual(expected.shape);
      const data = [...values.toTypedArray()];
      expect(data.slice(0, 5)).toEqual(expected.first.map(Math.fround));
      expect(data.at(-1)).toBe(Math.fround(expected.last));
      const sum = data.reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(expected.sum, 9);
    }
  });

  test("has PyTorch's losses in its first 50 steps, in PyTorch's order", () => {
    const run = setUp();
    let step = 0;
    for (const [images, labels] of run.trainLoader) {
      const loss = trainStep(run, images, labels);
      expectRelative(loss, fixture.stepLosses[step]!, stepTolerance(step + 1), `step ${step + 1}`);
      if (++step === 50) break;
    }
    expect(step).toBe(50);
    expect(run.train.firstAsked()).toEqual(fixture.epochResults[0]!.trainOrder);
  });

  test.skipIf(epochs === 0)(`has PyTorch's results in each of ${epochs} epochs`, () => {
    const run = setUp();
    for (let epoch = 0; epoch < epochs; epoch++) {
      const expected = fixture.epochResults[epoch]!;
      let sum = 0;
      let steps = 0;
      let last = NaN;
      for (const [images, labels] of run.trainLoader) {
        last = trainStep(run, images, labels);
        sum += last;
        steps++;
      }
      expect(run.train.firstAsked()).toEqual(expected.trainOrder);
      if (epoch === 0) {
        expectRelative(last, fixture.lastStepLossOfEpoch0, stepTolerance(235), "last step");
      }
      const trainAccuracy = accuracy(run, run.trainLoader);
      expect(run.train.firstAsked()).toEqual(expected.trainEvalOrder);
      const testAccuracy = accuracy(run, run.testLoader);
      expect(run.test.firstAsked()).toEqual(expected.testEvalOrder);
      console.log(`epoch ${epoch}: ${sum / steps} ${trainAccuracy} ${testAccuracy}`);
      expectRelative(sum / steps, expected.meanLoss,
        tolerances.epochMeanLossRelative[epoch]!, `mean loss of epoch ${epoch}`);
      expect(Math.abs(trainAccuracy - expected.trainAccuracy))
        .toBeLessThanOrEqual(tolerances.trainAccuracyAbsolute[epoch]!);
      expect(Math.abs(testAccuracy - expected.testAccuracy))
        .toBeLessThanOrEqual(tolerances.testAccuracyAbsolute[epoch]!);
      if (epoch === 9) {
        expect(testAccuracy).toBeGreaterThanOrEqual(0.978);
        expect(rand([1]).item()).toBe(Math.fround(fixture.nextRandAfterTraining));
      }
    }
    expect(defaultGenerator.initialSeed()).toBe(0);
  }, 1_800_000);
});
