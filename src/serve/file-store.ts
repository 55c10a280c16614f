// Files that clients uploaded and that training made, each under an id, on the disk under one folder.

import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { diskError } from "../base/atomic.ts";
import { ApiError } from "./api-error.ts";

/** What is known of a file, in OpenAI's shape. */
export interface StoredFile {
  readonly id: string;
  readonly object: "file";
  readonly bytes: number;
  readonly created_at: number;
  /** As the client named it; a path within its run for what training made. */
  readonly filename: string;
  readonly purpose: string;
  readonly status: "processed";
}

/** An id that nobody guesses: `file-3f...`. */
export function newId(kind: string): string {
  return `${kind}-${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
}

/** Unix seconds. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** The files of a server. */
export class FileStore {
  private readonly files = new Map<string, { facts: StoredFile; path: string }>();

  /** @param folder made when the first file comes. */
  constructor(readonly folder: string) {}

  /** Newest first. */
  get list(): StoredFile[] {
    return [...this.files.values()].map(({ facts }) => facts).reverse();
  }

  /** Keeps an uploaded file.
   *  @throws UserError when the disk is full. */
  add(content: Uint8Array, filename: string, purpose: string): StoredFile {
    const id = newId("file");
    // Readers of data go by the ending; the rest of the name is the client's business.
    const path = join(this.folder, "files", id, basename(filename).replace(/[^\w.-]/g, "_") || "file");
    try {
      mkdirSync(join(this.folder, "files", id), { recursive: true });
      writeFileSync(path, content);
    } catch (error) {
      rmSync(join(this.folder, "files", id), { recursive: true, force: true });
      throw diskError(path, error);
    }
    return this.register(id, path, filename, purpose, content.byteLength);
  }

  /** Makes the files of a finished run known, the adapter's configuration last. */
  addRun(folder: string): StoredFile[] {
    const names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
      .filter((name) => !/^\.?checkpoint-/.test(name))
      .sort(
        (a, b) =>
          Number(a === "adapter_config.json") - Number(b === "adapter_config.json") || (a < b ? -1 : 1),
      );
    return names.map((name) => {
      const path = join(folder, name);
      return this.register(newId("file"), path, name, "fine-tune-results", statSync(path).size);
    });
  }

  /** @throws ApiError 404. */
  get(id: string): StoredFile {
    return this.entry(id).facts;
  }

  /** Where a file lies.
   *  @throws ApiError 404. */
  path(id: string): string {
    return this.entry(id).path;
  }

  /** Copies files into a folder under names of its own. */
  copyInto(folder: string, files: Readonly<Record<string, string>>): void {
    mkdirSync(folder, { recursive: true });
    for (const [name, id] of Object.entries(files)) copyFileSync(this.path(id), join(folder, name));
  }

  /** Forgets a file; an uploaded one is removed from the disk too.
   *  @throws ApiError 404. */
  remove(id: string): void {
    const { facts } = this.entry(id);
    this.files.delete(id);
    if (facts.purpose !== "fine-tune-results")
      rmSync(join(this.folder, "files", id), { recursive: true, force: true });
  }

  private register(id: string, path: string, filename: string, purpose: string, bytes: number): StoredFile {
    const facts = {
      id,
      object: "file",
      bytes,
      created_at: now(),
      filename,
      purpose,
      status: "processed",
    } as const;
    this.files.set(id, { facts, path });
    return facts;
  }

  private entry(id: string): { facts: StoredFile; path: string } {
    const entry = this.files.get(id);
    if (entry) return entry;
    throw new ApiError(404, `file: expected the id of a file, got ${id.slice(0, 80)}`, {
      code: "no_such_file",
    });
  }
}
