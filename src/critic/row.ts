// A judged row as it lies in a file: the candidate in one shape, its labels, the evidence. train reads it; critic reads it again.

import type { Candidate, Message } from "./candidate.ts";
import type { Judgement } from "./judge.ts";

/** Makes the row. */
export function toRow(candidate: Candidate, judgement: Judgement): Record<string, unknown> {
  const task = taskFields(candidate);
  return {
    id: candidate.id,
    messages: candidate.messages,
    ...(Object.keys(task).length > 0 && { task }),
    language: judgement.language,
    ...judgement.labels,
    evidence: judgement.evidence,
    keep: judgement.labels.accepted === true,
  };
}

/** What the row asked for, as `toCandidate` reads it; nothing that was not asked. */
export function taskFields({ task }: Candidate): Record<string, unknown> {
  const all: Record<string, unknown> = {
    language: task.language,
    entry_point: task.entryPoint,
    tests: task.tests,
    cases: task.cases.length > 0 ? task.cases : undefined,
    reference: task.reference,
    schema: task.schema,
    files: Object.keys(task.files).length > 0 ? task.files : undefined,
    fences: task.fences,
    stop: task.stop.length > 0 ? task.stop : undefined,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A repair as a conversation: what was asked, the answer that failed (read, not learnt), the evidence, and the answer that passes. */
export function toRepairRow(candidate: Candidate, repair: Repair): Record<string, unknown> {
  const [failed, ...before] = candidate.messages.toReversed();
  const messages: Message[] = [
    ...before
      .toReversed()
      .map((message) => (message.role === "assistant" ? { ...message, train: false } : message)),
    { ...failed!, train: false },
    { role: "user", content: repair.feedback },
    { role: "assistant", content: repair.response },
  ];
  const { judgement } = repair;
  const { language, labels, evidence } = judgement;
  const id = `${candidate.id}#repair`;
  return {
    id,
    repair_of: candidate.id,
    model: repair.model,
    messages,
    language,
    ...labels,
    evidence,
    keep: true,
  };
}

/** A correction that passes. */
export interface Repair {
  /** What the model was told. */
  readonly feedback: string;
  readonly response: string;
  readonly model: string;
  readonly judgement: Judgement;
}
