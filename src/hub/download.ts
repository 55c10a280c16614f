// One file of a repository, into the cache: gone on with after a cut, checked by size and hash before it gets its name.

import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { diskError } from "../base/atomic.ts";
import { UserError } from "../base/errors.ts";
import { formatDuration } from "../base/format.ts";
import type { RemoteFile } from "./listing.ts";
import { backoff, type HubResponse, type OnRetry, request, statusError, wordsOf } from "./request.ts";
import type { HubSettings } from "./settings.ts";

/** What one download needs to know. */
export interface Download {
  readonly file: RemoteFile;
  readonly url: string;
  /** Where its content belongs. */
  readonly blob: string;
  readonly settings: HubSettings;
  readonly onRetry: OnRetry;
  /** Bytes that are there now; falls when a file has to be started again. */
  readonly onBytes: (done: number) => void;
  /** Stops between pieces when another file has failed. */
  readonly signal: AbortSignal;
}

/** Downloads a file. What is there of it stays in `<blob>.incomplete` whatever happens, and is gone on with.
 *  @throws UserError when the server has another file than it listed, is out of reach, or the disk is full. */
export async function download(job: Download): Promise<void> {
  const path = `${job.blob}.incomplete`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const partial = new PartialFile(path, job.file);
    try {
      await fill(partial, job);
    } finally {
      partial.close();
    }
    renameSync(path, job.blob);
  } catch (error) {
    throw diskError(job.blob, error);
  }
}

async function fill(partial: PartialFile, job: Download): Promise<void> {
  const { file, settings, onRetry, onBytes } = job;
  let failures = 0;
  let wrong = 0;
  for (;;) {
    job.signal.throwIfAborted();
    onBytes(partial.bytes);
    const before = partial.bytes;
    // A file that is there already, or has no bytes, needs no question.
    const reason = partial.bytes < file.bytes ? await receive(partial, job) : undefined;
    if (partial.bytes === file.bytes) {
      if (partial.isRight()) return;
      partial.restart();
      if (++wrong === 2)
        throw new UserError(
          `${file.path}: expected content with ${file.algorithm} ${file.hash}, got another, twice`,
          { hint: "the server or something on the way changes the file; try again later" },
        );
      onRetry(`${file.path}: a wrong checksum`, 0);
      continue;
    }
    failures = partial.bytes > before ? 1 : failures + 1;
    if (failures >= settings.attempts)
      throw new UserError(
        `${file.path}: expected ${file.bytes} bytes, got ${partial.bytes} and then ${reason}`,
        {
          hint: "try again later: what was downloaded is kept and will be gone on with",
        },
      );
    const wait = backoff(failures, settings);
    onRetry(`${file.path}: ${reason}`, wait);
    await Bun.sleep(wait);
  }
}

/** One answer's worth of bytes; returns why it ended early. */
async function receive(partial: PartialFile, job: Download): Promise<string> {
  const { file, url, settings, onRetry, onBytes, signal } = job;
  const range: Record<string, string> = partial.bytes > 0 ? { Range: `bytes=${partial.bytes}-` } : {};
  const answer = await request(url, { "Accept-Encoding": "identity", ...range }, settings, onRetry);
  const { response, stop } = answer;
  try {
    if (response.status === 416) {
      partial.restart();
      return "a refusal to go on in the middle";
    }
    if (!response.ok) throw statusError(file.path, response.status, settings, "");
    checkAnswer(partial, file, response);
    const idle = { timer: setTimeout(() => {}, 0) };
    try {
      for await (const piece of pieces(answer, settings.timeoutMs, idle)) {
        signal.throwIfAborted();
        partial.append(piece);
        onBytes(partial.bytes);
      }
    } finally {
      clearTimeout(idle.timer);
    }
    return "the end of the answer";
  } catch (error) {
    if (error instanceof UserError || signal.aborted) throw error;
    return error instanceof Silence ? error.message : wordsOf(error);
  } finally {
    stop();
  }
}

class Silence extends Error {}

/** The body piece by piece; a silence of `timeoutMs` ends it. */
async function* pieces(
  { response, stop }: HubResponse,
  timeoutMs: number,
  idle: { timer: ReturnType<typeof setTimeout> },
): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  let silent: (error: Error) => void = () => {};
  for (;;) {
    const silence = new Promise<never>((_, reject) => {
      silent = reject;
    });
    clearTimeout(idle.timer);
    idle.timer = setTimeout(() => {
      silent(new Silence(`silence for ${formatDuration(timeoutMs / 1000)}`));
      stop();
    }, timeoutMs);
    const { done, value } = await Promise.race([reader.read(), silence]);
    if (done) return;
    yield value;
  }
}

/** Holds the answer against the listing before a byte of it is kept. */
function checkAnswer(partial: PartialFile, file: RemoteFile, response: Response): void {
  const fail = (got: string) =>
    new UserError(`${file.path}: expected ${file.bytes} bytes as listed, got ${got}`, {
      hint: "the repository may have changed while it was read; try again",
    });
  if (response.status === 206) {
    const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
    if (match?.[2] !== undefined && match[2] !== "*" && Number(match[2]) !== file.bytes) {
      partial.restart();
      throw fail(`a file of ${match[2]}`);
    }
    if (match === null || Number(match[1]) !== partial.bytes) partial.restart();
    if (partial.bytes === 0 && match !== null && Number(match[1]) !== 0)
      throw fail(`an answer that begins at byte ${match[1]}`);
    return;
  }
  // The server starts from the beginning.
  partial.restart();
  const length = response.headers.get("Content-Length");
  if (length !== null && !response.headers.has("Content-Encoding") && Number(length) !== file.bytes)
    throw fail(`an answer of ${length}`);
}

/** `<blob>.incomplete`: its bytes so far, and their hash. */
class PartialFile {
  bytes = 0;
  readonly #handle: number;
  #hash: Hash;

  constructor(
    private readonly path: string,
    private readonly file: RemoteFile,
  ) {
    this.#handle = openSync(path, "a+");
    this.#hash = this.#newHash();
    const buffer = new Uint8Array(1 << 20);
    for (;;) {
      const got = readSync(this.#handle, buffer, 0, buffer.length, this.bytes);
      if (got === 0) break;
      this.#hash.update(buffer.subarray(0, got));
      this.bytes += got;
    }
    if (this.bytes > file.bytes) this.restart();
  }

  #newHash(): Hash {
    if (this.file.algorithm === "sha256") return createHash("sha256");
    return createHash("sha1").update(`blob ${this.file.bytes}\0`);
  }

  append(piece: Uint8Array): void {
    if (this.bytes + piece.length > this.file.bytes) {
      this.restart();
      throw new UserError(`${this.file.path}: expected ${this.file.bytes} bytes as listed, got more`, {
        hint: "the repository may have changed while it was read; try again",
      });
    }
    let done = 0;
    while (done < piece.length) done += writeSync(this.#handle, piece, done, piece.length - done);
    this.#hash.update(piece);
    this.bytes += piece.length;
  }

  restart(): void {
    ftruncateSync(this.#handle, 0);
    this.bytes = 0;
    this.#hash = this.#newHash();
  }

  /** True when the whole content has the hash that was listed. */
  isRight(): boolean {
    fsyncSync(this.#handle);
    return this.#hash.copy().digest("hex") === this.file.hash;
  }

  close(): void {
    closeSync(this.#handle);
    // An empty file says nothing.
    if (this.bytes === 0 && this.file.bytes > 0) rmSync(this.path, { force: true });
  }
}
