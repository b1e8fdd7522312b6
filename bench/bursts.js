// The least time of a step in many short bursts, after a long warm-up: `node bench/bursts.js` after
// `pnpm build`, and `python3 bench/peers/bursts.py` for PyTorch on one thread, best in turn.
import { manualSeed, randn, tensor } from "../packages/core/dist/index.js";
import * as nn from "../packages/nn/dist/index.js";
import { Adam, SGD } from "../packages/optim/dist/index.js";

function report(name, model, criterion, optimizer, x, y, [warm, bursts, steps]) {
  const step = () => {
    const loss = criterion(model(x), y);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss.item();
  };
  for (let i = 0; i < warm; i++) step();
  const times = Array.from({ length: bursts }, () => {
    const start = performance.now();
    for (let i = 0; i < steps; i++) step();
    return (performance.now() - start) * 1000 / steps;
  }).sort((a, b) => a - b);
  console.log(`${name}: least ${times[0].toFixed(1)} µs, median ${times[bursts >> 1].toFixed(1)}`);
}

console.log(process.version);
manualSeed(0);
const xor = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
report("XOR, mean squared error, SGD", xor, new nn.MSELoss(), new SGD(xor.parameters(), { lr: 0.1 }),
  tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), tensor([[0], [1], [1], [0]]), [30_000, 200, 200]);
const mlp = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10));
report("784-256-10, batch 256, Adam", mlp, new nn.CrossEntropyLoss(), new Adam(mlp.parameters()),
  randn([256, 784]), tensor(Int32Array.from({ length: 256 }, (_, i) => i % 10)), [50, 30, 10]);
