// What a run minimises, made ready: for preference training that takes the reference's log-probabilities first.

import type { Terminal } from "../base/command.ts";
import { formatCount } from "../base/format.ts";
import { startProgress } from "../base/progress.ts";
import type { BaseWeights } from "../formats/base-weights.ts";
import type { CausalLM } from "../model/causal-lm.ts";
import type { Manifest } from "./manifest.ts";
import { nextTokenObjective, type Objective } from "./objective.ts";
import type { TrainOptions } from "./options.ts";
import { preferenceObjective } from "./preference/objective.ts";
import { referenceLogps } from "./preference/reference.ts";
import type { ReferenceAdapter } from "./preference/reference-adapter.ts";
import { isPreference, preferenceSettings } from "./preference/settings.ts";
import { alone, type RunHost } from "./run-host.ts";
import type { TrainingData } from "./training-data.ts";

/** What of a run decides its objective. */
interface ObjectiveRun {
  readonly out: string;
  readonly options: TrainOptions;
  readonly terminal: Terminal;
  readonly model: CausalLM;
  readonly data: TrainingData;
  readonly base: BaseWeights;
  readonly manifest: Manifest;
  readonly reference: ReferenceAdapter | undefined;
  readonly host: RunHost | undefined;
}

/** The objective of a run; undefined when `stop` said so while the reference was at work.
 *  @throws GpuError when the device failed, UserError when the disk is full. */
export async function runObjective(run: ObjectiveRun, stop: () => boolean): Promise<Objective | undefined> {
  const { options, model, reference } = run;
  if (!isPreference(options)) return nextTokenObjective(model);
  const settings = preferenceSettings(options);
  if (!reference) return preferenceObjective(model, settings, new Map());
  const { out, data, base, manifest, terminal, host } = run;
  const rows = [...data.train.rows, ...(data.validation?.rows ?? [])];
  const adapter = model.adapter!;
  const policy = await adapter.readWeights();
  let bar: ReturnType<typeof startProgress> | undefined;
  const pass = {
    folder: out,
    facts: {
      base: manifest.base.fingerprint,
      adapter: reference.hash,
      data: [manifest.data.sha256, manifest.evalData?.sha256 ?? null],
      template: manifest.template,
      maxLength: options.maxLength,
      load4bit: options.load4bit,
      tier: manifest.tier,
      batchSize: settings.referenceBatchSize,
      sharePrefix: options.sharePrefix,
    },
    rows,
    vocab: base.config.vocab,
    share: host?.share.bind(host) ?? alone,
    stop,
    onPair: (done: number) => bar?.update(done),
  };
  try {
    const logps = await referenceLogps(pass, model, () => {
      terminal.note(
        `reference: ${formatCount(rows.length)} pairs under ${reference.hash === null ? "the base alone" : "the base with its adapter"}, once`,
      );
      bar = startProgress(terminal, { label: "reference", total: rows.length, unit: "pairs" });
      adapter.write(reference.tensors());
    });
    return logps && preferenceObjective(model, settings, logps);
  } finally {
    bar?.end();
    adapter.write(policy);
  }
}
