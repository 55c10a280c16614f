// An engine from a base's path: device, weights, cache and adapter, with progress, for a program that answers and ends.

import type { Terminal } from "../base/command.ts";
import { formatBytes } from "../base/format.ts";
import { startProgress } from "../base/progress.ts";
import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import { openBase } from "../formats/base-weights.ts";
import { checkAdapterFits, readAdapter } from "../formats/peft-adapter.ts";
import { Device } from "../gpu/device.ts";
import type { Tier } from "../gpu/facts.ts";
import { BaseModel } from "../model/base-model.ts";
import { Engine } from "./engine.ts";

/** What to open. */
export interface EngineSource {
  readonly base: string;
  readonly adapter: string | undefined;
  readonly load4bit: boolean;
  readonly tier: string;
  readonly requireGpu: boolean;
  readonly contextTokens: number | undefined;
}

/** Name under which the adapter of {@link EngineSource} is loaded. */
export const onlyAdapter = "adapter";

/** An engine that owns its base and device. */
export interface OwnedEngine extends Disposable {
  readonly engine: Engine;
  readonly device: Device;
}

/** Loads everything; what is wrong with the adapter is told before the weights are read.
 *  @throws UserError, DataError, GpuError */
export async function openEngine(
  source: EngineSource,
  text: { tokenizer: Tokenizer | undefined; endTokenIds: readonly number[] },
  terminal: Terminal,
): Promise<OwnedEngine> {
  using weights = openBase(source.base);
  if (source.adapter !== undefined)
    checkAdapterFits(readAdapter(source.adapter), source.adapter, weights.config);
  const device = await Device.open({ tier: source.tier as Tier | "auto", software: !source.requireGpu });
  try {
    const bar = startProgress(terminal, { label: "load", total: 100, unit: "%" });
    const base = await BaseModel.load(device, {
      base: weights,
      load4bit: source.load4bit,
      onProgress: (done, total) =>
        bar.update((100 * done) / total, `${formatBytes(done)} of ${formatBytes(total)}`),
    }).finally(() => bar.end());
    const engine = await Engine.create(base, {
      tokenizer: text.tokenizer,
      endTokenIds: text.endTokenIds,
      maxSequences: 1,
      contextTokens: source.contextTokens,
    });
    if (source.adapter !== undefined) await engine.loadAdapter(onlyAdapter, source.adapter);
    return {
      engine,
      device,
      [Symbol.dispose]() {
        engine[Symbol.dispose]();
        base[Symbol.dispose]();
        device[Symbol.dispose]();
      },
    };
  } catch (error) {
    device[Symbol.dispose]();
    throw error;
  }
}
