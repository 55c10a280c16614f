// What the server says and the page reads, as JSON. Types only: both sides are held to them.

/** What a folder or file was found to be. */
export type RunKind = "train" | "eval" | "rollout" | "data";

/** `stopped`: neither at work nor finished, e.g. interrupted. */
export type RunState = "live" | "finished" | "stopped" | "damaged";

/** One arm's clean episodes. */
export interface ArmFigure {
  readonly name: string;
  readonly x: number;
  readonly n: number;
}

/** One line of the list. */
export interface RunSummary {
  readonly id: string;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly name: string;
  readonly path: string;
  /** ISO time; null when nothing says it. */
  readonly started: string | null;
  /** Milliseconds since 1970: newest change of its files. */
  readonly changed: number;
  /** Label and value, most telling first. */
  readonly figures: readonly (readonly [label: string, value: string])[];
  readonly arms: readonly ArmFigure[];
  /** Loss over the run, at most 48 points. */
  readonly spark: readonly number[];
  /** What is wrong, each with file and line. */
  readonly damage: readonly string[];
}

/** The list. */
export interface RunList {
  readonly roots: readonly string[];
  readonly runs: readonly RunSummary[];
}

/** One entry of a training log; null where a number was not finite. */
export type LogEntry = Readonly<Record<string, number | boolean | null>>;

/** A piece of a training log. */
export interface LogPiece {
  readonly entries: readonly LogEntry[];
  /** Where the next piece starts: byte and number of whole lines before it. */
  readonly next: { readonly byte: number; readonly line: number };
  /** The log was cut back: forget what was read before. */
  readonly restarted: boolean;
  readonly damage: readonly string[];
  /** Bytes behind the last line end: a line that is being written, or was cut short. */
  readonly tornBytes: number;
}

/** Everything about one run that fits in one answer. */
export interface RunDetail {
  readonly summary: RunSummary;
  /** Parsed; null when absent or damaged. */
  readonly manifest: unknown;
  readonly options: unknown;
  readonly totalSteps: number | null;
  /** The data set that a training run names, when it is there. */
  readonly dataId: string | null;
  /** It has episodes or trajectories to look at. */
  readonly hasEpisodes: boolean;
}

/** How far an index is. */
export interface IndexState {
  readonly rows: number;
  readonly bytesRead: number;
  readonly bytes: number;
  readonly done: boolean;
  /** First hundred; `damaged` counts all. */
  readonly damage: readonly string[];
  readonly damaged: number;
  readonly tornBytes: number;
}

/** One session in a group. */
export interface EpisodeRow {
  readonly row: number;
  readonly arm: string;
  readonly outcome: string;
  readonly tone: "good" | "bad" | "warn";
  readonly steps: number;
}

/** Sessions of one scenario and sample, arms side by side. */
export interface EpisodeGroup {
  readonly group: number;
  readonly name: string;
  readonly archetype: string;
  readonly rows: readonly EpisodeRow[];
  /** Text around the first hit of a search. */
  readonly snippet?: string;
}

/** One page of groups. */
export interface EpisodePage {
  readonly index: IndexState;
  readonly total: number;
  readonly matched: number;
  readonly from: number;
  readonly groups: readonly EpisodeGroup[];
  /** Values to filter by, with their number of sessions. */
  readonly facets: Readonly<
    Record<"arms" | "outcomes" | "archetypes", readonly (readonly [string, number])[]>
  >;
  readonly flips: number;
  /** Rows that a text search has looked at; absent without one. */
  readonly searched?: number;
}

/** A base whose tokenizer can show a mask. */
export interface BaseChoice {
  readonly id: string;
  readonly name: string;
}

/** A piece of a page, escaped on the server. */
export interface Fragment {
  readonly html: string;
}
