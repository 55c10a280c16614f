// Texts that were read and used are garbage. The collector waits until there is as much of it as there is memory in use, and most of
// what is in use here are numbers that grow with the rows: left to itself, it would double what a mix needs.

/** Bytes of rows after which what became of them is collected. */
const MOST = 8 << 20;

/** Counts bytes of rows that were read and lists that were made, and collects them when they are many. */
export class Litter {
  private bytes = 0;

  add(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < MOST) return;
    Bun.gc(true);
    this.bytes = 0;
  }
}
