// What is kept of a command's output: its head and its tail, a visible marker between them, the size and hash of all of it.

import { createHash } from "node:crypto";

/** Output after capping. */
export interface KeptOutput {
  readonly text: string;
  readonly bytes: number;
  /** Of all bytes, hex. */
  readonly sha256: string;
  readonly truncated: boolean;
}

/** Collects bytes; memory stays within twice the limit. */
export class CappedOutput {
  readonly #hash = createHash("sha256");
  readonly #headLimit: number;
  readonly #tailLimit: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #bytes = 0;

  /** @param limit bytes kept in all, the marker not counted */
  constructor(readonly limit: number) {
    this.#headLimit = Math.ceil(limit / 2);
    this.#tailLimit = Math.floor(limit / 2);
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a chunk; it may be reused by the caller afterwards. */
  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.byteLength;
    const toHead = Math.min(chunk.byteLength, this.#headLimit - this.#headBytes);
    if (toHead > 0) {
      this.#head.push(Buffer.from(chunk.subarray(0, toHead)));
      this.#headBytes += toHead;
    }
    const rest = chunk.subarray(Math.max(toHead, chunk.byteLength - this.#tailLimit));
    if (rest.byteLength === 0) return;
    this.#tail.push(Buffer.from(rest));
    this.#tailBytes += rest.byteLength;
    if (this.#tailBytes > 2 * this.#tailLimit + 65_536) this.#shrinkTail();
  }

  #shrinkTail(): Buffer {
    const joined = Buffer.concat(this.#tail);
    const kept = joined.subarray(Math.max(0, joined.byteLength - this.#tailLimit));
    this.#tail = [kept];
    this.#tailBytes = kept.byteLength;
    return kept;
  }

  /** Text of what was kept: UTF-8 with U+FFFD for what is not, NULs dropped. */
  finish(): KeptOutput {
    const tail = this.#shrinkTail();
    const head = Buffer.concat(this.#head);
    const sha256 = this.#hash.digest("hex");
    if (head.byteLength + tail.byteLength >= this.#bytes)
      return { text: decode(Buffer.concat([head, tail])), bytes: this.#bytes, sha256, truncated: false };
    const cleanHead = head.subarray(0, head.byteLength - cutAtEnd(head));
    const cleanTail = tail.subarray(cutAtStart(tail));
    const left = this.#bytes - cleanHead.byteLength - cleanTail.byteLength;
    const text = `${decode(cleanHead)}\n[... ${left} bytes left out ...]\n${decode(cleanTail)}`;
    return { text, bytes: this.#bytes, sha256, truncated: true };
  }
}

function decode(bytes: Buffer): string {
  return bytes.toString("utf8").replaceAll("\0", "");
}

/** Bytes of a character that the end of `bytes` cuts in two. */
function cutAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.byteLength); back++) {
    const byte = bytes[bytes.byteLength - back]!;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

/** Bytes at the start of `bytes` that belong to a character before it. */
function cutAtStart(bytes: Buffer): number {
  let cut = 0;
  while (cut < Math.min(3, bytes.byteLength) && (bytes[cut]! & 0xc0) === 0x80) cut++;
  return cut;
}
