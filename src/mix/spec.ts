// What a mix is: sources with shares, and what is taken out of them before the shares are filled.

import type { Place } from "../base/errors.ts";

/** What shares count. */
export const UNITS = ["rows", "tokens", "characters"] as const;
export type Unit = (typeof UNITS)[number];

/** What happens when a row holds something of a benchmark or of a held-out archetype. */
export const CONTAMINATION_ACTIONS = ["refuse", "drop", "list"] as const;
export type ContaminationAction = (typeof CONTAMINATION_ACTIONS)[number];

/** Kinds of data and their shares where a file of a mix states none: two fifths of it and more is code that runs. */
export const PLAN = {
  code: 0.45,
  edits: 0.2,
  tools: 0.15,
  administration: 0.1,
  chat: 0.1,
} as const satisfies Readonly<Record<string, number>>;
export type Kind = keyof typeof PLAN;

/** One source of rows. */
export interface SourceSpec {
  readonly name: string;
  /** Files and folders, in order. */
  readonly paths: readonly string[];
  /** Of the whole mix, 0 to 1; 0 for a source that is held out whole. */
  readonly share: number;
  /** Most units of the mix that may be of it; undefined: no cap. */
  readonly cap: number | undefined;
  /** How often its rows may be used: 1 once, 2.5 two or three times. */
  readonly oversample: number;
  /** Part of its rows that goes to the holdout, 0 to 1. */
  readonly holdout: number;
  /** Takes part in the removal of near-duplicates. */
  readonly dedup: boolean;
  /** Takes rows with `keep: false` or `accepted: false` too. */
  readonly all: boolean;
  /** Where the file speaks of it. */
  readonly place: Place;
}

/** How near-duplicates are found. */
export interface DedupSpec {
  /** Jaccard similarity from which two rows are the same. */
  readonly threshold: number;
  /** Words in a row that are compared. */
  readonly ngram: number;
}

/** What rows must not hold. */
export interface ContaminationSpec {
  /** Benchmarks and folders of scenarios by name. */
  readonly against: readonly { readonly name: string; readonly path: string; readonly place: Place }[];
  /** Archetypes of the eval: rows that say they are of one are contaminated whatever they hold. */
  readonly archetypes: readonly string[];
  /** Words in a row that count as taken over. */
  readonly ngram: number;
  /** Part of a passage's n-grams in one row from which the row is contaminated. */
  readonly share: number;
  readonly action: ContaminationAction;
}

/** A whole mix. */
export interface MixSpec {
  readonly seed: number;
  readonly by: Unit;
  /** Whose tokenizer and chat template count tokens. */
  readonly base: string | undefined;
  readonly chatTemplate: string | undefined;
  /** Units of the mix; undefined: as many as all sources can fill. */
  readonly total: number | undefined;
  readonly sources: readonly SourceSpec[];
  readonly dedup: DedupSpec | undefined;
  readonly contamination: ContaminationSpec | undefined;
  /** The field whose equal values stay on one side of the holdout, beside `scenario_id`. */
  readonly groupBy: string | undefined;
  /** Where `total` stands, for messages. */
  readonly place: Place;
}

/** Where the files of a mix go. */
export interface MixPaths {
  readonly out: string;
  /** Rows that are held out; written where there are any. */
  readonly holdout: string;
  /** One line for each row that is not in the mix, or that is contaminated. */
  readonly removed: string;
  readonly report: string;
}
