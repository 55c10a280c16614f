// Engines on the golden models, and answers collected whole.

import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import {
  Engine,
  type EngineOptions,
  type Finished,
  type GeneratedToken,
  type GenerateRequest,
} from "../../src/generate/engine.ts";
import type { Device } from "../../src/gpu/device.ts";
import { BaseModel } from "../../src/model/base-model.ts";

/** Folder of the golden models and adapters. */
export const numeric = join(import.meta.dir, "../golden/numeric");

/** A base and its engine, freed together. */
export interface TinyEngine extends Disposable {
  readonly base: BaseModel;
  readonly engine: Engine;
}

/** Loads a golden model and makes an engine on it. */
export async function tinyEngine(
  device: Device,
  model: string,
  options: EngineOptions & { load4bit?: boolean } = {},
): Promise<TinyEngine> {
  using weights = openBase(join(numeric, "models", model));
  const base = await BaseModel.load(device, { base: weights, load4bit: options.load4bit ?? false });
  const engine = await Engine.create(base, { maxSequences: 8, contextTokens: 256, ...options });
  return {
    base,
    engine,
    [Symbol.dispose]() {
      engine[Symbol.dispose]();
      base[Symbol.dispose]();
    },
  };
}

/** An answer when it is over. */
export interface Whole extends Finished {
  readonly ids: number[];
  readonly text: string;
  readonly tokens: GeneratedToken[];
}

/** Reads an answer to its end. */
export async function whole(engine: Engine, request: GenerateRequest): Promise<Whole> {
  const answer = engine.generate(request);
  const tokens: GeneratedToken[] = [];
  for await (const token of answer) tokens.push(token);
  const finished = await answer.finished;
  return {
    ...finished,
    tokens,
    ids: tokens.map(({ id }) => id),
    text: tokens.map(({ text }) => text).join(""),
  };
}

/** A prompt of random ids of a base's vocabulary. */
export function promptOf(base: BaseModel, length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => Math.imul(i + 1, 2654435761 ^ (seed * 40503)) >>> 8).map(
    (value) => value % base.config.vocab,
  );
}
