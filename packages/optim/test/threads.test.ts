// Training on threads: no bit differs from one thread, also when the workers die on the way.
import { afterEach, expect, test, vi } from "vitest";
import {
  getNumThreads, manualSeed, randint, randn, setNumThreads, useDeterministicAlgorithms,
} from "@chainrule/core";
import * as nn from "@chainrule/nn";
import { Adam } from "@chainrule/optim";

const threads = process.getBuiltinModule("node:worker_threads");
const started: InstanceType<typeof threads.Worker>[] = [];
const Original = threads.Worker;
threads.Worker = class extends Original {
  constructor(...args: ConstructorParameters<typeof Original>) {
    super(...args);
    started.push(this);
  }
};
const before = getNumThreads();

afterEach(() => {
  setNumThreads(before);
  useDeterministicAlgorithms(false);
  vi.restoreAllMocks();
});

/** Losses of some steps of 784-256-10, and the parameters after them. */
async function train(steps: number, disturb: (step: number) => void | Promise<void> = () => {}) {
  manualSeed(1);
  const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10));
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  const criterion = new nn.CrossEntropyLoss();
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    await disturb(step);
    const loss = criterion(model(randn([256, 784])), randint(0, 10, [256]));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    losses.push(loss.item());
  }
  return { losses, parameters: [...model.parameters()].map((one) => one.toTypedArray()) };
}

test("1, 2 and 4 threads train alike, bit by bit", async () => {
  const results = [];
  for (const count of [1, 2, 4]) {
    setNumThreads(count);
    results.push(await train(4, () => new Promise((resolve) => setTimeout(resolve, 60))));
  }
  expect(started.length).toBeGreaterThan(0); // they did start
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test("workers that are killed on the way change nothing but the speed, with one warning", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  setNumThreads(1);
  const expected = await train(8);
  setNumThreads(2);
  const actual = await train(8, async (step) => {
    await new Promise((resolve) => setTimeout(resolve, 60)); // workers have time to start
    if (step === 3) for (const worker of started) void worker.terminate();
  });
  expect(actual).toEqual(expected);
  expect(warn.mock.calls.length).toBeLessThanOrEqual(1);
}, 30_000);
