// `node bench/blas.js [library]`, Node 26: a BLAS of the system beside the WebAssembly product.
// One process, one memory; the shortest of many runs of each, taken in turn.
import { blasDiagnostics, blasProduct, setBlasThreads, useBlas }
  from "../packages/core/src/kernels/blas/blas.ts";
import { multiplySimd } from "../packages/core/src/kernels/matmul-simd.ts";
import { gigaflops, ratio } from "./format.js";
import { machine } from "./machine.js";
import { markdown } from "./table.js";

/** m, n, k: squares, the products of 784-256-10 with batch 256, an odd size, a small one. */
const sizes = [
  [1024, 1024, 1024], [512, 512, 512], [256, 256, 256], [256, 256, 784], [256, 10, 256],
  [784, 256, 256], [257, 251, 253], [64, 64, 64], [16, 16, 16],
];
const THREADS = [1, 2];
const SECONDS = 0.6;

const memory = new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true });
const data = new Float32Array(memory.buffer);
for (let i = 0; i < data.length; i++) data[i] = (i % 17) / 17 - 0.5;

/** Strides of a matrix of rows × columns, stored by rows or by columns. */
const strides = (rows, columns, isTransposed) => isTransposed ? [1, rows] : [columns, 1];

function contenders(product, [m, n, k], transA, transB) {
  const [a, b, out] = [0, m * k, m * k + k * n];
  const [aRow, aColumn] = strides(m, k, transA);
  const [bRow, bColumn] = strides(k, n, transB);
  const matrix = (offset, rowStride, columnStride) => ({ data, offset, rowStride, columnStride });
  const [A, B, C] = [matrix(a, aRow, aColumn), matrix(b, bRow, bColumn), matrix(out, n, 1)];
  const blas = () =>
    product(m, n, k, a * 4, aRow, aColumn, b * 4, bRow, bColumn, out * 4, n);
  return [
    { prepare() {}, run: () => multiplySimd(C, A, B, m, n, k) },
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
