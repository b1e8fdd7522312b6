// No library: what one thread can reach at most. Runs as many multiplications and additions as a
// product needs, on numbers that never leave the registers.

const [v128, i32] = [0x7b, 0x7f];
const accumulators = 12;
/** Two operations on four lanes for each accumulator. */
const flopsPerRound = accumulators * 8;

/** Unsigned LEB128. */
function leb(n) {
  return n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)];
}

const simd = (code) => [0xfd, ...leb(code)];
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const get = (i) => [0x20, i];
const set = (i) => [0x21, i];

/** `(rounds: i32) → f32`: each round, every accumulator becomes half of itself plus one. */
function moduleBytes(isRelaxed) {
  const [f32x4Add, f32x4Mul, relaxedMadd, splat, lane0] = [0xe4, 0xe6, 0x105, 0x13, 0x1f];
  const fill = (local, bytes) => [0x43, ...bytes, ...simd(splat), ...set(local)];
  const madd = (local) => (isRelaxed
    ? [...get(local), ...get(1), ...get(2), ...simd(relaxedMadd), ...set(local)]
    : [...get(local), ...get(1), ...simd(f32x4Mul), ...get(2), ...simd(f32x4Add), ...set(local)]);
  const locals = Array.from({ length: accumulators }, (_, i) => 3 + i);
  const body = [
    1, ...leb(2 + accumulators), v128,
    ...fill(1, [0, 0, 0, 0x3f]), ...fill(2, [0, 0, 0x80, 0x3f]),
    0x03, 0x40, ...locals.flatMap(madd),
    ...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b,
    ...get(3), ...locals.slice(1).flatMap((local) => [...get(local), ...simd(f32x4Add)]),
    ...simd(lane0), 0, 0x0b,
  ];
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 1, i32, 1, 0x7d]), ...section(3, [1, 0]),
    ...section(7, [1, 3, 0x72, 0x75, 0x6e, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

/** Fused multiply-add where the engine has it. */
export async function load() {
  const isRelaxed = WebAssembly.validate(moduleBytes(true));
  const { instance } = await WebAssembly.instantiate(moduleBytes(isRelaxed));
  const kind = isRelaxed ? "f32x4.relaxed_madd" : "f32x4.mul and f32x4.add";
  return {
    versions: { "register loop": kind },
    matmul: ({ flops }) => {
      const rounds = Math.max(1, Math.round(flops / flopsPerRound));
      return { step: () => { instance.exports.run(rounds); }, value: () => null };
    },
  };
}
