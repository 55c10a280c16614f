// `sekft play`: a person in the place of the model, in the same world, under the same rules.

import type { Episode, EpisodeLimits } from "../agent/contract.ts";
import { defineCommand, type Terminal } from "../base/command.ts";
import { DataError, Interrupted, UserError } from "../base/errors.ts";
import { displayed } from "../base/terminal.ts";
import {
  parseTerminals,
  plainTerminals,
  recordedTerminals,
  type TerminalWords,
  terminalsOption,
} from "../base/terminal-words.ts";
import type { Scenario } from "../data/scenario.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";

const session = "Session";

export const play = defineCommand({
  name: "play",
  summary: "Puts you in a scenario, in the same harness as a model",
  description:
    "Shows what a model sees and runs what you type in the scenario's world; at the end the checker judges the state that you " +
    "leave. Leave with exit, or with panic when the task cannot be done (or as --terminals calls them). Ctrl-D is exit, Ctrl-C drops the line.",
  options: {
    scenario: {
      type: "string",
      value: "SCENARIO",
      required: true,
      group: session,
      help: "a bundle: .json, or .jsonl or a folder with --id",
    },
    id: { type: "string", value: "ID", group: session, help: "which bundle, where there are several" },
    limits: {
      type: "flag",
      default: true,
      group: session,
      help: "end the session where a model's would end",
    },
    maxSteps: { type: "int", min: 1, default: 30, unit: "commands", group: session, help: "most commands" },
    wallTime: {
      type: "float",
      min: 0.1,
      default: 600,
      unit: "seconds",
      group: session,
      help: "longest session",
    },
    record: {
      type: "string",
      value: "FILE.jsonl",
      group: session,
      help: "append the session as a trajectory",
    },
    terminals: { ...terminalsOption, group: session },
    ...sandboxOptions,
  },
  operand: "scenario",
  examples: [
    { line: "sekft play scenarios/file_create-000.json", does: "a session at the terminal" },
    {
      line: "sekft play scenarios --id blocked-003 --no-limits --record mine.jsonl",
      does: "one of a folder, without limits, kept as a trajectory",
    },
    { line: "sekft play one.json --json < commands.txt", does: "commands from a file, the result as JSON" },
  ],
  async run(options, terminal) {
    const terminals = parseTerminals(options.terminals);
    const scenario = await scenarioOf(options.scenario, options.id);
    const { defaultEpisodeLimits } = await import("../agent/contract.ts");
    const limits: EpisodeLimits = options.limits
      ? { ...defaultEpisodeLimits, maxSteps: options.maxSteps, wallSeconds: options.wallTime }
      : unlimited;
    const written = options.record === undefined ? undefined : await readRecords(options.record);
    const { openProvider } = await import("../sandbox/open-provider.ts");
    await using provider = await openProvider(options, terminal.note);
    const episode = await sit(scenario, { provider, limits, terminals }, terminal);
    report(episode, scenario, terminals, terminal);
    if (options.record !== undefined)
      await append(options.record, written!, episode, { scenario, terminals }, terminal);
    if (episode.error !== null) {
      const { InfrastructureError } = await import("../base/errors.ts");
      const { kind, message, hint } = episode.error;
      throw new InfrastructureError(kind, message, { hint });
    }
  },
});

const unlimited: EpisodeLimits = {
  maxSteps: Number.POSITIVE_INFINITY,
  ctxBudget: Number.POSITIVE_INFINITY,
  maxTokens: Number.POSITIVE_INFINITY,
  wallSeconds: Number.POSITIVE_INFINITY,
  outputTokens: undefined,
  consecutiveErrors: Number.POSITIVE_INFINITY,
};

async function scenarioOf(path: string, id: string | undefined): Promise<Scenario> {
  const { readScenarios } = await import("../data/scenario-files.ts");
  const all = readScenarios(path);
  const found = id === undefined ? (all.length === 1 ? all[0] : undefined) : all.find((one) => one.id === id);
  if (found) return found;
  const some = all.slice(0, 5).map((one) => one.id);
  throw new UserError(`--id: expected one of ${all.length} scenarios in ${path}, got ${id ?? "nothing"}`, {
    hint: `for example ${some.join(", ")}`,
  });
}

/** Runs the session on standard input; what the world shows goes to stdout, or to stderr when stdout is for JSON. */
async function sit(
  scenario: Scenario,
  harness: Pick<import("../agent/episode.ts").EpisodeRequest, "provider" | "limits" | "terminals">,
  terminal: Terminal,
): Promise<Episode> {
  const { runEpisode } = await import("../agent/episode.ts");
  const { personModel } = await import("../agent/person.ts");
  const { renameScenario } = await import("../agent/renamed-scenario.ts");
  const { isatty } = await import("node:tty");
  const show = (text: string) => {
    if (text !== "") (terminal.json ? terminal.warn : terminal.out)(displayed(text.replace(/\n$/, "")));
  };
  const output = terminal.json ? process.stderr : process.stdout;
  const leave = new AbortController();
  using model = personModel({
    input: process.stdin,
    output,
    interactive: isatty(0) && isatty(terminal.json ? 2 : 1),
    onLeave: () => leave.abort(),
    terminals: harness.terminals,
  });
  const interrupt = () => leave.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const shown = renameScenario(scenario, harness.terminals ?? plainTerminals);
  show(shown.system);
  show(shown.announcement.login);
  try {
    return await runEpisode({
      scenario,
      model,
      ...harness,
      settings: { temperature: 0, topP: 1, seed: undefined },
      signal: leave.signal,
      onStep: (_, output) => show(output),
    });
  } catch (error) {
    if (error instanceof Interrupted) throw new Interrupted("play: left; the world is gone");
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

function report(episode: Episode, scenario: Scenario, terminals: TerminalWords, terminal: Terminal): void {
  const { outcome, terminal: word, verified, operated, discovered, limitsHit, steps, error } = episode;
  const wallSeconds = episode.wallMs / 1000;
  if (terminal.json) {
    const facts = {
      scenario_id: scenario.id,
      archetype: scenario.archetype,
      outcome,
      terminal: word,
      verified,
      ...recordedTerminals(terminals),
    };
    const rest = { operated, discovered, steps: steps.length, limits_hit: limitsHit, error };
    terminal.out(JSON.stringify({ ...facts, ...rest, wall_seconds: wallSeconds, turns: episode.turns }));
    return;
  }
  const yes = (value: boolean | null) => (value === null ? "not judged" : value ? "yes" : "no");
  const line = (title: string, value: string) => terminal.out(`${title.padEnd(11)} ${value}`);
  terminal.out("");
  line("outcome", outcome);
  line("verified", yes(verified));
  line("left by", word ?? (limitsHit.length > 0 ? `limit: ${limitsHit.join(", ")}` : "nothing"));
  line("expected", scenario.expectedTerminal);
  line("operated", yes(operated));
  line("discovered", yes(discovered));
  line("commands", `${steps.length} in ${wallSeconds.toFixed(1)} s`);
  if (error) line("failed", `${error.kind}: ${error.message}`);
}

/** What a record file holds already, so that what is wrong with it is said before the session.
 *  @throws DataError or UserError */
async function readRecords(file: string): Promise<readonly string[]> {
  const { existsSync } = await import("node:fs");
  if (!/\.(?:jsonl|ndjson)$/.test(file)) throw new UserError(`--record: expected a .jsonl file, got ${file}`);
  if (!existsSync(file)) return [];
  const { readLines } = await import("../data/read-lines.ts");
  const rows = [...readLines(file)];
  const { checkTrajectory } = await import("../data/trajectory.ts");
  for (const { line, text } of rows) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new DataError({ file, line }, "expected a trajectory, found no JSON");
    }
    checkTrajectory(value, { file, line });
  }
  return rows.map(({ text }) => text);
}

async function append(
  file: string,
  written: readonly string[],
  episode: Episode,
  { scenario, terminals }: { readonly scenario: Scenario; readonly terminals: TerminalWords },
  terminal: Terminal,
): Promise<void> {
  if (episode.error !== null) return;
  const { judgeSample } = await import("../factory/rollout/keep.ts");
  const { writeFileAtomic } = await import("../base/atomic.ts");
  const earlier = written.filter((row) => JSON.parse(row).scenario_id === scenario.id).length;
  const record = judgeSample(episode, scenario, earlier, terminals);
  writeFileAtomic(file, `${[...written, JSON.stringify(record)].join("\n")}\n`);
  const why = "reason" in record ? ` (not kept: ${record.reason})` : "";
  terminal.note(`play: ${record.id} is in ${file}${why}`);
}
