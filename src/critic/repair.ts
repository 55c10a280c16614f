// The way back: a model is shown what failed and why, and its correction is judged as any other candidate.

import type { ChatEndpoint } from "../agent/endpoint/chat-endpoint.ts";
import { type Candidate, LABELS } from "./candidate.ts";
import type { Judgement } from "./judge.ts";
import type { Repair } from "./row.ts";

/** How a correction is asked for and judged. */
export interface Repairer {
  readonly endpoint: ChatEndpoint;
  readonly attempts: number;
  readonly maxTokens: number;
  judge(candidate: Candidate): Promise<Judgement>;
}

/** True for a row whose repair can teach something: it was judged, it failed, and it holds nothing that must not be sent. */
export function isRepairable({ labels }: Judgement): boolean {
  return labels.accepted === false && labels.no_secret !== false;
}

/** Asks for a correction until one is accepted; null when none is.
 *  @throws InfrastructureError when the endpoint gives up */
export async function repair(
  candidate: Candidate,
  first: Judgement,
  { endpoint, attempts, maxTokens, judge }: Repairer,
  signal?: AbortSignal,
): Promise<Repair | null> {
  const before = candidate.messages.slice(0, -1);
  const feedback = feedbackOn(first);
  const messages = [
    ...candidate.messages.map(({ role, content }) => ({ role, content })),
    { role: "user" as const, content: feedback },
  ];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const settings = { temperature: attempt === 0 ? 0 : 0.7, maxTokens, seed: attempt };
    const { content } = await endpoint.ask({ messages, settings, epoch: attempt, ...(signal && { signal }) });
    const corrected: Candidate = { ...candidate, messages: [...before, { role: "assistant", content }] };
    const judgement = await judge(corrected);
    if (judgement.labels.accepted === true)
      return { feedback, response: content, model: await endpoint.model(), judgement };
  }
  return null;
}

const WORDS: Readonly<Record<string, string>> = {
  syntax_pass: "It does not parse",
  tests_pass: "It fails its tests",
  entrypoint_match: "It does not define what was asked for",
  format_pass: "It has not the form that was asked for",
  no_repetition: "It repeats itself",
};

/** The evidence in words for a model. */
function feedbackOn({ labels, evidence }: Judgement): string {
  const failed = LABELS.filter((label) => label !== "accepted" && labels[label] === false);
  const lines = failed.map((label) => `- ${WORDS[label] ?? label}: ${evidence[label]}`);
  return `Your answer was checked, and it is not right yet:\n${lines.join("\n")}\nGive the whole corrected answer, in the form that was asked for first, and nothing else.`;
}
