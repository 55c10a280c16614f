// The safetensors format: 8 bytes of header length, a JSON header, the data. Reads headers and positioned slices, never a
// whole file; writes by streaming. Everything a header says is checked before it is believed.
// Format: https://huggingface.co/docs/safetensors, and safetensors 0.8 `tensor.rs` for limits and order.

import { writeChunksAtomic, writeStreamAtomic } from "../base/atomic.ts";
import { DataError, show } from "../base/errors.ts";
import { dtypeBytes } from "./dtype.ts";
import { FileReader } from "./file-reader.ts";
import { isObject, isPrintableName, type JsonObject, parseJsonObject } from "./json-file.ts";

/** Where one tensor lies in its file. */
export interface SafetensorsEntry {
  readonly name: string;
  /** safetensors' name of the type, e.g. `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Longest header that the format's own reader accepts. */
const headerLimitBytes = 100_000_000;

/** An open safetensors file; free with `close()` or `using`. */
export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** Bytes before the data: the length field and the header. */
  readonly dataOffset: number;
  readonly #reader: FileReader;

  /** Opens the file and checks its header.
   *  @throws UserError when it is missing; DataError when it is cut off, overlong, or its header contradicts itself. */
  constructor(readonly path: string) {
    this.#reader = new FileReader(path, "a safetensors file");
    try {
      const header = readHeader(this.#reader);
      this.dataOffset = header.dataOffset;
      this.metadata = readMetadata(header.json, path);
      this.entries = readEntries(header, this.#reader);
    } catch (error) {
      this.#reader.close();
      throw error;
    }
  }

  get bytes(): number {
    return this.#reader.bytes;
  }

  /** Entry of `name`. @throws DataError when the file has none. */
  entry(name: string): SafetensorsEntry {
    const entry = this.entries.get(name);
    if (entry === undefined)
      throw new DataError({ file: this.path, field: name }, "expected this tensor, got none");
    return entry;
  }

  /** Fills `into` from byte `byteOffset` of the tensor on. */
  read(entry: SafetensorsEntry, byteOffset: number, into: Uint8Array): void {
    if (byteOffset < 0 || byteOffset + into.byteLength > entry.bytes)
      throw new RangeError(
        `read of ${entry.name}: ${byteOffset}+${into.byteLength} exceeds ${entry.bytes} bytes`,
      );
    this.#reader.read(entry.offset + byteOffset, into);
  }

  /** All bytes of a (small) tensor. */
  readAll(entry: SafetensorsEntry): Uint8Array {
    const into = new Uint8Array(entry.bytes);
    this.read(entry, 0, into);
    return into;
  }

  /** Positioned read of the file itself, for hashing. */
  readFile(offset: number, into: Uint8Array): void {
    this.#reader.read(offset, into);
  }

  close(): void {
    this.#reader.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

interface Header {
  readonly json: JsonObject;
  readonly text: string;
  readonly dataOffset: number;
}

const downloadAgain = { hint: "the file may be half-downloaded or damaged; download it again" };

function readHeader(reader: FileReader): Header {
  const fail = (complaint: string) => new DataError({ file: reader.path }, complaint, downloadAgain);
  if (reader.bytes < 8) throw fail(`expected a safetensors file of at least 8 bytes, got ${reader.bytes}`);
  const prefix = new Uint8Array(8);
  reader.read(0, prefix);
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (new TextDecoder().decode(prefix) === "version ")
    throw new DataError(
      { file: reader.path },
      "expected a safetensors file, got a pointer to one in Git LFS",
      {
        hint: "the file itself was not downloaded; fetch it with git lfs pull or sekft pull",
      },
    );
  if (length > reader.bytes - 8)
    throw fail(
      `expected a header that fits the file of ${reader.bytes} bytes, got a header length of ${length}`,
    );
  if (length > headerLimitBytes)
    throw fail(`expected a header of at most ${headerLimitBytes} bytes, got ${length}`);
  const bytes = new Uint8Array(length);
  reader.read(8, bytes);
  if (bytes[0] !== 0x7b)
    throw fail(`expected a JSON header, got ${show(String.fromCharCode(...bytes.subarray(0, 8)))}`);
  const json = parseJsonObject(bytes, reader.path);
  return { json, text: new TextDecoder().decode(bytes), dataOffset: 8 + length };
}

function readMetadata(json: JsonObject, file: string): Readonly<Record<string, string>> {
  const given = json.__metadata__ ?? {};
  if (!isObject(given) || Object.values(given).some((value) => typeof value !== "string"))
    throw new DataError({ file, field: "__metadata__" }, `expected an object of strings, got ${show(given)}`);
  return given as Record<string, string>;
}

function readEntries(header: Header, reader: FileReader): ReadonlyMap<string, SafetensorsEntry> {
  const entries: SafetensorsEntry[] = [];
  for (const [name, given] of Object.entries(header.json))
    if (name !== "__metadata__") entries.push(readEntry(name, given, header.dataOffset, reader));
  // JSON.parse keeps the last of two equal keys; each tensor has exactly one "data_offsets" (inside strings the quote is escaped).
  const declared = header.text.match(/"data_offsets"\s*:/g)?.length ?? 0;
  if (declared !== entries.length)
    throw new DataError(
      { file: reader.path },
      `expected every tensor name once, got ${declared} tensors with ${entries.length} names`,
      downloadAgain,
    );
  checkTiling(entries, header.dataOffset, reader);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function readEntry(name: string, given: unknown, dataOffset: number, reader: FileReader): SafetensorsEntry {
  if (!isPrintableName(name))
    throw new DataError({ file: reader.path }, `expected a tensor name of printable text, got ${show(name)}`);
  const fail = (complaint: string) =>
    new DataError({ file: reader.path, field: name }, complaint, downloadAgain);
  if (!isObject(given))
    throw fail(`expected an object with dtype, shape and data_offsets, got ${show(given)}`);
  const { dtype, shape, data_offsets: offsets } = given;
  const elementBytes =
    typeof dtype === "string" && Object.hasOwn(dtypeBytes, dtype) ? dtypeBytes[dtype]! : undefined;
  if (elementBytes === undefined)
    throw fail(`dtype: expected one of ${Object.keys(dtypeBytes).join(", ")}, got ${show(dtype)}`);
  if (!isCountList(shape)) throw fail(`shape: expected a list of whole numbers, got ${show(shape)}`);
  if (!isCountList(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!)
    throw fail(`data_offsets: expected [begin, end], got ${show(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const expected = shape.reduce((product, n) => product * n, elementBytes);
  if (end - begin !== expected)
    throw fail(
      `expected ${expected} bytes for ${String(dtype)} ${show(shape)}, got ${end - begin} in data_offsets`,
    );
  if (dataOffset + end > reader.bytes)
    throw fail(
      `expected the file to have ${dataOffset + end} bytes or more, got ${reader.bytes} (the tensor's data is cut off)`,
    );
  return { name, dtype: dtype as string, shape, offset: dataOffset + begin, bytes: end - begin };
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** The data must be covered exactly: no overlap, no gap, nothing after the last tensor. */
function checkTiling(entries: readonly SafetensorsEntry[], dataOffset: number, reader: FileReader): void {
  let end = dataOffset;
  let before = "the header";
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (entry.offset !== end)
      throw new DataError(
        { file: reader.path, field: entry.name },
        `expected data right after ${before} at ${end - dataOffset}, got ${entry.offset - dataOffset} (${entry.offset < end ? "an overlap" : "a gap"})`,
        downloadAgain,
      );
    end += entry.bytes;
    before = entry.name;
  }
  if (end !== reader.bytes)
    throw new DataError(
      { file: reader.path },
      `expected the file to end at byte ${end} after ${before}, got ${reader.bytes - end} bytes more`,
      downloadAgain,
    );
}

interface NamedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** One tensor to be written; `chunks` yields exactly its bytes, in order. */
export interface TensorToWrite extends NamedTensor {
  readonly chunks: Iterable<Uint8Array>;
}

/** One tensor to be written whose bytes have to be waited for. */
export interface TensorToStream extends NamedTensor {
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

const dtypeOrder = Object.keys(dtypeBytes);

/** Writes a file byte for byte as the Python package does: later types first, then by name; header padded to 8 with spaces.
 *  Streams: one chunk in memory at a time. Atomic: the file appears whole or not at all.
 *  @throws UserError when the disk is full; Error when chunks do not add up to the shape (a bug of the caller). */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeChunksAtomic(path, fileChunks(ordered(tensors), metadata));
}

/** As {@link writeSafetensors}, for tensors that come piece by piece from elsewhere, e.g. a device. */
export async function streamSafetensors(path: string, tensors: readonly TensorToStream[]): Promise<void> {
  await writeStreamAtomic(path, streamedChunks(ordered(tensors)));
}

function ordered<T extends NamedTensor>(tensors: readonly T[]): T[] {
  return tensors.toSorted(
    (a, b) =>
      dtypeOrder.indexOf(b.dtype) - dtypeOrder.indexOf(a.dtype) ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

function elementBytesOf(tensor: NamedTensor): number {
  const bytes = dtypeBytes[tensor.dtype];
  if (bytes === undefined) throw new Error(`safetensors: ${tensor.name}: unknown dtype ${tensor.dtype}`);
  return bytes;
}

function* fileChunks(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Generator<Uint8Array> {
  yield headerOf(tensors, metadata);
  for (const tensor of tensors) {
    const counted = new ByteCount(tensor);
    for (const chunk of tensor.chunks) yield counted.take(chunk);
    counted.check();
  }
}

async function* streamedChunks(tensors: readonly TensorToStream[]): AsyncGenerator<Uint8Array> {
  yield headerOf(tensors, {});
  for (const tensor of tensors) {
    const counted = new ByteCount(tensor);
    for await (const chunk of tensor.chunks()) yield counted.take(chunk);
    counted.check();
  }
}

/** Holds what a tensor yields against its shape. */
class ByteCount {
  private left: number;

  constructor(private readonly tensor: NamedTensor) {
    this.left = tensor.shape.reduce((product, n) => product * n, elementBytesOf(tensor));
  }

  take(chunk: Uint8Array): Uint8Array {
    this.left -= chunk.byteLength;
    return chunk;
  }

  check(): void {
    if (this.left !== 0)
      throw new Error(
        `safetensors: ${this.tensor.name}: ${this.left} bytes too few (or, if negative, too many)`,
      );
  }
}

/** Length field and header. */
function headerOf(tensors: readonly NamedTensor[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const header: Record<string, unknown> =
    Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata };
  let end = 0;
  for (const tensor of tensors) {
    if (header[tensor.name] !== undefined) throw new Error(`safetensors: ${tensor.name} is given twice`);
    const begin = end;
    end += tensor.shape.reduce((product, n) => product * n, elementBytesOf(tensor));
    header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(text, 8);
  return padded;
}
