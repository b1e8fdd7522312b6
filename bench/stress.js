// Training while other processes keep both cores busy: `node bench/stress.js`, after `pnpm build`.
// Ends with 1 if the default threads take more than 2.5 times as long as one thread.
import { spawn } from "node:child_process";
import { diagnostics, getNumThreads, manualSeed, randn, setNumThreads, tensor }
  from "../packages/core/dist/index.js";
import * as nn from "../packages/nn/dist/index.js";
import { Adam } from "../packages/optim/dist/index.js";
import { median } from "./statistics.js";

const NEIGHBOURS = 2;
const ROUNDS = 12;
const SAMPLE = 500;
const MOST = 2.5;

manualSeed(0);
const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10));
const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
const criterion = new nn.CrossEntropyLoss();
const images = randn([256, 784]);
const labels = tensor(Int32Array.from({ length: 256 }, (_, i) => i % 10));

function step() {
  const loss = criterion(model(images), labels);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss.item();
}

/** Milliseconds of a step, over a sample. */
function sample(threads) {
  setNumThreads(threads);
  const start = performance.now();
  let steps = 0;
  while (performance.now() - start < SAMPLE) {
    step();
    steps++;
  }
  return (performance.now() - start) / steps;
}

const wanted = Math.max(2, getNumThreads());
for (let i = 0; i < 3; i++) {
  sample(wanted);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log(`Node ${process.version}, threads:`, diagnostics().threads);

function report(title) {
  const ratios = [];
  for (let round = 0; round < ROUNDS; round++) {
    const one = sample(1);
    ratios.push(sample(wanted) / one);
  }
  console.log(`${title}: ${wanted} threads / 1, median ${median(ratios).toFixed(2)}, ` +
    `worst ${Math.max(...ratios).toFixed(2)}`);
  return median(ratios);
}

report("alone");
const neighbours = Array.from({ length: NEIGHBOURS }, () =>
  spawn(process.execPath, ["-e", "for (;;);"]));
let ratio;
try {
  ratio = report(`with ${NEIGHBOURS} busy processes`);
} finally {
  for (const neighbour of neighbours) neighbour.kill("SIGKILL");
}
process.exitCode = ratio <= MOST ? 0 : 1;
