// Whose turn it is when archetypes share the scenarios by weight.

/** Gives archetypes in turns, each as often as its weight says, spread evenly: smooth weighted round robin, as nginx does it
 *  (https://github.com/phusion/nginx/commit/27e94984486058d73157038f7950a0a36ecc6e35). Equal weights give them in their order, round and round. */
export class Turns {
  private readonly given: { readonly archetype: string; readonly index: number }[] = [];
  private readonly credit: number[];
  private readonly counts: number[];

  /** @param weights positive; those that are not named weigh 1. */
  constructor(
    private readonly archetypes: readonly string[],
    private readonly weights: Readonly<Record<string, number>>,
  ) {
    this.credit = archetypes.map(() => 0);
    this.counts = archetypes.map(() => 0);
  }

  /** Turn number `ordinal`, from 0: the archetype, and how often it was there before. */
  at(ordinal: number): { readonly archetype: string; readonly index: number } {
    while (this.given.length <= ordinal) this.give();
    return this.given[ordinal]!;
  }

  private give(): void {
    let total = 0;
    let next = 0;
    for (const [i, archetype] of this.archetypes.entries()) {
      const weight = this.weights[archetype] ?? 1;
      total += weight;
      this.credit[i]! += weight;
      if (this.credit[i]! > this.credit[next]!) next = i;
    }
    this.credit[next]! -= total;
    this.given.push({ archetype: this.archetypes[next]!, index: this.counts[next]!++ });
  }
}
