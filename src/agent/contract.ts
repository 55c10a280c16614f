// What an episode needs from a model: one function. And what it leaves behind: one record.

import type { FailureKind } from "../base/errors.ts";
import type { Turn } from "../data/normalize.ts";
import type { Outcome, Terminal } from "../data/trajectory.ts";

/** How one reply is sampled. */
export interface GenerateSettings {
  /** 0 = greedy. */
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number | undefined;
  /** Tokens of the longest reply. */
  readonly maxTokens: number;
}

/** One reply of a model. */
export interface Reply {
  readonly content: string;
  /** `length`: cut by `maxTokens`. */
  readonly finish: "stop" | "length";
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

/** A model behind the harness, wherever it runs. */
export interface Model {
  /** What records call it, e.g. the served name. */
  readonly name: string;
  /** Answers a history (a leading system turn, then user and assistant turns as recorded; the implementation normalises).
   *  @throws InfrastructureError `api_error` or `timeout` */
  generate(turns: readonly Turn[], settings: GenerateSettings, signal?: AbortSignal): Promise<Reply>;
  /** Goes on with a text as it stands, without turns or template; absent where only turns can be asked for.
   *  @throws InfrastructureError `api_error` or `timeout` */
  complete?(text: string, settings: GenerateSettings, signal?: AbortSignal): Promise<Reply>;
  /** Tokens of the rendered history; without it the harness estimates. */
  countTokens?(turns: readonly Turn[]): number | Promise<number>;
  /** What the endpoint says of itself, for the manifest. */
  describe?(): Promise<Readonly<Record<string, unknown>>>;
}

/** When an episode ends by itself. */
export interface EpisodeLimits {
  /** Commands. */
  readonly maxSteps: number;
  /** Tokens of the served model that one prompt may have; older turns are left out. */
  readonly ctxBudget: number;
  /** Tokens of one reply. */
  readonly maxTokens: number;
  /** Seconds of the whole episode. */
  readonly wallSeconds: number;
  /** Tokens that the model writes in all; `undefined` = unlimited. */
  readonly outputTokens: number | undefined;
  /** Commands in a row that fail (status not 0) or repeat themselves without any change. */
  readonly consecutiveErrors: number;
}

export const defaultEpisodeLimits: EpisodeLimits = {
  maxSteps: 30,
  ctxBudget: 3072,
  maxTokens: 256,
  wallSeconds: 600,
  outputTokens: undefined,
  consecutiveErrors: 10,
};

/** Names in `limits_hit`. */
export type LimitName =
  | "steps"
  | "context"
  | "wall"
  | "output"
  | "errors"
  | "reply_length"
  | "command_timeout";

/** One command of an episode, beside what the turns hold. */
export interface Step {
  /** What the model wrote, verbatim. */
  readonly reply: string;
  /** What was run: `reply` without fences, prompts or prose. */
  readonly command: string;
  /** The reply held words beside the command, or nothing but words. */
  readonly prose: boolean;
  readonly status: number;
  readonly timedOut: boolean;
  readonly outputBytes: number;
  readonly outputSha256: string;
  readonly truncated: boolean;
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  /** Milliseconds the model took, and the command took. */
  readonly modelMs: number;
  readonly commandMs: number;
}

/** What happened in one episode. */
export interface Episode {
  readonly scenarioId: string;
  readonly scenarioHash: string;
  readonly archetype: string;
  readonly model: string;
  /** As the corpus has them: system, login, then prompt, command, output, ...; without the scaffold. */
  readonly turns: readonly Turn[];
  readonly steps: readonly Step[];
  readonly outcome: Outcome;
  /** The checker passed on the final state; null when it was never judged (infrastructure). */
  readonly verified: boolean | null;
  readonly terminal: Terminal | null;
  /** The provider program was called by the operator. */
  readonly operated: boolean;
  /** The directive (or, when there is none, the provider's answer) reached the screen. */
  readonly discovered: boolean;
  readonly limitsHit: readonly LimitName[];
  readonly wallMs: number;
  readonly error: {
    readonly kind: FailureKind;
    readonly message: string;
    /** False when trying again cannot help. */
    readonly retryable?: boolean;
    /** What a person can do about it. */
    readonly hint?: string | undefined;
  } | null;
}
