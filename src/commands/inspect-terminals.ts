// `sekft inspect terminals`: how much of the terminal a base has inherited, before any training.

import { defineCommand, type Terminal } from "../base/command.ts";
import { formatTable } from "../base/format.ts";
import type { TerminalArm, TerminalRecord } from "../train/terminals/measure.ts";
import type { Estimate } from "../train/terminals/summary.ts";
import { terminalsOptions } from "../train/terminals/terminals-options.ts";

export const inspectTerminals = defineCommand({
  name: "inspect terminals",
  summary: "Measures how likely bases find the terminal where sessions end",
  description:
    "At the prefix of each recorded session right before its last turn, rendered as training renders it: ln P of the terminal with " +
    "its end-of-turn token, of its first token, that token's rank, and how often greedy decoding would write it. The same at earlier " +
    "decision points of the session is the control; the difference is the lift. The whole string is scored, so that bases with " +
    "different tokenizers can be compared. Intervals resample sessions.",
  options: terminalsOptions,
  examples: [
    {
      line: "sekft inspect terminals --base ./SmolLM2-135M-Instruct --data ./trajectories --limit 40",
      does: "what this base knows of exit and panic, over 40 sessions",
    },
    {
      line: "sekft inspect terminals --base ./a --base ./b --data ./trajectories --json",
      does: "ranks two bases, as JSON",
    },
    {
      line: "sekft inspect terminals --base ./a --adapter ./ckpt --data ./trajectories --terminals exit=leave,panic=stuck",
      does: "base and adapter, with other words for the endings",
    },
  ],
  async run(options, terminal) {
    const { resolveInputs } = await import("./resolve-inputs.ts");
    const { measureTerminals } = await import("../train/terminals/measure.ts");
    const record = await measureTerminals(
      {
        ...options,
        base: await Promise.all(options.base.map((text) => resolveNamed(text, terminal))),
        data: (await resolveInputs({ data: options.data }, terminal)).data,
      },
      terminal,
    );
    if (options.out !== undefined) {
      const { writeFileAtomic } = await import("../base/atomic.ts");
      writeFileAtomic(options.out, `${JSON.stringify(record, null, 1)}\n`);
    }
    if (terminal.json) terminal.out(JSON.stringify(record));
    else for (const line of recordLines(record, terminal.columns)) terminal.out(line);
  },
});

/** A base with its name: what was typed, where that is no path. */
async function resolveNamed(text: string, terminal: Terminal): Promise<string> {
  const { resolveInputs } = await import("./resolve-inputs.ts");
  const { existsSync } = await import("node:fs");
  const at = existsSync(text) ? -1 : text.indexOf("=");
  const given = text.slice(at + 1);
  const { base } = await resolveInputs({ base: given }, terminal);
  const name =
    at < 0 && base !== given ? given.slice(given.lastIndexOf("/") + 1) : text.slice(0, Math.max(0, at));
  return name === "" ? base : `${name}=${base}`;
}

const right = (title: string) => ({ title, align: "right" as const });

/** Two tables, bases by rank and each followed by its adapters: the whole terminal, then its first token. */
function recordLines(record: TerminalRecord, columns: number): string[] {
  const { data, arms, ranking, terminals } = record;
  const ordered = ranking.flatMap((base, i) =>
    arms
      .filter((arm) => arm.base === base)
      .map((arm) => ({ arm, rank: arm.adapter === null ? String(i + 1) : "" })),
  );
  const name = ({ adapter, name: own }: TerminalArm) => (adapter === null ? own : `+ ${own}`);
  const by = (word: "exit" | "panic") => `${terminals[word]} ${arms[0]!.by_terminal[word].sessions}`;
  return [
    ...formatTable(
      [
        right("#"),
        { title: "model" },
        ...["ln P", "95 %", "median", "per token", "elsewhere", "lift", "95 %"].map(right),
      ],
      ordered.map(({ arm, rank }) => [
        rank,
        name(arm),
        number(arm.final.logp.value),
        interval(arm.final.logp),
        number(arm.final.logp_median),
        number(arm.final.logp_per_token.value),
        number(arm.control.logp.value),
        number(arm.lift.value),
        interval(arm.lift),
      ]),
      columns,
    ),
    "",
    ...formatTable(
      [
        right("#"),
        { title: "model" },
        ...["first token", "rank", "likeliest", "elsewhere", "lift", "greedy ends"].map(right),
      ],
      ordered.map(({ arm, rank }) => [
        rank,
        name(arm),
        number(arm.final.first_logp.value),
        arm.final.first_rank_median === null ? "-" : String(arm.final.first_rank_median),
        share(arm.final.first_argmax.value),
        number(arm.control.first_logp.value),
        number(arm.first_token_lift.value),
        share(arm.final.greedy.value),
      ]),
      columns,
    ),
    "",
    `${data.sessions} sessions (${by("exit")}, ${by("panic")}), ${arms[0]!.control.points} earlier points; lift = ln P where they end minus ln P elsewhere`,
    ...(data.refused > 0 ? [`left out: ${data.refused} rows that cannot be encoded`] : []),
    ...(data.unended > 0 ? [`left out: ${data.unended} rows that end in no terminal`] : []),
  ];
}

function number(value: number | null): string {
  return value === null ? "-" : value.toFixed(2);
}

function interval({ low, high }: Estimate): string {
  return low === null || high === null ? "-" : `${low.toFixed(1)} to ${high.toFixed(1)}`;
}

function share(value: number | null): string {
  return value === null ? "-" : `${(100 * value).toFixed(0)} %`;
}
