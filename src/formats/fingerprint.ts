// One hash that says whether two sets of weight files are the same.

import { createHash, type Hash } from "node:crypto";

/** Above this many bytes in all files, tensors are sampled instead of read whole. */
const wholeLimitBytes = 2 ** 31;
const piecesPerTensor = 16;
const pieceBytes = 4096;

/** A file to be hashed: a header that is always covered, and tensors behind it. */
export interface HashedFile {
  readonly name: string;
  readonly bytes: number;
  readonly headerBytes: number;
  readonly tensors: Iterable<{ readonly offset: number; readonly bytes: number }>;
  read(offset: number, into: Uint8Array): void;
}

/** `sha256:<hex>` over `config` and each file's name, size, header and data (all of it up to 2 GiB in total, else 16 pieces
 *  of 4 KiB of every tensor, its ends included). */
export function fingerprintFiles(config: string, files: readonly HashedFile[]): string {
  const hash = createHash("sha256");
  hash.update(config);
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const buffer = new Uint8Array(1 << 20);
  for (const file of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(`\n${file.name} ${file.bytes}\n`);
    if (total <= wholeLimitBytes) {
      hashRange(hash, file, 0, file.bytes, buffer);
      continue;
    }
    hashRange(hash, file, 0, file.headerBytes, buffer);
    for (const tensor of file.tensors) {
      const last = Math.max(0, tensor.bytes - pieceBytes);
      for (let piece = 0; piece < piecesPerTensor; piece++) {
        const at = Math.floor((last * piece) / (piecesPerTensor - 1));
        hashRange(hash, file, tensor.offset + at, Math.min(pieceBytes, tensor.bytes - at), buffer);
        if (last === 0) break;
      }
    }
  }
  return `sha256:${hash.digest("hex")}`;
}

function hashRange(hash: Hash, file: HashedFile, offset: number, bytes: number, buffer: Uint8Array): void {
  for (let done = 0; done < bytes; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, bytes - done));
    file.read(offset + done, piece);
    hash.update(piece);
    done += piece.length;
  }
}
