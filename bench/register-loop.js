// What one thread of WebAssembly reaches at most when it multiplies and adds: a loop over numbers
// that never leave the registers. `node bench/register-loop.js` prints how fast its shapes are
// (on Node 20 fused multiply-add also needs the flag --experimental-wasm-relaxed-simd).
import { fileURLToPath } from "node:url";

const [v128, i32] = [0x7b, 0x7f];
const [f32x4Add, f32x4Mul, relaxedMadd, splat, lane0] = [0xe4, 0xe6, 0x105, 0x13, 0x1f];

/** Unsigned LEB128. */
function leb(n) {
  return n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)];
}

const simd = (code) => [0xfd, ...leb(code)];
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const get = (i) => [0x20, i];
const set = (i) => [0x21, i];

const [half, firstSum] = [1, 2];

/** `sum ← ½ + ½ · sum` tends to 1; a second constant would take a register from the sums. */
const step = (sum, isFused) => [
  ...get(half), ...get(half), ...get(sum),
  ...(isFused ? simd(relaxedMadd) : [...simd(f32x4Mul), ...simd(f32x4Add)]), ...set(sum),
];

/**
 * A module that exports `run(rounds: i32) → f32`, and the flops of a round: two operations on four
 * lanes for each sum, `unrolled` times. 14 sums are the fastest measured: fewer wait for results
 * (8 latency-bound), 15 leave no register free and are moved to the stack and back on Node 20.
 */
export function registerLoop({ isFused, sums = 14, unrolled = 1 }) {
  const locals = Array.from({ length: sums }, (_, i) => firstSum + i);
  const body = [
    1, ...leb(1 + sums), v128,
    0x43, 0, 0, 0, 0x3f, ...simd(splat), ...set(half),
    0x03, 0x40, ...Array(unrolled).fill(locals.flatMap((sum) => step(sum, isFused))).flat(),
    ...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b,
    ...get(firstSum), ...locals.slice(1).flatMap((sum) => [...get(sum), ...simd(f32x4Add)]),
    ...simd(lane0), 0, 0x0b,
  ];
  const bytes = Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 1, i32, 1, 0x7d]), ...section(3, [1, 0]),
    ...section(7, [1, 3, 0x72, 0x75, 0x6e, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
  return { bytes, flopsPerRound: 8 * sums * unrolled };
}

/** The loop, compiled: `run(rounds)`, and the flops of a round. */
export function startRegisterLoop(shape) {
  const { bytes, flopsPerRound } = registerLoop(shape);
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  return { run, flopsPerRound };
}

/** Whether this engine has the fused multiply-add. */
export const canFuse = () => WebAssembly.validate(registerLoop({ isFused: true }).bytes);

/** GFLOP/s of every shape: the most of many short runs in turns. */
async function compare(isFused) {
  const shapes = [1, 2, 4].flatMap((unrolled) =>
    [8, 9, 10, 11, 12, 13, 14, 15].map((sums) => ({ isFused, sums, unrolled })));
  const all = shapes.map((shape) => {
    const { run, flopsPerRound } = startRegisterLoop(shape);
    const rounds = Math.round(2e6 / flopsPerRound);
    return { ...shape, run: () => run(rounds), flops: rounds * flopsPerRound, least: Infinity };
  });
  for (let i = 0; i < 100; i++) for (const { run } of all) run();
  await new Promise((resolve) => { setTimeout(resolve, 200); }); // V8 takes over optimised code
  for (const end = performance.now() + 3000; performance.now() < end;) {
    for (const one of all) {
      const begin = performance.now();
      one.run();
      one.least = Math.min(one.least, performance.now() - begin);
    }
  }
  const kind = isFused ? "fused multiply-add" : "mul and add";
  console.log(`Node ${process.version}, ${kind}: GFLOP/s`);
  for (const unrolled of [1, 2, 4]) {
    const cells = all.filter((one) => one.unrolled === unrolled)
      .map(({ sums, flops, least }) => `${sums}: ${(flops / least / 1e6).toFixed(1)}`);
    console.log(`unrolled ${unrolled}, sums ${cells.join("  ")}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await compare(false);
  if (canFuse()) await compare(true);
}
