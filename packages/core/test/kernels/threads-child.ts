// A script with threads that tests run in a process of its own: `node threads-child.js WHAT`.
import { isMainThread, Worker } from "node:worker_threads";
import {
  initThreads, runSteps, setNumThreads, threadsInUse,
} from "../../src/kernels/threads/threads.ts";
import { BASE, cells, createMemory, incrementKernel } from "./thread-kernels.ts";

const what = process.argv[2];
const memory = createMemory();
const kernel = incrementKernel();

function runThreaded(): void {
  const calls = Array.from({ length: 64 }, (_, i) => [BASE + 16 * i, BASE + 16 * i, 20_000]);
  for (let i = 0; i < 20; i++) runSteps(memory, [{ kernel, calls }]);
}

if (what === "inWorker" && isMainThread) {
  new Worker(new URL(import.meta.url), { argv: [what] });
} else {
  setNumThreads(2);
  if (what !== "atOnce") await initThreads(memory);
  const state = threadsInUse(memory);
  runThreaded();
  const isRight = cells(memory, BASE, 64).every((count) => count === 20);
  if (what !== "atOnce") console.log(JSON.stringify({ ...state, isRight }));
  if (what === "exit") process.exit(3);
}
