// Loads a base onto the device and puts the engine and the trainer to work on it, both on the one copy.

import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { startProgress } from "../base/progress.ts";
import { openBase } from "../formats/base-weights.ts";
import type { ModelConfig } from "../formats/config.ts";
import { Engine } from "../generate/engine.ts";
import { Device } from "../gpu/device.ts";
import type { Tier } from "../gpu/facts.ts";
import { budgetBytes } from "../gpu/memory.ts";
import { BaseModel } from "../model/base-model.ts";
import type { Share } from "../train/run-host.ts";
import { train } from "../train/session.ts";
import type { ResidentOptions } from "./resident-options.ts";
import type { ServedBase } from "./served-base.ts";
import type { TextFormat } from "./text-format.ts";

/** Context where the base could take more than most machines have room for. */
const USUAL_CONTEXT = 4096;

/** Loads the base of `options`.
 *  @throws UserError, DataError, GpuError as loading does. */
export async function openServedBase(
  options: ResidentOptions,
  { tokenizer, chat }: TextFormat,
  terminal: Terminal,
): Promise<ServedBase> {
  using weights = openBase(options.base);
  const contextTokens = contextOf(options, weights.config);
  const device = await Device.open({
    tier: options.tier as Tier | "auto",
    software: !options.requireGpu,
  });
  try {
    const bar = startProgress(terminal, { label: "load", total: 100, unit: "%" });
    const base = await BaseModel.load(device, {
      base: weights,
      load4bit: options.load4bit,
      onProgress: (done, total) =>
        bar.update((100 * done) / total, `${formatBytes(done)} of ${formatBytes(total)}`),
    }).finally(() => bar.end());
    const { maxSequences, cacheMemory } = options;
    const engine = await Engine.create(base, {
      ...(tokenizer && { tokenizer }),
      ...(chat?.endOfTurn && { endTokenIds: [chat.endOfTurn.id] }),
      maxSequences,
      contextTokens,
      ...(cacheMemory !== undefined && { cacheBytes: cacheMemory * 2 ** 30 }),
    });
    const share: Share = (work) =>
      engine.exclusive(async () => {
        const value = await work();
        // What is recorded but not done yet would only move the wait to whoever comes next.
        await device.settle();
        return value;
      });
    return {
      engine,
      vocab: weights.config.vocab,
      contextTokens: engine.contextTokens,
      device: `${device.facts.name} (${device.facts.driver}), tier ${device.tier}`,
      memory: () => device.allocated,
      memoryLeft: () => budgetBytes(device.facts),
      isLost: () => isLost(device, engine),
      train: (run, output, hooks) => train(run, output, { base, share, ...hooks }),
      async close() {
        // What the engine has under way still holds buffers.
        await idle(engine).catch(() => undefined);
        engine[Symbol.dispose]();
        await Bun.sleep(0);
        base[Symbol.dispose]();
        device[Symbol.dispose]();
      },
    };
  } catch (error) {
    device[Symbol.dispose]();
    throw error;
  }
}

/** @throws UserError for a longer context than the base was made for. */
function contextOf({ contextTokens }: ResidentOptions, config: ModelConfig): number {
  const most = config.maxPositionEmbeddings;
  if (contextTokens !== undefined && contextTokens > most)
    throw new UserError(
      `--context-tokens: expected at most ${most}, which the base was made for, got ${contextTokens}`,
    );
  return contextTokens ?? Math.min(most, USUAL_CONTEXT);
}

/** Checks of a base and its options that need no device.
 *  @throws UserError or DataError. */
export function checkBase(options: ResidentOptions): void {
  using weights = openBase(options.base);
  contextOf(options, weights.config);
}

/** Waits until the engine is between two steps; rejects when it will make no more. */
async function idle(engine: Engine): Promise<void> {
  await engine.exclusive(async () => undefined);
  await Bun.sleep(0);
}

/** The device tells an error once, a loss every time; an engine that failed in a step stays as it is. */
async function isLost(device: Device, engine: Engine): Promise<boolean> {
  try {
    await idle(engine);
  } catch {
    return true;
  }
  for (let look = 0; look < 2; look++)
    try {
      await device.settle();
      return false;
    } catch {
      // Look again.
    }
  return true;
}
