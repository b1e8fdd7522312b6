// The matrix product against a register-only loop of the same instructions, on one thread.
// `node bench/product-roof.js` (on Node 20 fused multiply-add also needs the flag
// --experimental-wasm-relaxed-simd).
// Sizes m,n,k of your own may follow: `256,256,784 64,10,64`. Minima of short runs in turns.
import { startRegisterLoop } from "./register-loop.js";
import { sources } from "./sources.js";

const {
  planProduct, productWorkspace, SCRATCH_BYTES, hasRelaxedMultiplyAdd, useDeterministicAlgorithms,
} = await sources("core/src/kernels/product/plan.ts", "core/src/kernels/heap-kernel.ts",
  "core/src/wasm/features.ts");

const MILLISECONDS = 200;
const ROOF_ROUNDS = 4000;
const defaults = ["256,256,256", "512,512,512", "1024,1024,1024", "256,256,784", "784,256,256",
  "255,257,259", "511,513,509", "1023,1025,1021", "256,10,256", "256,256,10", "10,256,256",
  "1,256,784", "256,1,784", "3,256,784", "64,64,64", "32,32,32", "16,16,16"];

const heap = new WebAssembly.Memory({ initial: 1024, maximum: 1024 });
const floats = new Float32Array(heap.buffer);
for (let i = 0; i < floats.length; i++) floats[i] = ((i * 7919) % 1009) / 1009 - 0.5;
const start = (bytes) => new WebAssembly.Instance(
  new WebAssembly.Module(bytes), { env: { memory: heap } }).exports.run;

const started = new Map();
const SCRATCH = 1024;

function runSteps(steps) {
  for (const { kernel, calls } of steps) {
    let run = started.get(kernel);
    if (run === undefined) started.set(kernel, run = start(kernel.bytes));
    for (const call of calls) {
      if (kernel.usesScratch) run(SCRATCH, ...call);
      else run(...call);
    }
  }
}

/** Steps of one product; operands follow each other behind the scratch memory. */
function steps(m, n, k, byA, byB) {
  const a = SCRATCH + SCRATCH_BYTES;
  const b = a + 4 * m * k;
  const out = b + 4 * k * n;
  const workspace = Math.ceil((out + 4 * m * n) / 64) * 64;
  if (workspace + productWorkspace(m, n, k, 1) > heap.buffer.byteLength) {
    throw new Error(`product-roof: sizes do not fit into 64 MB: ${m},${n},${k}`);
  }
  return planProduct({ m, n, k, batch: [{ out, a, b }], out: [4 * n, 4], workspace, shared: false,
    a: byA ? [4, 4 * m] : [4 * k, 4], b: byB ? [4, 4 * k] : [4 * n, 4] });
}

/** Least milliseconds of each of two, in turns. */
function fastest(...runs) {
  for (let i = 0; i < 20; i++) runs.forEach((run) => run());
  const repeats = runs.map((run) => {
    const before = performance.now();
    run();
    return Math.max(1, Math.floor(0.02 / (performance.now() - before)));
  });
  const least = runs.map(() => Infinity);
  for (const end = performance.now() + MILLISECONDS; performance.now() < end;) {
    runs.forEach((run, which) => {
      const before = performance.now();
      for (let i = 0; i < repeats[which]; i++) run();
      least[which] = Math.min(least[which], (performance.now() - before) / repeats[which]);
    });
  }
  return least;
}

const sizes = (process.argv.length > 2 ? process.argv.slice(2) : defaults)
  .map((text) => text.split(",").map(Number));
for (const deterministic of [false, true]) {
  useDeterministicAlgorithms(deterministic);
  const isFused = hasRelaxedMultiplyAdd();
  if (!deterministic && !isFused) continue;
  const { run, flopsPerRound } = startRegisterLoop({ isFused });
  const roof = { flops: ROOF_ROUNDS * flopsPerRound, run: () => run(ROOF_ROUNDS) };
  console.log(`Node ${process.version}, ${isFused ? "fused multiply-add" : "mul and add"}: ` +
    "GFLOP/s, and the share of the register-only loop");
  console.log(["m,n,k", "a · b", "a · bᵀ", "aᵀ · b", "aᵀ · bᵀ"].map((t) => t.padEnd(15)).join(""));
  for (const [m, n, k] of sizes) {
    const cells = [[false, false], [false, true], [true, false], [true, true]].map(([byA, byB]) => {
      const plan = steps(m, n, k, byA, byB);
      const [time, roofTime] = fastest(() => runSteps(plan), roof.run);
      const speed = 2 * m * n * k / time / 1e6;
      const share = speed / (roof.flops / roofTime / 1e6);
      return `${speed.toFixed(1).padStart(5)} ${(100 * share).toFixed(0).padStart(3)} %`;
    });
    console.log([`${m},${n},${k}`, ...cells].map((text) => text.padEnd(15)).join(""));
  }
}
