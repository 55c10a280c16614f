// The adapters that an engine answers with: loaded beside the base without touching it, freed when nobody uses them any more.

import { statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { checkAdapterFits, type LoraConfig, readAdapter } from "../formats/peft-adapter.ts";
import { AdapterParameters, layoutParameters } from "../model/adapter-parameters.ts";
import type { BaseModel } from "../model/base-model.ts";

/** An adapter that requests can name. */
export interface LoadedAdapter {
  readonly name: string;
  readonly directory: string;
  readonly config: LoraConfig;
  /** Never used again in this process, even when the name is. */
  readonly uid: number;
  readonly rank: number;
  readonly bytes: number;
  readonly parameters: AdapterParameters;
}

interface Entry {
  readonly adapter: LoadedAdapter;
  users: number;
  /** Set while it is going away: who waits for the last user. */
  leaving: (() => void)[] | undefined;
}

/** Adapters by name, with how many requests use each. */
export class Adapters {
  private readonly entries = new Map<string, Entry>();
  private readonly loading = new Set<string>();
  private nextUid = 1;

  /** @param prepare run before an adapter can be named. */
  constructor(
    private readonly base: BaseModel,
    private readonly prepare: (adapter: LoadedAdapter) => Promise<void>,
  ) {}

  /** What can be named now. */
  get loaded(): ReadonlyMap<string, LoadedAdapter> {
    return new Map(
      [...this.entries].filter(([, { leaving }]) => !leaving).map(([name, { adapter }]) => [name, adapter]),
    );
  }

  /** Reads a PEFT directory onto the device.
   *  @throws UserError when the name is taken or the directory changes meanwhile; DataError when it does not fit the base. */
  async load(name: string, directory: string): Promise<void> {
    if (this.entries.has(name) || this.loading.has(name))
      throw new UserError(`adapter ${name}: expected a name that is free, got one that is loaded`, {
        hint: "unload it first, or choose another name",
      });
    this.loading.add(name);
    try {
      const before = fingerprint(directory);
      const values = readAdapter(directory);
      const targets = checkAdapterFits(values, directory, this.base.config);
      if (fingerprint(directory) !== before)
        throw new UserError(
          `${directory}: expected an adapter at rest, got one that changed while it was read`,
          {
            hint: "load it again when it is finished",
          },
        );
      const { device } = this.base;
      const { sizes } = layoutParameters(targets, device.maxBindingBytes);
      const parameters = new AdapterParameters(device, targets, false, (label) => {
        const size = sizes[Number(label.slice(label.lastIndexOf(".") + 1))]!;
        return device.tensor("LoRA weights", `${name} ${label}`, "f32", [size]);
      });
      parameters.write(new Map([...values.tensors].map(([key, { data }]) => [key, data])));
      const adapter: LoadedAdapter = {
        name,
        directory,
        config: values.config,
        uid: this.nextUid++,
        rank: Math.max(...targets.map(({ r }) => r)),
        bytes: sizes.reduce((sum, size) => sum + 4 * size, 0),
        parameters,
      };
      const entry = { adapter, users: 0, leaving: undefined };
      try {
        await device.settle();
        await this.prepare(adapter);
      } catch (error) {
        this.discard(adapter);
        throw error;
      }
      this.entries.set(name, entry);
    } finally {
      this.loading.delete(name);
    }
  }

  /** The adapter of a request, which holds it until {@link release}.
   *  @throws UserError when there is none of that name. */
  hold(name: string): LoadedAdapter {
    const entry = this.entries.get(name);
    if (!entry || entry.leaving) {
      const names = [...this.loaded.keys()];
      throw new UserError(`adapter: expected one that is loaded, got ${JSON.stringify(name)}`, {
        hint: names.length ? `loaded: ${names.join(", ")}` : "none is loaded",
      });
    }
    entry.users++;
    return entry.adapter;
  }

  /** Ends a hold. */
  release(adapter: LoadedAdapter): void {
    const entry = this.entries.get(adapter.name)!;
    entry.users--;
    if (entry.users === 0) for (const wake of entry.leaving ?? []) wake();
  }

  /** Takes a name away at once, waits for those who use the adapter, and frees it.
   *  @throws UserError when there is none of that name. */
  async unload(name: string): Promise<LoadedAdapter> {
    const entry = this.entries.get(name);
    if (!entry || entry.leaving)
      throw new UserError(`adapter: expected one that is loaded, got ${JSON.stringify(name)}`);
    const waiters: (() => void)[] = [];
    entry.leaving = waiters;
    if (entry.users > 0) await new Promise<void>((wake) => waiters.push(wake));
    this.drop(entry);
    return entry.adapter;
  }

  /** Frees all. */
  free(): void {
    for (const entry of [...this.entries.values()]) this.drop(entry);
  }

  private drop({ adapter }: Entry): void {
    if (this.entries.delete(adapter.name)) this.discard(adapter);
  }

  private discard(adapter: LoadedAdapter): void {
    for (const flat of adapter.parameters.weights) this.base.device.free(flat);
  }
}

function fingerprint(directory: string): string {
  return ["adapter_config.json", "adapter_model.safetensors"]
    .map((name) => {
      const stat = statSync(join(directory, name), { throwIfNoEntry: false });
      return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : "";
    })
    .join("\n");
}
