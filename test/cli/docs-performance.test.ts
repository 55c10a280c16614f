// The page on memory and speed: memory is planned again, speeds are those of the benchmark pages, times follow from the run's size.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { publishedSeconds } from "../../src/doctor/published-run.ts";
import { root } from "./documents.ts";

const text = readFileSync(join(root, "docs/performance.md"), "utf8");
const benches = ["test/bench/README.md", "test/bench/LOG.md"]
  .map((path) => readFileSync(join(root, path), "utf8"))
  .join("\n");

/** Rows of the table whose head begins with `first`, cell by cell. */
function table(first: string): string[][] {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`| ${first} |`));
  if (at < 0) throw new Error(`docs/performance.md has no table ${first}`);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith("|"));
  const cells = (line: string) => line.split("|").slice(1, -1);
  return lines.slice(at + 2, end).map((line) => cells(line).map((cell) => cell.trim()));
}

interface Card {
  readonly gigabytes: number;
  readonly fits: boolean;
  readonly totalBytes: number;
  readonly keptLayers: number;
  readonly longest: number;
}

function cards(...args: string[]): Card[] {
  const command = [process.execPath, join(root, "cli.ts"), "plan", "--json", "--no-measure"];
  const run = Bun.spawnSync([...command, "--max-length", "4096", ...args]);
  if (!run.success) throw new Error(run.stderr.toString());
  return JSON.parse(run.stdout.toString()).cards;
}

const gibibytes = (bytes: number) => (bytes / 2 ** 30).toFixed(2);

describe("memory", () => {
  test("of the published setting is what plan says for each card", () => {
    const rows = cards("--shape", "mistral-7b", "--load-4bit").map((card) => [
      `${card.gigabytes} GB`,
      card.fits ? "yes" : "no",
      gibibytes(card.totalBytes),
      `${32 - card.keptLayers} of 32`,
      String(card.longest),
    ]);
    expect(table("card")).toEqual(rows);
  });

  for (const [name, ...written] of table("base"))
    test(`of ${name} is what plan says with and without computing layers again`, () => {
      const most = (quantised: string[], checkpointing: string) => {
        const shape = name!.replaceAll("`", "");
        return gibibytes(
          cards("--shape", shape, ...quantised, "--gradient-checkpointing", checkpointing).at(-1)!.totalBytes,
        );
      };
      const four = ["--load-4bit"];
      expect(written).toEqual([most(four, "full"), most(four, "none"), most([], "full"), most([], "none")]);
    });
});

test("every speed was measured: it stands in the benchmark pages, and its script exists", () => {
  const rows = table("what");
  expect(rows.length).toBeGreaterThan(8);
  const figures = rows.flatMap(([, own, other]) =>
    [...`${own} ${other}`.matchAll(/(?<![\w.])\d+(?:\.\d+)*/g)].map(([figure]) => figure),
  );
  expect(
    figures.filter(
      (figure) => !new RegExp(`(?<![\\d.])${figure.replaceAll(".", "\\.")}(?!\\d)`).test(benches),
    ),
  ).toEqual([]);
  for (const [what, , , command] of rows)
    expect({ what, there: existsSync(join(root, command!.replaceAll("`", ""))) }).toEqual({
      what,
      there: true,
    });
});

test("the published run takes as long as its tokens say", () => {
  for (const [rate, time] of table("tokens/s"))
    expect(time).toBe(`${(publishedSeconds(Number(rate)) / 3600).toFixed(1)} hours`);
});
