// The two streams of a program in one connection: frames of [stream, 0, 0, 0, length as big-endian u32] and that many bytes
// (Docker Engine API, "Attach to a container", stream format).

/** Takes frames apart as they come, in pieces of any size. */
export class FrameReader {
  #header = Buffer.alloc(8);
  #headerBytes = 0;
  #left = 0;
  #isError = false;

  constructor(
    readonly stdout: (chunk: Uint8Array) => void,
    readonly stderr: (chunk: Uint8Array) => void,
  ) {}

  write(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const part = chunk.subarray(at, at + this.#left);
        (this.#isError ? this.stderr : this.stdout)(part);
        this.#left -= part.length;
        at += part.length;
        continue;
      }
      const part = chunk.subarray(at, at + 8 - this.#headerBytes);
      this.#header.set(part, this.#headerBytes);
      this.#headerBytes += part.length;
      at += part.length;
      if (this.#headerBytes < 8) return;
      this.#headerBytes = 0;
      // 0 is stdin, 1 stdout, 2 stderr, 3 an error of the engine itself.
      this.#isError = this.#header[0]! >= 2;
      this.#left = this.#header.readUInt32BE(4);
    }
  }
}
