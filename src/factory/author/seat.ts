// Where a scenario takes place: a user, and names drawn so that none comes twice in one world.

import type { Rng } from "../../base/rng.ts";
import { plainWords, syllables } from "../taxonomy.ts";

/** What archetypes draw from. */
export class Seat {
  private readonly words: string[];
  readonly home: string;

  constructor(
    readonly rng: Rng,
    readonly user: string,
    readonly difficulty: number,
  ) {
    this.home = `/home/${user}`;
    this.words = rng.shuffle(plainWords);
  }

  /** A word that was not drawn before. */
  word(): string {
    return this.words.pop()!;
  }

  /** `count` words. */
  take(count: number): string[] {
    return Array.from({ length: count }, () => this.word());
  }

  /** A made-up name of two syllables. */
  name(): string {
    return this.rng.sample(syllables, 2).join("");
  }

  /** A directory to work in; it need not exist. */
  place(): string {
    const top = this.rng.pick(["/srv", this.home, "/var", "/opt/data", "/var/lib", `${this.home}/work`]);
    const deep = this.difficulty > 1 && this.rng.chance(0.4);
    return `${top}/${this.word()}${deep ? `/${this.word()}` : ""}`;
  }

  /** A path as people write it, `~` for home. */
  shown(path: string): string {
    return path.startsWith(`${this.home}/`) ? `~${path.slice(this.home.length)}` : path;
  }

  /** Like `shown`, sometimes. */
  spelled(path: string): string {
    return this.rng.chance(0.5) ? this.shown(path) : path;
  }
}
