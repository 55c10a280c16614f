// The header of a GGUF file: metadata and where each tensor lies. Checked before anything is believed.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).

import { DataError, show } from "../base/errors.ts";
import { FileReader } from "./file-reader.ts";
import { type BlockType, blockTypeOf } from "./gguf-blocks.ts";
import { isPrintableName } from "./json-file.ts";

/** Where one tensor lies. */
export interface GgufTensor {
  readonly name: string;
  readonly type: BlockType;
  /** Row-major, as in Hugging Face: GGUF's `ne` reversed. */
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** A GGUF file's header. */
export interface GgufHeader {
  /** Whole numbers are `number` (`bigint` where that would round), lists are arrays. */
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Bytes before the first tensor. */
  readonly dataOffset: number;
}

/** Metadata of a GGUF file (tokenizer.ggml.*, tokenizer.chat_template, ...), without opening its weights.
 *  @throws UserError when it is missing; DataError when it is no GGUF file or is damaged. */
export function readGgufMetadata(path: string): ReadonlyMap<string, unknown> {
  using reader = new FileReader(path, "a GGUF file");
  return readGgufHeader(reader).metadata;
}

const maxDimensions = 4;
const hint = { hint: "the file may be half-downloaded or damaged; download it again" };

/** Reads and checks the header of an open file. */
export function readGgufHeader(reader: FileReader): GgufHeader {
  const cursor = new Cursor(reader);
  const fail = (complaint: string) => new DataError({ file: reader.path }, complaint, hint);
  const magic = reader.bytes >= 4 ? cursor.text(4) : "";
  if (magic !== "GGUF") throw fail(`expected a GGUF file (starting with "GGUF"), got ${show(magic)}`);
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw fail(`expected GGUF version 2 or 3, got ${version}`);
  const tensorCount = cursor.count("the number of tensors", 24);
  const keyCount = cursor.count("the number of metadata keys", 12);
  const metadata = new Map<string, unknown>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.name("a metadata key");
    if (metadata.has(key)) throw fail(`expected each metadata key once, got ${show(key)} twice`);
    metadata.set(key, cursor.value(cursor.u32(), key, 0));
  }
  const alignment = metadata.get("general.alignment") ?? 32;
  if (typeof alignment !== "number" || !Number.isSafeInteger(alignment) || alignment < 1)
    throw fail(`general.alignment: expected a positive whole number, got ${show(alignment)}`);
  const relative: GgufTensor[] = [];
  for (let i = 0; i < tensorCount; i++) relative.push(readTensorInfo(cursor, reader));
  const dataOffset = Math.ceil(cursor.offset / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const tensor of relative) {
    if (tensors.has(tensor.name)) throw fail(`expected each tensor once, got ${show(tensor.name)} twice`);
    tensors.set(tensor.name, { ...tensor, offset: dataOffset + tensor.offset });
  }
  checkPlaces([...tensors.values()], dataOffset, alignment, reader);
  return { metadata, tensors, dataOffset };
}

function readTensorInfo(cursor: Cursor, reader: FileReader): GgufTensor {
  const name = cursor.name("a tensor name");
  const fail = (complaint: string) => new DataError({ file: reader.path, field: name }, complaint, hint);
  const dimensions = cursor.u32();
  if (dimensions < 1 || dimensions > maxDimensions)
    throw fail(`expected 1 to ${maxDimensions} dimensions, got ${dimensions}`);
  const ne = Array.from({ length: dimensions }, () => cursor.u64());
  const count = ne.reduce((product, n) => product * n, 1);
  if (!Number.isSafeInteger(count))
    throw fail(`expected dimensions of a tensor that fits the file, got ${show(ne)}`);
  const type = blockTypeOf(cursor.u32(), name, reader.path);
  if (ne[0]! % type.elements !== 0)
    throw fail(`expected rows of whole ${type.name} blocks of ${type.elements}, got ${ne[0]} columns`);
  const bytes = (count / type.elements) * type.bytes;
  return { name, type, shape: ne.reverse(), offset: cursor.u64(), bytes };
}

/** Tensors must be aligned, follow each other with padding only, and end where the file ends. */
function checkPlaces(
  tensors: readonly GgufTensor[],
  dataOffset: number,
  alignment: number,
  reader: FileReader,
): void {
  const aligned = (offset: number) => Math.ceil(offset / alignment) * alignment;
  let end = dataOffset;
  let before = "the header";
  for (const tensor of tensors.toSorted((a, b) => a.offset - b.offset)) {
    const fail = (complaint: string) =>
      new DataError({ file: reader.path, field: tensor.name }, complaint, hint);
    if (tensor.offset !== aligned(end))
      throw fail(
        `expected data at byte ${aligned(end)} after ${before}, got ${tensor.offset} (${tensor.offset < end ? "an overlap" : "a gap"})`,
      );
    end = tensor.offset + tensor.bytes;
    before = tensor.name;
    if (end > reader.bytes)
      throw fail(`expected the file to have ${end} bytes or more, got ${reader.bytes} (the data is cut off)`);
  }
  if (reader.bytes > Math.max(aligned(end), end))
    throw new DataError(
      { file: reader.path },
      `expected the file to end at byte ${aligned(end)} after ${before}, got ${reader.bytes - aligned(end)} bytes more`,
      hint,
    );
}

/** Bytes fetched at a time; metadata is read front to back. */
const pageBytes = 1 << 20;

/** Reads typed values from the start of a file, never past its end. */
class Cursor {
  #page = new Uint8Array(0);
  #view = new DataView(this.#page.buffer);
  #pageStart = 0;
  #at = 0;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(readonly reader: FileReader) {}

  get offset(): number {
    return this.#pageStart + this.#at;
  }

  /** Makes `bytes` available at `#at` and steps over them; returns where they begin in the page. */
  #take(bytes: number): number {
    if (this.#at + bytes > this.#page.length) {
      const start = this.offset;
      if (start + bytes > this.reader.bytes)
        throw new DataError(
          { file: this.reader.path },
          `expected ${bytes} bytes of header at byte ${start}, got the end of the file at ${this.reader.bytes}`,
          hint,
        );
      this.#page = new Uint8Array(Math.min(Math.max(bytes, pageBytes), this.reader.bytes - start));
      this.#view = new DataView(this.#page.buffer);
      this.reader.read(start, this.#page);
      this.#pageStart = start;
      this.#at = 0;
    }
    this.#at += bytes;
    return this.#at - bytes;
  }

  text(bytes: number): string {
    const at = this.#take(bytes);
    return this.#decoder.decode(this.#page.subarray(at, at + bytes));
  }

  u32(): number {
    const at = this.#take(4);
    return this.#view.getUint32(at, true);
  }

  u64(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** A count of things that take at least `bytesEach`: more than the file can hold is refused. */
  count(what: string, bytesEach: number): number {
    const count = this.u64();
    if (count * bytesEach > this.reader.bytes - this.offset)
      throw new DataError(
        { file: this.reader.path },
        `${what}: expected what a file of ${this.reader.bytes} bytes can hold, got ${count}`,
        hint,
      );
    return count;
  }

  string(what: string): string {
    return this.text(this.count(`the length of ${what}`, 1));
  }

  name(what: string): string {
    const name = this.string(what);
    if (isPrintableName(name)) return name;
    throw new DataError(
      { file: this.reader.path },
      `expected ${what} of printable text, got ${show(name)}`,
      hint,
    );
  }

  /** A metadata value of GGUF's `type`. */
  value(type: number, key: string, depth: number): unknown {
    if (type === 8) return this.string(key);
    if (type === 9) {
      if (depth > 1)
        throw new DataError(
          { file: this.reader.path, field: key },
          "expected at most two levels of lists",
          hint,
        );
      const inner = this.u32();
      const count = this.count(`the length of ${key}`, 1);
      const list: unknown[] = new Array(count);
      for (let i = 0; i < count; i++) list[i] = this.value(inner, key, depth + 1);
      return list;
    }
    const size = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][type];
    if (size === undefined)
      throw new DataError(
        { file: this.reader.path, field: key },
        `expected a metadata type from 0 to 12, got ${type}`,
        hint,
      );
    return this.#scalar(type, this.#take(size));
  }

  #scalar(type: number, at: number): unknown {
    const view = this.#view;
    const narrow = (x: bigint) =>
      x <= Number.MAX_SAFE_INTEGER && x >= Number.MIN_SAFE_INTEGER ? Number(x) : x;
    switch (type) {
      case 0:
        return view.getUint8(at);
      case 1:
        return view.getInt8(at);
      case 2:
        return view.getUint16(at, true);
      case 3:
        return view.getInt16(at, true);
      case 4:
        return view.getUint32(at, true);
      case 5:
        return view.getInt32(at, true);
      case 6:
        return view.getFloat32(at, true);
      case 7:
        return view.getUint8(at) !== 0;
      case 10:
        return narrow(view.getBigUint64(at, true));
      case 11:
        return narrow(view.getBigInt64(at, true));
      default:
        return view.getFloat64(at, true);
    }
  }
}
