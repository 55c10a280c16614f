// The base of this machine as models for the harness: loaded once, with any number of adapters beside it, or held by a resident.

import type { GenerateSettings, Model } from "../agent/contract.ts";
import type { Terminal } from "../base/command.ts";
import { Interrupted, UserError } from "../base/errors.ts";
import { type ChatFormat, promptIds } from "../data/chat/chat-format.ts";
import type { Engine } from "../generate/engine.ts";
import {
  adapterFacts,
  baseArm,
  contextFor,
  type LocalArm,
  type LocalModelFlags,
  type LocalModelSizes,
  type LocalModels,
  type NamedAdapter,
  namedAdapters,
} from "./local-model-options.ts";

/** Loads the base once and puts the adapters beside it; what is wrong with an adapter is told before the weights are read.
 *  Prompts are the tokens that training puts before an answer. Beginnings that prompts share are computed once.
 *  @throws UserError, DataError, GpuError */
export async function openLocalModels(
  flags: LocalModelFlags,
  sizes: LocalModelSizes,
  terminal: Terminal,
): Promise<LocalModels> {
  if (flags.resident !== undefined) {
    const { openResidentModels } = await import("./resident-models.ts");
    return openResidentModels(flags.resident, flags, sizes);
  }
  const { base: path } = flags;
  if (path === undefined) throw new UserError("--base: expected a base model, got none");
  const adapters = namedAdapters(flags.adapter);
  const { loadChatFormat } = await import("../data/chat/load-chat-format.ts");
  const { loadTextFormat } = await import("../serve/text-format.ts");
  const { openBase } = await import("../formats/base-weights.ts");
  const { checkAdapterFits, readAdapter } = await import("../formats/peft-adapter.ts");
  const { chat = loadChatFormat(path, flags.chatTemplate), textPrefix } = loadTextFormat(
    path,
    flags.chatTemplate,
  );
  const about: Record<string, unknown> = { runs: "in process", load_4bit: flags.load4bit };
  using weights = openBase(path);
  const contextTokens = contextFor(sizes, weights.config.maxPositionEmbeddings, "the base was made for");
  for (const { directory } of adapters) checkAdapterFits(readAdapter(directory), directory, weights.config);
  const { startProgress } = await import("../base/progress.ts");
  const { formatBytes } = await import("../base/format.ts");
  const { Device } = await import("../gpu/device.ts");
  const { BaseModel } = await import("../model/base-model.ts");
  const { Engine } = await import("../generate/engine.ts");
  const opened = await Device.open({ tier: flags.tier as "auto", software: !flags.requireGpu });
  const free: (() => void)[] = [() => opened[Symbol.dispose]()];
  const close = async () => {
    for (const one of free.splice(0).reverse()) one();
  };
  try {
    const bar = startProgress(terminal, { label: "load", total: 100, unit: "%" });
    const base = await BaseModel.load(opened, {
      base: weights,
      load4bit: flags.load4bit,
      onProgress: (done, total) =>
        bar.update((100 * done) / total, `${formatBytes(done)} of ${formatBytes(total)}`),
    }).finally(() => bar.end());
    free.push(() => base[Symbol.dispose]());
    const engine = await Engine.create(base, {
      tokenizer: chat.tokenizer,
      ...(chat.endOfTurn && { endTokenIds: [chat.endOfTurn.id] }),
      maxSequences: sizes.parallel,
      contextTokens,
    });
    free.push(() => engine[Symbol.dispose]());
    for (const { name, directory } of adapters) await engine.loadAdapter(name, directory);
    const where = `${opened.facts.name} (${opened.facts.driver}), tier ${opened.tier}`;
    Object.assign(about, { base: path, base_fingerprint: weights.fingerprint(), device: where });
    const arm = (name: string, adapter?: NamedAdapter): LocalArm => ({
      name,
      model: engineModel(
        name,
        { engine, chat, textPrefix, adapter: adapter?.name },
        { ...about, ...adapterFacts(adapter) },
      ),
    });
    return {
      arms: [arm(baseArm), ...adapters.map((adapter) => arm(adapter.name, adapter))],
      device: where,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An engine's base or one of its adapters as a model.
 *  @param about what a manifest says of it */
export function engineModel(
  name: string,
  served: {
    readonly engine: Engine;
    readonly chat: ChatFormat;
    /** Ids that the tokenizer puts before a text that no template has written. */
    readonly textPrefix: readonly number[];
    readonly adapter: string | undefined;
  },
  about: Readonly<Record<string, unknown>>,
): Model {
  const { engine, chat, textPrefix, adapter } = served;
  const answerTo = async (promptIds: number[], settings: GenerateSettings, signal?: AbortSignal) => {
    const { temperature, topP, seed, maxTokens } = settings;
    const answer = engine.generate({
      promptIds,
      adapter,
      options: { maxTokens, temperature, topP, ...(seed !== undefined && { seed }) },
      ...(signal && { signal }),
    });
    let content = "";
    for await (const { text } of answer) content += text;
    const { reason, completionTokens } = await answer.finished;
    if (reason === "abort") throw new Interrupted("interrupted while a reply was made");
    const finish = reason === "stop" ? ("stop" as const) : ("length" as const);
    return { content, finish, promptTokens: promptIds.length, completionTokens };
  };
  return {
    name,
    generate: (turns, settings, signal) => answerTo(Array.from(promptIds(turns, chat)), settings, signal),
    complete(text, settings, signal) {
      const { ids } = chat.tokenizer.encode(text);
      const begins = textPrefix.every((id, k) => ids[k] === id);
      return answerTo([...(begins ? [] : textPrefix), ...ids], settings, signal);
    },
    countTokens: (turns) => promptIds(turns, chat).length,
    describe: async () => about,
  };
}
