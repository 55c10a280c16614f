// `windows:` and `gates:` of a training run, made of what the other commands have: the engine on the base that is loaded, benchmarks,
// the format probe, the eval.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { resolveOptions } from "../base/resolve.ts";
import { YamlValue } from "../base/yaml-file.ts";
import type { BenchMachinery } from "../bench/run-bench.ts";
import { loadChatFormat } from "../data/chat/load-chat-format.ts";
import { sha256 } from "../eval/manifest.ts";
import { openBase } from "../formats/base-weights.ts";
import { copyFormatProbe } from "../formats/format-probe.ts";
import { Engine } from "../generate/engine.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";
import { loadTextFormat, type TextFormat } from "../serve/text-format.ts";
import { checkpointPath, checkpointSteps } from "../train/checkpoint.ts";
import { modelPath } from "../train/full/model-output.ts";
import { readRules } from "../train/gates/read-rules.ts";
import type { OpenWindow, WindowSettings, WindowSubject } from "../train/gates/windows.ts";
import type { TrainOptions } from "../train/options.ts";
import { openMachinery } from "./bench.ts";
import { engineModel } from "./local-model.ts";
import { adapterFacts, contextFor } from "./local-model-options.ts";
import { readSuite, type WindowSuite } from "./window-suites.ts";

/** The windows of a run, with what they keep open between two of them. */
export type RunWindows = WindowSettings & AsyncDisposable;

/** Reads `windows` and `gates` and everything that they name, so that a mistake is told before the first step.
 *  @throws UserError, DataError naming the field and the nearest known word */
export async function openRunWindows(options: TrainOptions, terminal: Terminal): Promise<RunWindows> {
  const text = options.windows!;
  const fields = YamlValue.parse(text, "windows").known("`every: steps` and `suites: {...}`", [
    "every",
    "at_end",
    "suites",
    "worlds",
  ]);
  const every = fields.every?.plain();
  if (!Number.isSafeInteger(every) || (every as number) < 1)
    throw new UserError(
      `windows: expected every: a whole number of steps, got ${JSON.stringify(every ?? null)}`,
    );
  const atEnd = fields.at_end?.plain() ?? true;
  if (typeof atEnd !== "boolean") throw fields.at_end!.wrong("expected true or false, got something else");
  const entries = fields.suites?.entries("`suite: {options}` lines") ?? [];
  if (entries.length === 0)
    throw new UserError("windows: expected suites, got none", {
      hint: "suites: {smoke: {}, format: {}} runs the smoke benchmark and the format probe",
    });
  const suites: WindowSuite[] = [];
  for (const [name, value] of entries) suites.push(await readSuite(name, value, terminal));
  const rules = options.gates === undefined ? [] : readRules(options.gates, suites);
  const worlds = resolveOptions(
    sandboxOptions,
    {},
    fields.worlds?.options(sandboxOptions, "of worlds") ?? {},
  );
  const quiet: Terminal = {
    ...terminal,
    out: () => undefined,
    note: () => undefined,
    interactive: false,
    quiet: true,
  };
  const machinery = openMachinery(worlds, quiet);
  const sizes = sizesOf(suites);
  using base = openBase(options.base);
  const contextTokens = contextFor(sizes, base.config.maxPositionEmbeddings, "the base was made for");
  const parts = {
    options,
    format: formatOf(options),
    fingerprint: fingerprintOf(options.base),
    suites,
    machinery,
    contextTokens,
    parallel: sizes.parallel,
    terminal: quiet,
  };
  return {
    every: every as number,
    atEnd,
    suites,
    rules,
    open: (subject) => openWindow(subject, parts),
    [Symbol.asyncDispose]: () => machinery[Symbol.asyncDispose](),
  };
}

/** Puts the record of the window whose weights the run ended with beside its output. */
export function keepFormatProbe(out: string): void {
  const steps = checkpointSteps(out).reverse();
  const keep = (to: string, file: string, from: (step: number) => string) =>
    existsSync(join(to, file)) &&
    steps.some((step) => existsSync(join(from(step), file)) && copyFormatProbe(from(step), to));
  keep(out, "adapter_model.safetensors", (step) => checkpointPath(out, step));
  keep(join(out, "model"), "config.json", (step) => modelPath(out, step));
}

type Talking = TextFormat & { readonly chat: NonNullable<TextFormat["chat"]> };

function formatOf({ base, chatTemplate }: TrainOptions): Talking {
  const format = loadTextFormat(base, chatTemplate);
  // Says what is missing, when something is.
  return { ...format, chat: format.chat ?? loadChatFormat(base, chatTemplate) };
}

/** Hash of the base's weights, read once and only when somebody asks. */
function fingerprintOf(path: string): () => string {
  let known: string | undefined;
  return () => {
    if (known !== undefined) return known;
    using base = openBase(path);
    known = base.fingerprint();
    return known;
  };
}

function sizesOf(suites: readonly WindowSuite[]) {
  const most = (size: "jobs" | "ctxBudget" | "maxTokens") =>
    Math.max(...suites.map(({ sizes }) => sizes[size]));
  return { parallel: most("jobs"), ctxBudget: most("ctxBudget"), maxTokens: most("maxTokens") };
}

async function openWindow(
  subject: WindowSubject,
  parts: {
    readonly options: TrainOptions;
    readonly format: Talking;
    readonly fingerprint: () => string;
    readonly suites: readonly WindowSuite[];
    readonly machinery: BenchMachinery;
    readonly contextTokens: number;
    readonly parallel: number;
    readonly terminal: Terminal;
  },
): Promise<OpenWindow> {
  const { options, format, suites, machinery, contextTokens, parallel, terminal } = parts;
  const { base, checkpoint, model: kept, step } = subject;
  const { chat, textPrefix } = format;
  const engine = await Engine.create(base, {
    tokenizer: chat.tokenizer,
    ...(chat.endOfTurn && { endTokenIds: [chat.endOfTurn.id] }),
    maxSequences: parallel,
    contextTokens,
  });
  const close = async () => {
    engine[Symbol.dispose]();
    // What the engine had under way still holds buffers.
    await Bun.sleep(0);
    await base.device.settle();
  };
  try {
    const name = `step-${step}`;
    const adapted = existsSync(join(checkpoint, "adapter_config.json"));
    if (adapted) await engine.loadAdapter(name, checkpoint);
    const reported = {
      runs: "window",
      step,
      ...adapterFacts(adapted ? { name, directory: checkpoint } : undefined),
    };
    const served = { engine, chat, textPrefix, adapter: adapted ? name : undefined };
    const model = engineModel(name, served, reported);
    const facts = async () => ({
      kind: adapted ? ("adapter" as const) : ("base" as const),
      model: adapted ? checkpoint : (kept ?? options.base),
      base_hash: kept === undefined ? parts.fingerprint() : fingerprintOf(kept)(),
      adapter_hash: "adapter_sha256" in reported ? String(reported.adapter_sha256) : null,
      chat_template_hash: sha256(chat.template.source),
      reported,
    });
    const arm = { name, model, facts };
    return {
      run: (suite, signal) =>
        suites.find((one) => one.name === suite)!.run({ subject, arm, machinery, signal, terminal }),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
