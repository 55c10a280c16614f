// Numbers of many rows, a few bytes a row, growing without ever being copied: memory is what is in it.

const CHUNK = 1 << 16;

interface Numbers {
  readonly length: number;
  [index: number]: number;
}

/** A list of numbers of one type that grows at its end. */
export class Column<A extends Numbers> {
  private readonly chunks: A[] = [];
  length = 0;

  constructor(private readonly type: new (length: number) => A) {}

  push(value: number): void {
    if (this.length === this.chunks.length * CHUNK) this.chunks.push(new this.type(CHUNK));
    this.chunks[this.length >>> 16]![this.length++ & (CHUNK - 1)] = value;
  }

  at(index: number): number {
    return this.chunks[index >>> 16]![index & (CHUNK - 1)]!;
  }

  set(index: number, value: number): void {
    this.chunks[index >>> 16]![index & (CHUNK - 1)] = value;
  }
}
