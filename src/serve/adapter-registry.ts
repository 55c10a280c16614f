// The adapters that are served: names, where they came from, and loading them while requests go on.

import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { readFormatProbe } from "../formats/format-probe.ts";
import { ApiError } from "./api-error.ts";
import type { ServedEngine } from "./served-base.ts";

/** A served adapter. */
export interface ServedAdapter {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** Number for llama.cpp's routes; never used twice. */
  readonly id: number;
  /** Unix seconds. */
  readonly created: number;
  /** Its format probe failed, and it is served all the same. */
  readonly experimental: boolean;
}

const files = ["adapter_config.json", "adapter_model.safetensors"] as const;

/** Names and directories of adapters; the engine holds their weights. */
export class AdapterRegistry {
  /** The adapter that llama.cpp's route has put on the base for everybody. */
  everywhere: number | undefined;
  private readonly served = new Map<string, ServedAdapter>();
  /** Names that are being loaded or waited for. */
  private readonly changing = new Set<string>();
  private nextId = 0;

  /** @param engine the engine as it is now: another one after a lost device. */
  constructor(
    private readonly engine: () => ServedEngine,
    private readonly baseName: string,
    /** Serve adapters whose format probe failed. */
    private readonly experimental = false,
  ) {}

  /** All adapters in the order in which they came. */
  get list(): ServedAdapter[] {
    return [...this.served.values()];
  }

  get(name: string): ServedAdapter | undefined {
    return this.served.get(name);
  }

  /** By llama.cpp's number. */
  byId(id: number): ServedAdapter | undefined {
    return this.list.find((adapter) => adapter.id === id);
  }

  /** Refuses a name that is taken or odd.
   *  @throws ApiError 400 or 409. */
  checkName(name: string): void {
    if (!/^[\w][\w.:/@+-]{0,127}$/.test(name))
      throw new ApiError(
        400,
        "lora_name: expected up to 128 letters, digits and . _ : / @ + -, got another name",
        {
          param: "lora_name",
        },
      );
    if (name === this.baseName || this.served.has(name) || this.changing.has(name))
      throw new ApiError(
        400,
        `lora_name: expected a new name, got ${name}, which is ${name === this.baseName ? "the base's" : "already loaded"}`,
        {
          param: "lora_name",
          code: "already_loaded",
        },
      );
  }

  /** Loads an adapter and serves it.
   *  @param experimental also when its format probe failed.
   *  @throws ApiError for a name that is taken, a failed format probe, or files that changed meanwhile; DataError for files that do
   *  not fit. */
  async load(name: string, path: string, experimental = this.experimental): Promise<ServedAdapter> {
    this.checkName(name);
    this.changing.add(name);
    try {
      const directory = resolve(path);
      const failed = failedProbe(directory);
      if (failed !== undefined && !experimental)
        throw new ApiError(409, `lora_path: ${failed}; "experimental": true serves it all the same`, {
          param: "lora_path",
          code: "format_probe_failed",
        });
      await this.loadUnchanged(this.engine(), name, directory);
      const adapter = {
        name,
        path: directory,
        id: this.nextId++,
        created: Math.floor(Date.now() / 1000),
        experimental: failed !== undefined,
      };
      this.served.set(name, adapter);
      return adapter;
    } finally {
      this.changing.delete(name);
    }
  }

  /** Stops serving an adapter at once; its memory returns when the last answer that uses it is done.
   *  @throws ApiError 404. */
  async unload(name: string): Promise<void> {
    const adapter = this.served.get(name);
    if (!adapter || this.changing.has(name))
      throw new ApiError(404, `lora_name: expected a loaded adapter, got ${name}`, {
        param: "lora_name",
        code: "model_not_found",
      });
    const engine = this.engine();
    this.served.delete(name);
    if (this.everywhere === adapter.id) this.everywhere = undefined;
    this.changing.add(name);
    try {
      await engine.unloadAdapter(name);
    } finally {
      this.changing.delete(name);
    }
  }

  /** Puts every adapter on a new engine; says which of them could not come along, and drops those. */
  async restore(engine: ServedEngine): Promise<string[]> {
    const lost: string[] = [];
    for (const { name, path } of this.list)
      try {
        await this.loadUnchanged(engine, name, path);
      } catch (error) {
        this.served.delete(name);
        lost.push(`${name}: ${(error as Error).message}`);
      }
    return lost;
  }

  private async loadUnchanged(engine: ServedEngine, name: string, directory: string): Promise<void> {
    const before = stamp(directory);
    await engine.loadAdapter(name, directory);
    if (stamp(directory) === before) return;
    await engine.unloadAdapter(name);
    throw new ApiError(
      409,
      `${directory}: expected an adapter that stays as it is, got one that changed while it was loaded; load it again`,
      {
        param: "lora_path",
        code: "changed_while_loading",
      },
    );
  }
}

/** Refuses a path that is no adapter directory before anything is touched.
 *  @throws ApiError 400. */
export function checkDirectory(path: string): void {
  if (path.includes("\0") || !statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new ApiError(400, `lora_path: expected a PEFT adapter directory, got ${path.slice(0, 200)}`, {
      param: "lora_path",
      code: "no_such_adapter",
    });
}

/** Why the adapter or model in `directory` should not be served; undefined when its format probe passed or was never made.
 *  @throws DataError for a record that cannot be read. */
export function failedProbe(directory: string): string | undefined {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const record = readFormatProbe(directory);
  if (record === undefined || record.passed) return undefined;
  return `expected one whose format probe passed, got ${directory} (${record.reasons.join("; ")})`;
}

/** What changes whenever one of the adapter's files does. */
function stamp(directory: string): string {
  return files
    .map((name) => {
      const stat = statSync(join(directory, name), { bigint: true, throwIfNoEntry: false });
      return stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}` : "none";
    })
    .join("\n");
}
