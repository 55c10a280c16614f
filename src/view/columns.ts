// Facts of many rows in little memory: numbers in typed arrays, words stored once.

/** A typed array that grows. */
export class Numbers {
  private values: Float64Array | Uint32Array | Uint8Array;
  length = 0;

  constructor(private readonly make: (length: number) => Float64Array | Uint32Array | Uint8Array) {
    this.values = make(1024);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const more = this.make(2 * this.length);
      more.set(this.values as Uint8Array);
      this.values = more;
    }
    this.values[this.length++] = value;
  }

  at(row: number): number {
    return this.values[row]!;
  }
}

/** A column of words, each stored once. */
export class Words {
  private readonly numbers = new Map<string, number>();
  readonly names: string[] = [];
  private readonly rows = new Numbers((length) => new Uint32Array(length));
  /** How many rows have each word. */
  readonly counts: number[] = [];

  push(word: string): void {
    this.rows.push(this.count(word));
  }

  /** Number of a word; undefined when no row has it. */
  find(word: string): number | undefined {
    return this.numbers.get(word);
  }

  /** Number of a row's word. */
  number(row: number): number {
    return this.rows.at(row);
  }

  at(row: number): string {
    return this.names[this.rows.at(row)]!;
  }

  private count(word: string): number {
    let number = this.numbers.get(word);
    if (number === undefined) {
      number = this.names.length;
      this.numbers.set(word, number);
      this.names.push(word);
      this.counts.push(0);
    }
    this.counts[number]!++;
    return number;
  }
}
