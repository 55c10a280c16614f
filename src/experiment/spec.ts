// What an experiment is: bases, data, scenarios, training, arms. `readSpec` makes one of a YAML file.

import type { TerminalWords } from "../base/terminal-words.ts";

/** Options by their key in camel case, as an option table has them: only those that the file gives, checked. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** Rows that are mixed into a data set so that an adapter does not forget. */
export interface ReplaySpec {
  /** A JSONL file, or `embedded`: the one inside the binary. */
  readonly file: string;
  /** Rows taken of it; undefined = all. */
  readonly n: number | undefined;
}

/** Where the rows of a data set come from: exactly one of `author`, `trajectories` and `from`. */
export interface DataSpec {
  /** Sessions made by an author and an operator: options of `sekft author` and `sekft rollout`, one word for what is one thing. */
  readonly author: GivenOptions | null;
  /** Trajectories that are there already. */
  readonly trajectories: string | null;
  /** Another data set of the experiment, whose sessions are used again. */
  readonly from: string | null;
  /** Archetypes left out of this set beside those of the experiment's holdout. */
  readonly without: readonly string[];
  readonly replay: ReplaySpec | null;
  /** Of the order in which replay is mixed in. */
  readonly seed: number;
}

/** Where scenarios for the eval come from: exactly one of `author` and `folder`. */
export interface ScenarioSpec {
  /** Options of `sekft author`. Every gate is asked. */
  readonly author: GivenOptions | null;
  readonly folder: string | null;
  /** How many of the folder, spread over the archetypes; undefined = all. */
  readonly n: number | undefined;
  readonly archetypes: readonly string[] | undefined;
}

/** What is measured: a base, or an adapter for each seed. */
export interface ArmSpec {
  /** Name of a base of the experiment. */
  readonly base: string;
  /** Name of the data set it is trained on; null: the base itself. */
  readonly data: string | null;
  /** Options of `sekft train`: the experiment's with the arm's own over them; empty where nothing is trained. */
  readonly training: GivenOptions;
  /** File with an earlier session that is shown before every one. */
  readonly prime: string | null;
  readonly terminals: TerminalWords | null;
  /** Names of the scenario sets that it is evaluated on. */
  readonly scenarios: readonly string[];
  /** Training seeds; empty where nothing is trained. */
  readonly seeds: readonly number[];
  /** Arm it is held against; null: none. */
  readonly compareWith: string | null;
  /** The prediction that this arm was made for; null: it stands in the file. */
  readonly prediction: PredictionName | null;
  /** Absent where it is trained on its data set alone. */
  readonly loop?: LoopSpec;
}

/** How an arm goes on from another one's student. */
export interface LoopSpec {
  /** `dpo`: pairs of its sessions, DPO from its adapter. `star`: its clean sessions are added to the rows, a new adapter is trained. */
  readonly kind: "dpo" | "star";
  /** The trained arm whose student it is. */
  readonly of: string;
  /** Options of `sekft rollout`. */
  readonly rollout: GivenOptions;
  /** dpo: as in `sekft pairs`. */
  readonly maxPairsPerScenario?: number;
  /** dpo: kept sessions of the data set may be chosen over the student's. */
  readonly withData?: boolean;
  /** star: how often. */
  readonly rounds?: number;
}

/** The three falsifiable predictions of the method. */
export const predictionNames = ["further_archetypes", "terminal_token", "terminal_ranking"] as const;
export type PredictionName = (typeof predictionNames)[number];

/** An experiment with everything settled: what the file leaves out is filled in, predictions are arms. Paths are as they were given, relative ones
 *  from the working directory, as everywhere on the command line. */
export interface ResolvedSpec {
  readonly name: string;
  /** Path by name; `embedded` is the base inside the binary. */
  readonly bases: Readonly<Record<string, string>>;
  /** Archetypes that no data set may hold. */
  readonly holdout: readonly string[];
  /** Options of the sandbox. */
  readonly sandbox: GivenOptions;
  readonly data: Readonly<Record<string, DataSpec>>;
  readonly scenarios: Readonly<Record<string, ScenarioSpec>>;
  /** Options of `sekft eval`. */
  readonly eval: GivenOptions;
  readonly arms: Readonly<Record<string, ArmSpec>>;
  readonly predictions: readonly PredictionName[];
}
