// mt19937 (Matsumoto and Nishimura 1998), for tests that need a generator.

/** Generator with `u32()` and `uniform53()`, seeded as init_genrand does. */
export function mersenne(seed: number): { u32(): number; uniform53(): number } {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    const previous = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(previous, 1812433253) + i;
  }
  let index = 624;
  function twist(): void {
    for (let i = 0; i < 624; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % 624]! & 0x7fffffff);
      state[i] = state[(i + 397) % 624]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    index = 0;
  }
  function u32(): number {
    if (index === 624) twist();
    let y = state[index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }
  return { u32, uniform53: () => ((u32() >>> 5) * 67108864 + (u32() >>> 6)) / 9007199254740992 };
}
