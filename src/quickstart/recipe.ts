// The numbers of a quickstart, each with its reason. Nothing else in the project repeats them.

import { embeddedName } from "../embedded/name.ts";
import type { LevelName } from "../factory/taxonomy.ts";
import type { TrainOptions } from "../train/options.ts";

/** What a quickstart trains with. */
export interface Recipe {
  /** Kinds of work that the sessions for training are of. */
  readonly archetypes: readonly string[];
  /** How often a kind of work comes in the sessions for training, where it is not as often as the others (1). */
  readonly archetypeWeights: Readonly<Record<string, number>>;
  /** How much a scenario asks, of training and eval alike. */
  readonly level: LevelName;
  /** How much the built-in operator explores. */
  readonly detours: number;
  /** It goes to its directive always in the same way, and only the work varies. */
  readonly oneRoutine: boolean;
  /** Factor on the loss of the work itself. */
  readonly workWeight: number;
  /** Training sessions: as many as are wanted, and the fewest that show anything. */
  readonly sessions: { readonly wanted: number; readonly least: number };
  /** Rows of the base's own training text for each session. */
  readonly replayShare: number;
  /** Options of `sekft train`; the others keep their defaults. */
  readonly training: Partial<TrainOptions> & TrainedBatch;
  /** Sessions that go over the device at once in the eval. */
  readonly evalJobs: number;
  /** What the model is shown and may say at a prompt of the eval. */
  readonly evalLimits: { readonly contextTokens: number; readonly replyTokens: number };
  /** What the ETA reckons with. */
  readonly expected: Expected;
}

/** Rows of a step. */
type TrainedBatch = Pick<TrainOptions, "perDeviceTrainBatchSize" | "gradientAccumulationSteps">;

/** Sizes that are known before anything is made, measured on earlier runs. */
export interface Expected {
  /** Tokens of a session for training, and of a row of replay. */
  readonly sessionTokens: number;
  /** A session takes as long as training on this many tokens: more than it has where the base is asked about its work. */
  readonly sessionCost: number;
  readonly replayTokens: number;
  /** An episode of the eval takes as long as training on this many tokens. */
  readonly episodeTokens: number;
}

/** Kinds of work that no training data hold: the quickstart is about these. They change files in place and set modes, which nothing
 *  in the sessions for training does. */
export const heldOut = ["text_replace", "permissions"] as const;

/** Everything an eval of a quickstart is. */
export const evaluation = {
  /** As many as the published table has. */
  scenarios: 16,
  /** Longest session. Those for training have 9 commands in the middle; the base, which cannot leave, always gets here. */
  maxCommands: 14,
  /** Scenarios for the eval never come from the seed that the sessions for training come from. */
  seedOffset: 1000,
} as const;

/** For the base inside the binary. */
const embedded: Recipe = {
  // The seven of the published run. With many more kinds of work the adapter is no better here, and a scenario costs more.
  archetypes: [
    "file_create",
    "file_transform",
    "search_count",
    "log_extract",
    "cleanup",
    "empty_queue",
    "blocked",
  ],
  // Where one session in seven is `blocked`, work of a kind that it has not seen becomes a reason to give up: 12 of 40 held-out
  // scenarios ended in `panic` before anything was tried; with one in twenty-five 0 to 3, with one in fifty none.
  archetypeWeights: { blocked: 0.15 },
  // Help over several pages and nested announcements are more than a few hundred sessions can teach so small a base.
  level: "plain",
  // One routine is what a few hundred sessions can teach; slips and second looks at work show that neither is a reason to leave.
  oneRoutine: true,
  detours: 1,
  // The work is no lesson. With its loss the adapter does the sessions' work in place of what is asked: of 40 held-out scenarios in which
  // it found its directive 33 to 36 times, 12 were solved with the loss of the work and 18 to 22 without, on one base.
  workWeight: 0,
  // Training of nine to ten minutes on two processor cores; `--minutes` takes fewer. More still help: with 1400 it finds
  // its directive in 95 of 100 scenarios, with 1000 in 92.
  sessions: { wanted: 1080, least: 120 },
  // Little, since `keepBase` below keeps the work; three rows in ten cost as much as 250 sessions and gained nothing any more.
  replayShare: 0.03,
  training: {
    // One pass: a second one over so few sessions is learnt by heart.
    numTrainEpochs: 1,
    // Four sessions a step: with eight, as many sessions teach less. One at a time: on a CPU adapter nothing is won by more at once.
    perDeviceTrainBatchSize: 1,
    gradientAccumulationSteps: 4,
    loraR: 16,
    loraAlpha: 32,
    // All data are seen once: there is nothing to overfit.
    loraDropout: 0,
    // Attention alone ends at a third of the clean sessions, the feed-forward layers alone at two thirds.
    targetModules: ["all-linear"],
    // The lower two of five layers stay as they are: 27 of 40 clean in place of 17, and a third less time.
    layersToTransform: ["2-4"],
    // Where the adapter would go about the work in another way than the base does, it is held back: of 100 scenarios 72 became 84.
    keepBase: 0.3,
    // Fifteen times the usual rate: a base of this size has much to learn and few steps to do it in. At 2e-3 79 of 100 were clean, here 89 and
    // 86, at 4e-3 85.
    learningRate: 3e-3,
    warmupRatio: 0.05,
    lrSchedulerType: "linear",
    maxLength: 2048,
    // Killed, a run loses a minute on a slow machine.
    saveSteps: 20,
    saveTotalLimit: 1,
  },
  evalJobs: 8,
  // All of the 2048 tokens that the base was made for; a command takes 60 of them at most.
  evalLimits: { contextTokens: 1920, replyTokens: 96 },
  expected: { sessionTokens: 400, sessionCost: 520, replayTokens: 490, episodeTokens: 1500 },
};

/** What another base is trained with as well: how many layers it has is not known here, and the work is part of its lesson. */
const { layersToTransform: _, keepBase: __, ...sharedTraining } = embedded.training;

/** For a base from elsewhere: it knows the work already, but not this shell. */
const real: Recipe = {
  ...embedded,
  archetypeWeights: {},
  level: "full",
  oneRoutine: false,
  detours: 0.5,
  // It can afford to learn how the work is done, and has no replay to remember it by.
  workWeight: 1,
  // A pilot with 200 sessions three times over reached the directive in 13 of 24; 600 once costs the same and varies more.
  sessions: { wanted: 600, least: 100 },
  // Nobody has its training text.
  replayShare: 0,
  training: {
    ...sharedTraining,
    gradientAccumulationSteps: 8,
    // The pilot's rate; the embedded base's would tear at weights that know much more.
    learningRate: 5e-4,
  },
  evalJobs: 4,
  evalLimits: { contextTokens: 1792, replyTokens: 128 },
  // With SmolLM2's tokenizer; others differ by a third.
  expected: { sessionTokens: 400, sessionCost: 400, replayTokens: 0, episodeTokens: 1500 },
};

/** The recipe for a base. */
export function recipeFor(base: string): Recipe {
  return base === embeddedName ? embedded : real;
}
