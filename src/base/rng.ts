// Random choices that can be made again: one generator a purpose, named by a text, so that no order of work changes them.

import { createHash } from "node:crypto";

/** sfc32, seeded by the SHA-256 of a name. Doty-Humphrey, PractRand 0.94. */
export class Rng {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** The same name gives the same numbers on every machine. */
  constructor(private readonly name: string) {
    const digest = createHash("sha256").update(name).digest();
    this.a = digest.readUInt32LE(0);
    this.b = digest.readUInt32LE(4);
    this.c = digest.readUInt32LE(8);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A generator of its own, whatever was drawn from this one before. */
  fork(purpose: string): Rng {
    return new Rng(`${this.name}/${purpose}`);
  }

  /** Next 32 random bits. */
  next(): number {
    const sum = (this.a + this.b + this.counter++) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor((this.next() / 2 ** 32) * (high - low + 1));
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.next() / 2 ** 32 < p;
  }

  /** One of `items`. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)]!;
  }

  /** All of `items` in a random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }

  /** `count` different ones of `items`. */
  sample<T>(items: readonly T[], count: number): T[] {
    return this.shuffle(items).slice(0, count);
  }
}
