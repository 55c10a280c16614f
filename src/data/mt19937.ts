// The random numbers of torch's and numpy's CPU generators.

const N = 624;
const M = 397;

/** Mersenne Twister MT19937, seeded as torch and numpy do. Matsumoto & Nishimura 1998. */
export class Mt19937 {
  private readonly state = new Uint32Array(N);
  private at = N;

  constructor(seed: number) {
    let previous = seed >>> 0;
    this.state[0] = previous;
    for (let i = 1; i < N; i++) {
      previous = (Math.imul(1812433253, previous ^ (previous >>> 30)) + i) >>> 0;
      this.state[i] = previous;
    }
  }

  /** Next 32 random bits. */
  next(): number {
    if (this.at === N) this.twist();
    let y = this.state[this.at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  private twist(): void {
    const s = this.state;
    for (let i = 0; i < N; i++) {
      const y = (s[i]! & 0x80000000) | (s[(i + 1) % N]! & 0x7fffffff);
      s[i] = s[(i + M) % N]! ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.at = 0;
  }
}
