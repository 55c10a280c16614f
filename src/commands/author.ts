// `sekft author`: scenarios, each through every gate.

import { defineCommand } from "../base/command.ts";
import { formatShare, formatTable } from "../base/format.ts";
import { authorOptions } from "../factory/authoring/author-options.ts";
import type { AuthorTally } from "../factory/authoring/run-author.ts";

export const author = defineCommand({
  name: "author",
  summary: "Writes scenarios and admits those that pass every gate",
  description:
    "Without an endpoint the built-in author composes them from a taxonomy; with --url a teacher model writes them and may repair what " +
    "a gate refuses. Each is run for real: the untouched world and doing nothing must fail, the reference solution must pass in three " +
    "fresh worlds, and must not without any one of its steps; cheats must fail. --out gets a bundle a file, rejected/ with reasons, " +
    "summary.json and manifest.json. The same command goes on where a stopped one was; the same seed makes the same bytes.",
  options: authorOptions,
  examples: [
    {
      line: "sekft author --n 150 --out ./scenarios",
      does: "composes 150 scenarios over all kinds of work, without any model",
    },
    {
      line: "sekft author --n 150 --out ./scenarios --holdout text_replace,permissions --holdout-out ./holdout",
      does: "keeps two kinds of work out, and makes scenarios of them for the eval",
    },
    {
      line: "sekft author --n 50 --out ./scenarios --url http://127.0.0.1:8080/v1 --model teacher",
      does: "lets a model write them",
    },
  ],
  async run(options, terminal) {
    const { author: make, summaryOf } = await import("../factory/authoring/author.ts");
    const { out, holdout } = await make(options, terminal);
    const proven = options.sandbox !== "none";
    if (terminal.json) {
      const held = holdout && { holdout_out: options.holdoutOut, holdout: summaryOf(holdout, proven) };
      terminal.out(JSON.stringify({ out: options.out, ...summaryOf(out, proven), ...held }));
    } else {
      for (const line of table(options.out, out)) terminal.out(line);
      if (holdout) for (const line of ["", ...table(options.holdoutOut!, holdout)]) terminal.out(line);
    }
    for (const [folder, { n, admitted, tried }] of [
      [options.out, out],
      ...(holdout ? [[options.holdoutOut!, holdout]] : []),
    ] as [string, AuthorTally][])
      if (admitted < n)
        terminal.warn(
          `author: ${folder}: ${admitted} of ${n} scenarios; ${tried} were tried, ${folder}/rejected says why the others are not there`,
        );
  },
});

function table(folder: string, { byArchetype, byGate, admitted, tried }: AuthorTally): string[] {
  const gates = Object.keys(byGate).sort();
  const row = (
    name: string,
    one: { tried: number; admitted: number; byGate: Readonly<Record<string, number>> },
  ) => [
    name,
    String(one.tried),
    String(one.admitted),
    formatShare(one.admitted, one.tried),
    ...gates.map((gate) => String(one.byGate[gate] ?? 0)),
  ];
  return [
    ...formatTable(
      [
        { title: "archetype" },
        ...["tried", "admitted", "yield", ...gates].map((title) => ({ title, align: "right" as const })),
      ],
      [
        ...Object.entries(byArchetype).map(([name, one]) => row(name, one)),
        row("all", { tried, admitted, byGate }),
      ],
    ),
    folder,
  ];
}
