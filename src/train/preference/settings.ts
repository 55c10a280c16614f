// Which options go with which method, and what preference training makes of those that were left out.

import { UserError } from "../../base/errors.ts";
import { flagName } from "../../base/options.ts";
import { checkFullOptions, trainsBase } from "../full/stages.ts";
import type { TrainOptions } from "../options.ts";
import { type LossSettings, type LossType, referenceFreeLosses } from "./loss.ts";
import { preferenceOptions, type truncationModes } from "./preference-options.ts";

/** Peak rates where none is given: the published run's for adapters, TRL's for a base's own weights and for DPO. */
export const defaultLearningRates = { sft: 2e-4, full: 2e-5, dpo: 1e-6 } as const;

/** What decides preference training. */
export interface PreferenceSettings extends LossSettings {
  /** Weight of the chosen text's mean negative log likelihood; 1 for ORPO, whose it is over prompt and completion. */
  readonly nllWeight: number;
  /** The loss needs log-probabilities of a reference. */
  readonly usesReference: boolean;
  readonly truncationMode: (typeof truncationModes)[number];
  readonly referenceBatchSize: number;
}

/** True for preference training. */
export function isPreference(options: Pick<TrainOptions, "method">): boolean {
  return options.method === "dpo";
}

/** Refuses options of the other method, and fills in those of this one that were left out, so that options.json has them.
 *  @throws UserError naming the option. */
export function withMethodSettings(options: TrainOptions): TrainOptions {
  checkFullOptions(options);
  if (!isPreference(options)) {
    for (const key of Object.keys(preferenceOptions) as (keyof typeof preferenceOptions)[])
      if (isGiven(key, options))
        throw new UserError(`--${flagName(key)}: expected --method dpo, got ${options.method}`, {
          hint: "it belongs to preference training",
        });
    const usual = trainsBase(options) ? defaultLearningRates.full : defaultLearningRates.sft;
    return { ...options, learningRate: options.learningRate ?? usual };
  }
  refuseFineTuning(options);
  const settings = preferenceSettings(options);
  return {
    ...options,
    learningRate: options.learningRate ?? defaultLearningRates.dpo,
    lossType: settings.type,
    beta: settings.beta,
    labelSmoothing: settings.labelSmoothing,
    truncationMode: settings.truncationMode,
    ...(settings.type === "simpo" && { simpoGamma: settings.gamma, cpoAlpha: settings.nllWeight }),
  };
}

function isGiven(key: keyof typeof preferenceOptions, options: TrainOptions): boolean {
  if (key === "sharePrefix") return !options.sharePrefix;
  return options[key] !== undefined && options[key] !== false;
}

function refuseFineTuning(options: TrainOptions): void {
  const refuse = (flag: string, hint: string) => {
    throw new UserError(`${flag}: expected --method sft, got dpo`, { hint });
  };
  if (options.packing) refuse("--packing", "a pair is one row already");
  if (options.keepBase > 0)
    refuse("--keep-base", "--beta says how far preferences may lead from the reference");
  if (options.all) refuse("--all", "pairs carry no verdict; every one is trained on");
  if (options.overlong !== "drop")
    refuse(`--overlong ${options.overlong}`, "long pairs are cut as --truncation-mode says");
}

/** The settings that `options` ask for.
 *  @throws UserError when two of them contradict each other. */
export function preferenceSettings(options: TrainOptions): PreferenceSettings {
  const type = (options.lossType ?? "sigmoid") as LossType;
  const alone = referenceFreeLosses.has(type);
  const only = (flag: string, given: boolean, fits: boolean, wanted: string) => {
    if (given && !fits)
      throw new UserError(`${flag}: expected --loss-type ${wanted}, got ${type}`, {
        hint: `leave ${flag} out, or choose that loss`,
      });
  };
  const labelSmoothing = options.labelSmoothing ?? 0;
  const smoothed = ["sigmoid", "robust", "simpo"];
  only("--label-smoothing", labelSmoothing > 0, smoothed.includes(type), smoothed.join(", "));
  if (type === "robust" && labelSmoothing >= 0.5)
    throw new UserError(`--label-smoothing: expected less than 0.5 for robust, got ${labelSmoothing}`);
  only("--simpo-gamma", options.simpoGamma !== undefined, type === "simpo", "simpo");
  only("--cpo-alpha", options.cpoAlpha !== undefined, type === "simpo", "simpo");
  const compared = "sigmoid, hinge, ipo or robust, which compare with a reference";
  only("--reference-free", options.referenceFree, !alone, compared);
  only("--ref-adapter", options.refAdapter !== undefined, !alone, compared);
  only("--precompute-ref-batch-size", options.precomputeRefBatchSize !== undefined, !alone, compared);
  if (options.referenceFree && options.refAdapter !== undefined)
    throw new UserError("--ref-adapter: expected either --reference-free or --ref-adapter, got both");
  return {
    type,
    beta: options.beta ?? 0.1,
    labelSmoothing,
    gamma: options.simpoGamma ?? 0.5,
    nllWeight: type === "orpo" ? 1 : type === "simpo" ? (options.cpoAlpha ?? 0) : 0,
    usesReference: !alone && !options.referenceFree,
    truncationMode: (options.truncationMode ?? "keep_start") as PreferenceSettings["truncationMode"],
    referenceBatchSize: options.precomputeRefBatchSize ?? options.perDeviceTrainBatchSize,
  };
}
