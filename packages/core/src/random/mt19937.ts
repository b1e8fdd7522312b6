// The MT19937 word generator (Matsumoto and Nishimura, 1998); no distributions here.

/** Words of state: the recurrence reaches back this far. */
export const stateSize = 624;
const shift = 397;

/**
 * Mersenne Twister with period `2¹⁹⁹³⁷ − 1`.
 * @see https://doi.org/10.1145/272991.272995
 */
export class Mt19937 {
  readonly words = new Uint32Array(stateSize);
  /** Position of the next word; at `stateSize` the state is renewed first. */
  index = stateSize;

  /** Restarts the stream; only the low 32 bits of `seed` are used. */
  seed(seed: number): void {
    const words = this.words;
    words[0] = seed;
    for (let i = 1; i < stateSize; i++) {
      const previous = words[i - 1];
      words[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
    this.index = stateSize;
  }

  /** The next word, in `[0, 2³²)`. */
  next(): number {
    if (this.index >= stateSize) this.#renew();
    let word = this.words[this.index++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  #renew(): void {
    const words = this.words;
    const split = stateSize - shift;
    for (let i = 0; i < split; i++) words[i] = words[i + shift] ^ twist(words[i], words[i + 1]);
    for (let i = split; i < stateSize - 1; i++) {
      words[i] = words[i - split] ^ twist(words[i], words[i + 1]);
    }
    words[stateSize - 1] = words[shift - 1] ^ twist(words[stateSize - 1], words[0]);
    this.index = 0;
  }
}

/** Top bit of one word and the rest of the next, times the matrix A of the recurrence. */
function twist(upper: number, lower: number): number {
  const mixed = (upper & 0x80000000) | (lower & 0x7fffffff);
  return (mixed >>> 1) ^ (-(lower & 1) & 0x9908b0df);
}
