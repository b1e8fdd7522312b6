// Threads: what a step costs, what a second thread gains, and what busy neighbours do to it.
// `node bench/threads.js`; medians, the alternatives taking turns.
import { spawn } from "node:child_process";
import { sources } from "./sources.js";
import { median } from "./statistics.js";

const {
  FunctionBuilder, f32, get, i32, loopWhile, memory: access, op, set,
  initThreads, runSteps, setNumThreads, threadsInUse,
} = await sources("core/src/wasm/assembler.ts", "core/src/wasm/instructions.ts",
  "core/src/kernels/threads/threads.ts");

const NEIGHBOURS = 2;
const memory = new WebAssembly.Memory({ initial: 64, maximum: 1024, shared: true });

/** `run(address, vectors, rounds)`: multiply-adds in registers, one store for each vector. */
function computeKernel() {
  const f = new FunctionBuilder(["i32", "i32", "i32"]);
  const [value, factor, left] = [f.local("v128"), f.local("v128"), f.local("i32")];
  const splat = (number) => op("f32x4.splat", f32(number));
  const bytes = f.module([
    set(factor, splat(0.999)),
    loopWhile(get(1),
      set(value, splat(1)), set(left, get(2)),
      loopWhile(get(left),
        set(value, op("f32x4.add", op("f32x4.mul", get(value), get(factor)), get(factor))),
        set(left, op("i32.sub", get(left), i32(1)))),
      access("v128.store", 0, get(0), get(value)),
      set(0, op("i32.add", get(0), i32(16))),
      set(1, op("i32.sub", get(1), i32(1)))),
  ], true);
  return { bytes, needsScalars: false, usesScratch: false };
}

/** A step of `count` calls with `rounds` multiply-adds in each of 16 vectors. */
function stepOf(kernel, count, rounds) {
  const calls = Array.from({ length: count }, (_, i) => [65536 + 256 * i, 16, rounds]);
  return [{ kernel, calls }];
}

/** Milliseconds of a sample: long enough that backing off is part of it. */
const SAMPLE = 400;

/** Microseconds of a step on one thread and on two, in turn: the medians, also of the ratio. */
function compare(steps, rounds) {
  const samples = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const threads of [1, 2]) {
      setNumThreads(threads);
      const start = performance.now();
      let repeats = 0;
      do {
        runSteps(memory, steps);
        repeats++;
      } while (performance.now() - start < SAMPLE);
      samples[threads - 1].push(1000 * (performance.now() - start) / repeats);
    }
  }
  const ratios = samples[1].map((two, i) => two / samples[0][i]);
  return { one: median(samples[0]), two: median(samples[1]), ratio: median(ratios),
    worst: Math.max(...ratios) };
}

function report(title, cases, rounds) {
  console.log(`\n${title}\n| step | one thread, µs | two, µs | two / one | worst |`);
  console.log("| --- | ---: | ---: | ---: | ---: |");
  for (const [name, steps] of cases) {
    const { one, two, ratio, worst } = compare(steps, rounds);
    console.log(`| ${name} | ${one.toFixed(1)} | ${two.toFixed(1)} | ${ratio.toFixed(2)} | ` +
      `${worst.toFixed(2)} |`);
  }
}

const kernel = computeKernel();
const cases = [
  ["2 calls that do nothing", stepOf(kernel, 2, 1)],
  ["2 × 20 µs", stepOf(kernel, 2, 450)],
  ["4 × 20 µs", stepOf(kernel, 4, 450)],
  ["10 × 100 µs", stepOf(kernel, 10, 2250)],
  ["100 × 100 µs", stepOf(kernel, 100, 2250)],
];
setNumThreads(2);
await initThreads(memory);
console.log(`Node ${process.version}`, threadsInUse(memory));
report("Alone", cases, 5);
const neighbours = Array.from({ length: NEIGHBOURS }, () =>
  spawn(process.execPath, ["-e", "for (;;);"]));
try {
  await new Promise((resolve) => setTimeout(resolve, 500));
  report(`With ${NEIGHBOURS} busy neighbours`, cases, 7);
} finally {
  for (const neighbour of neighbours) neighbour.kill("SIGKILL");
}
