// `node bench/blas.js [library]`, Node 26: a BLAS of the system beside the WebAssembly product.
// One process, one memory; the shortest of many runs of each, taken in turn.
import { gigaflops, ratio } from "./format.js";
import { machine } from "./machine.js";
import { sources } from "./sources.js";
import { markdown } from "./table.js";

const {
  blasDiagnostics, blasProduct, setBlasThreads, useBlas, planProduct,
  runSteps, setNumThreads, setScratch, SCRATCH_BYTES,
} = await sources("core/src/kernels/blas/blas.ts", "core/src/kernels/product/plan.ts",
  "core/src/kernels/threads/threads.ts", "core/src/kernels/heap-kernel.ts");

/** m, n, k: squares, the products of 784-256-10 with batch 256, an odd size, a small one. */
const sizes = [
  [1024, 1024, 1024], [512, 512, 512], [256, 256, 256], [256, 256, 784], [256, 10, 256],
  [784, 256, 256], [257, 251, 253], [64, 64, 64], [16, 16, 16],
];
const THREADS = [1, 2];
const SECONDS = 0.6;

const memory = new WebAssembly.Memory({ initial: 512, maximum: 512, shared: true });
setScratch(memory, () => memory.buffer.byteLength - SCRATCH_BYTES);
setNumThreads(1); // of the kernels: the library's are set below
const data = new Float32Array(memory.buffer);
for (let i = 0; i < data.length; i++) data[i] = (i % 17) / 17 - 0.5;

/** Strides of a matrix of rows × columns, stored by rows or by columns. */
const strides = (rows, columns, isTransposed) => isTransposed ? [1, rows] : [columns, 1];

function contenders(product, [m, n, k], transA, transB) {
  const [a, b, out] = [0, m * k, m * k + k * n];
  const [aRow, aColumn] = strides(m, k, transA);
  const [bRow, bColumn] = strides(k, n, transB);
  const inBytes = (row, column) => [row * 4, column * 4];
  const steps = planProduct({
    m, n, k, batch: [{ a: a * 4, b: b * 4, out: out * 4 }], shared: true,
    a: inBytes(aRow, aColumn), b: inBytes(bRow, bColumn), out: inBytes(n, 1),
    workspace: Math.ceil((out + m * n) / 16) * 64,
  });
  const blas = () =>
    product(m, n, k, a * 4, aRow, aColumn, b * 4, bRow, bColumn, out * 4, n);
  return [
    { prepare() {}, run: () => (runSteps(memory, steps), true) },
    ...THREADS.map((count) => ({ prepare: () => setBlasThreads(count), run: blas })),
  ];
}

/** Seconds of the shortest run of each. */
function shortest(all) {
  const best = all.map(() => Infinity);
  for (const end = performance.now() + SECONDS * 1e3; performance.now() < end;) {
    all.forEach(({ prepare, run }, i) => {
      prepare();
      for (let repeat = 0; repeat < 5; repeat++) {
        const start = performance.now();
        if (!run()) throw new Error("the product was not taken");
        best[i] = Math.min(best[i], (performance.now() - start) / 1e3);
      }
    });
  }
  return best;
}

useBlas(process.argv[2] ?? true);
const product = blasProduct(memory);
const { cpu, node, load } = machine();
console.log(`${cpu}; Node ${node}; load ${load}; ${blasDiagnostics().library}\n`);
const rows = sizes.flatMap((size) => [[false, false], [false, true], [true, false]].map(
  ([transA, transB]) => {
    const [m, n, k] = size;
    const flops = 2 * m * n * k;
    const [own, ...blas] = shortest(contenders(product, size, transA, transB));
    const name = `[${m}, ${k}]${transA ? "ᵀ" : ""} · [${k}, ${n}]${transB ? "ᵀ" : ""}`;
    return [name, gigaflops(flops, own),
      ...blas.map((seconds) => `${gigaflops(flops, seconds)} (${ratio(own / seconds)})`)];
  }));
console.log(markdown(["GFLOP/s (ratio)", "WebAssembly, 1 thread",
  ...THREADS.map((count) => `BLAS, ${count} thread${count > 1 ? "s" : ""}`)], rows));
