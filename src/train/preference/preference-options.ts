// The options of preference training, under the names of TRL's DPOConfig (and of its CPOConfig, for SimPO). Hardly one
// has a default in the table: what was not given must be told from what was, so that the other method can refuse it.

import { lossTypes } from "./loss.ts";

const group = "Preference training (--method dpo)";

/** What happens to a pair that is too long, as TRL names it. */
export const truncationModes = ["keep_start", "keep_end"] as const;

export const preferenceOptions = {
  lossType: {
    type: "string",
    choices: lossTypes,
    group,
    usual: "sigmoid",
    help: "sigmoid is DPO (with --label-smoothing cDPO); simpo and orpo need no reference",
  },
  beta: {
    type: "float",
    min: 1e-6,
    group,
    usual: "0.1",
    help: "how dear the distance to the reference is; IPO's tau, ORPO's lambda (SimPO's authors take 2 and more)",
  },
  labelSmoothing: {
    type: "float",
    min: 0,
    max: 0.5,
    group,
    usual: "0",
    help: "chance that a preference is the wrong way round, for sigmoid, robust and simpo",
  },
  simpoGamma: { type: "float", min: 0, group, usual: "0.5", help: "SimPO's margin" },
  cpoAlpha: {
    type: "float",
    min: 0,
    group,
    usual: "0",
    help: "weight of the chosen completion's own likelihood beside SimPO's loss; TRL's CPOConfig has 1",
  },
  referenceFree: {
    type: "flag",
    group,
    help: "a reference that finds all completions equally likely, instead of the base",
  },
  refAdapter: {
    type: "string",
    value: "DIR|none",
    group,
    usual: "--adapter",
    help: "the reference is the base with this adapter, or (none) the base itself",
  },
  precomputeRefLogProbs: {
    type: "flag",
    group,
    help: "always so here, accepted for TRL's command lines: the reference runs once, before the first step",
  },
  precomputeRefBatchSize: {
    type: "int",
    min: 1,
    group,
    usual: "as in training",
    unit: "pairs",
    help: "pairs that the reference sees at once",
  },
  sharePrefix: {
    type: "flag",
    default: true,
    group,
    help: "compute what chosen and rejected begin with once for both",
  },
  truncationMode: {
    type: "string",
    choices: truncationModes,
    group,
    usual: "keep_start",
    help: "which end of a pair longer than --max-length is kept",
  },
} as const;
