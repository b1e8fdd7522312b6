// `node bench/memory.js [--steps 100000]` after `pnpm build`: resident memory while a small
// perceptron trains, without and with `await` between the steps; fails if it keeps growing.
import { setImmediate as turn } from "node:timers/promises";
import { parseArgs } from "node:util";
import { megabytes } from "./format.js";
import { load } from "./peers/chainrule.js";

const { values } = parseArgs({ options: { steps: { type: "string", default: "100000" } } });
const steps = Number(values.steps);
const readings = 10;
/** Share of the steps after which nothing new should be kept. */
const warmUp = 0.2;
/** What the collector's timing moves: the larger of a share and of bytes. */
const slack = { share: 0.05, bytes: 10e6 };

/** Both the slabs of small tensors and the kernels of larger ones take part. */
const perceptron = { sizes: [16, 64, 10], batch: 32, activation: "relu", loss: "crossEntropy",
  optimizer: "adam", lr: 1e-3 };

/** Resident bytes at the start and after every tenth of the steps. */
async function train(peer, isAwaiting) {
  const { step } = peer.train(perceptron);
  const resident = [process.memoryUsage.rss()];
  for (let reading = 0; reading < readings; reading++) {
    for (let i = 0; i < steps / readings; i++) {
      step();
      if (isAwaiting) await turn();
    }
    resident.push(process.memoryUsage.rss());
  }
  return resident;
}

/** Whether no reading after the warm-up exceeds those before it by more than the slack. */
function isFlat(resident) {
  const warm = Math.round(warmUp * readings) + 1;
  const before = Math.max(...resident.slice(0, warm));
  const limit = Math.max(before * (1 + slack.share), before + slack.bytes);
  return Math.max(...resident.slice(warm)) <= limit;
}

const peer = await load({});
console.log(`Node ${process.version}; resident MB at the start and after every ` +
  `${steps / readings} steps of ${perceptron.sizes.join("-")}`);
for (const [name, isAwaiting] of [["synchronous", false], ["with await", true]]) {
  const resident = await train(peer, isAwaiting);
  const verdict = isFlat(resident) ? "flat" : "GROWS";
  console.log(`${name}: ${resident.map(megabytes).join(" ")}: ${verdict}`);
  if (verdict !== "flat") process.exitCode = 1;
}
