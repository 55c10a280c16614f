// Episodes in the Agent Trajectory Interchange Format, ATIF-v1.7 (Harbor RFC 0001).

import type { Turn } from "../data/normalize.ts";

/** What is known of an episode; turns are all it needs. */
export interface AtifSource {
  readonly id: string;
  readonly model: string;
  readonly turns: readonly Turn[];
  /** Beside each command: what the model wrote and what it cost. */
  readonly steps?: readonly Readonly<Record<string, unknown>>[];
  /** Goes into `extra`, e.g. the outcome. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** The trajectory: orientation as a system step, the login screen as the user's, one agent step a command with its output. */
export function toAtif({ id, model, turns, steps = [], about }: AtifSource, version: string) {
  const out: Record<string, unknown>[] = [];
  const add = (step: Record<string, unknown>) => out.push({ step_id: out.length + 1, ...step });
  let commands = 0;
  let prompt = "";
  for (const [i, { role, content }] of turns.entries()) {
    if (role === "system") add({ source: "system", message: content });
    else if (role === "user" && turns[i + 1]?.role === "assistant") prompt = content;
    else if (role === "user" && turns[i - 1]?.role !== "assistant") add({ source: "user", message: content });
    else if (role === "assistant") {
      const call = `call_${++commands}`;
      const log = steps[commands - 1];
      // Behind a command stands its output, unless what follows is the next prompt.
      const next = turns[i + 1];
      const output = next?.role === "user" && turns[i + 2]?.role !== "assistant" ? next.content : "";
      add({
        source: "agent",
        model_name: model,
        message: typeof log?.reply === "string" ? log.reply : content,
        tool_calls: [{ tool_call_id: call, function_name: "sh", arguments: { command: content } }],
        observation: { results: [{ source_call_id: call, content: output }] },
        ...metricsOf(log),
        extra: { prompt, ...(log?.status === undefined ? {} : { status: log.status }) },
      });
    }
  }
  const total = (key: string) => steps.reduce((sum, step) => sum + (numberOf(step[key]) ?? 0), 0);
  return {
    schema_version: "ATIF-v1.7",
    session_id: id,
    agent: { name: "sekft", version, model_name: model },
    steps: out,
    final_metrics: {
      ...(steps.length > 0 && {
        total_prompt_tokens: total("prompt_tokens"),
        total_completion_tokens: total("completion_tokens"),
      }),
      total_steps: out.length,
    },
    extra: about,
  };
}

function metricsOf(log: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  const prompt = numberOf(log?.prompt_tokens);
  const completion = numberOf(log?.completion_tokens);
  if (prompt === undefined && completion === undefined) return {};
  return {
    metrics: {
      ...(prompt !== undefined && { prompt_tokens: prompt }),
      ...(completion !== undefined && { completion_tokens: completion }),
    },
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
