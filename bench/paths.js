// The SIMD paths against the JavaScript ones, in one process: the figures in ARCHITECTURE.md.
// `node bench/paths.js`; ratios of medians, the two paths taking turns.
import { sources } from "./sources.js";

const {
  full, noGrad, exp, add, randn, matmul, useDeterministicAlgorithms, withSimd, flushed, fusedUpdate,
  runFused, Generator, fillMask, fillNormal, fillRand,
} = await sources("core/src/index.ts", "core/src/wasm/features.ts", "optim/src/fused.ts",
  "core/src/kernels/random/fill.ts");

const ROUNDS = 41;

/** Median milliseconds of two alternatives that take turns, after a warm-up. */
function compare(first, second) {
  const samples = [[], []];
  for (let round = 0; round < ROUNDS + 8; round++) {
    [first, second].forEach((run, which) => {
      const start = performance.now();
      run();
      if (round >= 8) samples[which].push(performance.now() - start);
    });
  }
  return samples.map((times) => times.sort((a, b) => a - b)[times.length >> 1]);
}

function report(what, [first, second]) {
  console.log(`${what.padEnd(62)} ${(first / second).toFixed(2)}×`);
}

const repeat = (count, run) => () => { for (let i = 0; i < count; i++) run(); };
const inJavaScript = (run) => () => withSimd(false, run);
const deterministic = (run) => () => {
  useDeterministicAlgorithms(true);
  run();
  useDeterministicAlgorithms(false);
};

console.log(`Node ${process.version}; time of the first over time of the second`);

const [a, b] = [randn([256, 784]), randn([784, 256])];
const product = () => matmul(a, b);
report("256×784×256: JavaScript / SIMD, not fused",
  compare(inJavaScript(product), deterministic(product)));
report("256×784×256: not fused / as the engine can",
  compare(deterministic(repeat(4, product)), repeat(4, product)));

const [x, y] = [randn([65536]), randn([65536])];
for (const [name, run] of [["exp", () => exp(x)], ["add", () => add(x, y)]]) {
  report(`${name} of 65,536 elements: JavaScript / SIMD`,
    compare(inJavaScript(run), run));
}

const generator = new Generator(0);
const values = new Float32Array(65536);
for (const [name, run] of [
  ["uniforms", () => fillRand(generator, values)],
  ["normals", () => fillNormal(generator, values, 0, 1, { contiguous: true })],
  ["dropout mask", () => fillMask(generator, values, 0.5, 2)],
]) {
  report(`${name}, 65,536 elements: JavaScript / SIMD`, compare(inJavaScript(run), run));
}

/** Adam's moments and parameter, with or without the flush of denormals. */
const adam = (flush) => fusedUpdate(["param", "m", "v"], ["grad"], ["beta1", "beta2"],
  ({ param, m, v, grad, beta1, beta2 }) => {
    const average = flush(beta1.mul(m).add(beta1.neg().add(1).mul(grad)));
    const squares = flush(beta2.mul(v).add(beta2.neg().add(1).mul(grad.square())));
    return { param: param.sub(average.div(squares.sqrt().add(1e-8))), m: average, v: squares };
  });
for (const [name, flush] of [["plain", (value) => value], ["flushed", flushed]]) {
  const update = adam(flush);
  const stepFrom = (moment) => {
    const targets = [0.1, moment, 1e-6].map((value) => full([200704], value));
    const grad = full([200704], 0);
    return () => noGrad(() =>
      runFused("adam", update, targets, [grad], { beta1: 0.9999999, beta2: 0.999 }));
  };
  report(`Adam's kernel, ${name}: denormal / normal first moment`,
    compare(stepFrom(1e-40), stepFrom(1e-3)));
}
