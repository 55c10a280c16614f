// The author that asks a model: draws the axes, asks, has the gates judge, and lets the model repair what they refuse.

import type { ChatEndpoint } from "../../agent/endpoint/chat-endpoint.ts";
import type { ChatMessage } from "../../agent/endpoint/request-shape.ts";
import { UserError } from "../../base/errors.ts";
import type { Scenario } from "../../data/scenario.ts";
import { scenarioFields } from "../../data/scenario-json.ts";
import type { Author, AuthoredScenario, Refusal } from "../author/author.ts";
import type { GateResult } from "../gates/gate.ts";
import type { Judgement } from "../gates/judge.ts";
import { archetypeNames, type LevelName } from "../taxonomy.ts";
import { bundleSchema } from "./bundle-schema.ts";
import { readDraft } from "./read-draft.ts";
import { complaint, drawAxes, orientation, request } from "./teacher-prompt.ts";

/** What a teacher may cost. */
export interface TeacherBudget {
  /** Requests in all; answers from the cache cost nothing. */
  readonly requests?: number | undefined;
  /** Tokens in all, prompts and answers, as the endpoint reports them. */
  readonly tokens?: number | undefined;
}

/** How a teacher works. */
export interface TeacherSettings {
  readonly endpoint: ChatEndpoint;
  readonly seed: number;
  /** Default: full. */
  readonly level?: LevelName | undefined;
  readonly archetypes?: readonly string[] | undefined;
  readonly holdout?: readonly string[] | undefined;
  /** Times that one scenario may be sent back with what is wrong. */
  readonly repairs: number;
  readonly budget?: TeacherBudget;
  readonly temperature?: number;
  readonly judge: (scenario: Scenario, signal?: AbortSignal) => Promise<Judgement>;
}

/** Tokens of the longest answer. */
const LONGEST_ANSWER = 8192;

/** An author over an endpoint. What it returns has passed the gates that `judge` asks.
 *  @throws UserError for an archetype that is unknown, and, from `next`, when the budget is used up;
 *  InfrastructureError when the endpoint fails. */
export function teacherAuthor(settings: TeacherSettings): Author {
  const { endpoint, seed, repairs, judge } = settings;
  const known: readonly string[] = archetypeNames;
  const unknown = [...(settings.archetypes ?? []), ...(settings.holdout ?? [])].find(
    (name) => !known.includes(name),
  );
  if (unknown !== undefined)
    throw new UserError(`author: expected an archetype, got ${JSON.stringify(unknown)}`, {
      hint: `one of ${known.join(", ")}`,
    });
  const archetypes = (settings.archetypes ?? known).filter((name) => !settings.holdout?.includes(name));
  if (archetypes.length === 0)
    throw new UserError("author: expected an archetype that is not held out, got none");
  return {
    name: "teacher",
    archetypes: [...new Set(archetypes)],
    async next(archetype, index, signal): Promise<AuthoredScenario | Refusal> {
      const axes = drawAxes(seed, archetype, index, settings.level);
      const id = `${archetype}-${String(index).padStart(3, "0")}`;
      const opening: ChatMessage[] = [
        { role: "system", content: orientation() },
        { role: "user", content: request(axes) },
      ];
      let messages = opening;
      for (let attempt = 0; ; attempt++) {
        checkBudget(endpoint, settings.budget);
        const { content, finish } = await endpoint.ask({
          messages,
          settings: {
            temperature: settings.temperature ?? 0.8,
            maxTokens: LONGEST_ANSWER,
            seed: seed + index,
          },
          schema: { name: "scenario", schema: bundleSchema },
          epoch: `${seed}/${index}`,
          signal,
        });
        const draft = readDraft(content, axes, id);
        let refused: GateResult;
        if ("scenario" in draft) {
          const judgement = await judge(draft.scenario, signal);
          if (judgement.admitted) return { scenario: draft.scenario };
          refused = judgement.results.find(({ passed }) => !passed)!;
        } else {
          const cut = finish === "length" ? "; it was cut off, be shorter" : "";
          refused = { gate: "structure", passed: false, reason: `${draft.complaint}${cut}`, evidence: {} };
        }
        if (attempt >= repairs)
          return {
            archetype,
            index,
            gate: refused.gate,
            reason: refused.reason,
            draft: "scenario" in draft ? scenarioFields(draft.scenario) : draft.draft,
          };
        // Only the latest answer stays: what was wrong with older ones no longer matters.
        messages = [
          ...opening,
          { role: "assistant", content },
          { role: "user", content: complaint(refused) },
        ];
      }
    },
  };
}

function checkBudget({ spent }: ChatEndpoint, budget: TeacherBudget = {}): void {
  const tokens = spent.promptTokens + spent.completionTokens;
  const over =
    budget.requests !== undefined && spent.requests >= budget.requests
      ? `${spent.requests} requests`
      : budget.tokens !== undefined && tokens >= budget.tokens
        ? `${tokens} tokens`
        : undefined;
  if (over !== undefined)
    throw new UserError(`author: expected to stay within the budget, got to ${over}`, {
      hint: "what was admitted is kept; raise the budget and run the same command again to go on",
    });
}
