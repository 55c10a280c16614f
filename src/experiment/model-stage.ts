// `models/<arm>/seed-<s>`: an adapter, trained with a seed.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../base/resolve.ts";
import { type TerminalWords, terminalsText } from "../base/terminal-words.ts";
import { loadChatFormat } from "../data/chat/load-chat-format.ts";
import { toDatasetOptions } from "../data/data-options.ts";
import { loadDataset } from "../data/dataset.ts";
import { readManifest } from "../train/manifest.ts";
import { type TrainOptions, trainOptions } from "../train/options.ts";
import { isPreference } from "../train/preference/settings.ts";
import { hashFiles } from "./hashes.ts";
import { rowsFile } from "./row-stage.ts";
import type { ArmSpec, GivenOptions, ResolvedSpec } from "./spec.ts";
import { deciding, type Stage, type StageContext } from "./stage.ts";

/** Steps after which a run that is killed has lost at most so many, and how many checkpoints stay: where the file does not say. */
const SAVED = { saveSteps: 20, saveTotalLimit: 2 } as const;

/** What an adapter is trained on, and where it goes. */
export interface TrainingSource {
  readonly id: string;
  /** Stages whose outputs it is trained on. */
  readonly needs: readonly string[];
  /** Its rows, or pairs. */
  file(folder: string): string;
  /** Options beside the arm's own. */
  given(folder: string): GivenOptions;
}

/** The stage of one arm and seed, trained on the arm's data set or on `source`. */
export function modelStage(
  spec: ResolvedSpec,
  name: string,
  seed: number,
  source: TrainingSource = rowsOf(spec, name, seed),
): Stage {
  const arm = spec.arms[name]!;
  const { id } = source;
  const base = spec.bases[arm.base]!;
  return {
    id,
    kind: "model",
    arm: name,
    seed,
    base: arm.base,
    set: arm.data!,
    settings: { training: deciding(arm.training), seed, terminals: arm.terminals, holdout: spec.holdout },
    needs: source.needs,
    outside: async ({ machinery }) => ({
      [`base ${arm.base}`]: await machinery.fingerprint(await machinery.base(base)),
    }),
    units: rowsExpected(spec, arm),
    async run(context) {
      const options = await runOptions(spec, arm, source, seed, context);
      await context.machinery.train(options, context.terminal);
      const manifest = readManifest(options.out!);
      const { sequences, tokens, labels } = manifest.data;
      return {
        facts: {
          sequences,
          tokens,
          trained_tokens: labels,
          epochs: options.maxSteps > 0 ? null : options.numTrainEpochs,
          steps: manifest.totalSteps,
          trainable_parameters: manifest.trainableParameters,
          tier: manifest.tier,
          ...(await whatRowsBecame(options)),
        },
        device: manifest.device.name,
      };
    },
    outputs: async (folder) =>
      hashFiles(join(folder, id), ["adapter_model.safetensors", "adapter_config.json"]),
    keepsParts: true,
  };
}

function rowsOf(spec: ResolvedSpec, name: string, seed: number): TrainingSource {
  const set = spec.arms[name]!.data!;
  return {
    id: modelId(name, seed),
    needs: [`data/${set}/rows`],
    file: (folder) => rowsFile(folder, set),
    given: () => ({}),
  };
}

/** Name and folder of the stage. */
export function modelId(arm: string, seed: number): string {
  return `models/${arm}/seed-${seed}`;
}

/** `--terminals`, or nothing where the words are the usual ones. */
export function terminalsFlag(words: TerminalWords | null): string | undefined {
  return words === null ? undefined : terminalsText(words);
}

async function runOptions(
  spec: ResolvedSpec,
  arm: ArmSpec,
  source: TrainingSource,
  seed: number,
  { folder, machinery }: StageContext,
): Promise<TrainOptions> {
  const out = join(folder, source.id);
  const begun = existsSync(join(out, "manifest.json"));
  return resolveOptions(
    trainOptions,
    {},
    {
      ...SAVED,
      ...arm.training,
      ...source.given(folder),
      base: await machinery.base(spec.bases[arm.base]!),
      data: source.file(folder),
      holdout: spec.holdout,
      terminals: terminalsFlag(arm.terminals),
      seed,
      out,
      resume: begun,
      // A kill before the manifest was written left nothing to go on from.
      overwrite: !begun && existsSync(out),
    },
  );
}

/** How many rows were too long, or refused. */
async function whatRowsBecame(options: TrainOptions): Promise<Record<string, unknown>> {
  // What became of pairs stands in what their stage and the run's manifest counted.
  if (isPreference(options)) return {};
  const format = loadChatFormat(options.base, options.chatTemplate);
  const { counts } = await loadDataset(toDatasetOptions({ ...options, data: options.data! }), format);
  const { rows, trajectories, refused, truncated, truncatedTokens, assistantTurns, terminals } = counts;
  return {
    data: {
      rows,
      taken: trajectories,
      refused,
      truncated,
      truncated_tokens: truncatedTokens,
      assistant_turns: assistantTurns,
      terminals,
    },
  };
}

/** Rows of all epochs, as far as the file tells. */
function rowsExpected(spec: ResolvedSpec, { data, training }: ArmSpec): number {
  const set = spec.data[data!]!;
  const author = set.author ?? (set.from === null ? null : spec.data[set.from]!.author);
  const rows = ((author?.n as number | undefined) ?? 1) + (set.replay?.n ?? 0);
  return rows * ((training.numTrainEpochs as number | undefined) ?? trainOptions.numTrainEpochs.default);
}
