import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { experimentReport } from "../../src/commands/experiment-report.ts";
import type { EpisodeRecord } from "../../src/eval/record.ts";
import { wilson } from "../../src/eval/statistics/wilson.ts";
import { parseSpec } from "../../src/experiment/read-spec.ts";
import type { ExperimentRecord } from "../../src/experiment/record.ts";
import { pairsOf, pooledDifference, pooledRate } from "../../src/experiment/report/pooling.ts";
import { reportTable } from "../../src/experiment/report/report-lines.ts";
import { type WrittenReport, writeReport } from "../../src/experiment/report/write-report.ts";
import { runExperiment } from "../../src/experiment/run.ts";
import { silent } from "../base/silent-terminal.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { fakeMachinery } from "./fake-machinery.ts";
import {
  damage,
  episode,
  hostile,
  removeScratch,
  scenarioIds,
  scratch,
  writeEval,
  writeExperiment,
  writeRecord,
} from "./sample-experiment.ts";
import { tinyBase } from "./tiny-base.ts";

const folder = join(scratch(), "whole");
let record: ExperimentRecord;
let whole: WrittenReport;
let markdown: string;
let page: string;

beforeAll(async () => {
  record = writeExperiment(folder);
  whole = await writeReport(folder);
  markdown = read(folder, "report/report.md");
  page = read(folder, "report/report.html");
});

afterAll(removeScratch);

function read(...parts: string[]): string {
  return readFileSync(join(...parts), "utf8");
}

/** Cells of the first row of a Markdown report that starts with `name`, behind `title`. */
function row(text: string, title: string, name: string): string[] {
  const lines = text.slice(text.indexOf(title)).split("\n");
  const line = lines.find((one) => one.startsWith(`| ${name} |`));
  if (line === undefined) throw new Error(`no row ${name} behind ${title}`);
  return line.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

/** A changed copy of the experiment and its report. */
async function changed(change: (copy: string) => void): Promise<WrittenReport & { markdown: string }> {
  const copy = join(scratch(), "copy");
  cpSync(folder, copy, { recursive: true });
  rmSync(join(copy, "report"), { recursive: true });
  change(copy);
  const written = await writeReport(copy);
  return { ...written, markdown: read(copy, "report/report.md") };
}

/** All files below a folder with their bytes. */
function files(root: string): Map<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return new Map(
    names.flatMap((name) => {
      const path = join(root, name);
      return statSync(path).isFile() ? [[name, readFileSync(path).toString("base64")]] : [];
    }),
  );
}

describe("the published table", () => {
  test("has every arm, every seed and all seeds together, with Wilson's intervals", () => {
    expect(row(markdown, "## Results", "base").slice(2, 5)).toEqual([
      "16",
      "0/16 0.00 [0.00, 0.19]",
      "0/16 0.00 [0.00, 0.19]",
    ]);
    expect(row(markdown, "## Results", "adapter seed 1")[7]).toBe("14/16 0.88 [0.64, 0.97]");
    expect(row(markdown, "## Results", "adapter seed 2")[7]).toBe("12/16 0.75 [0.51, 0.90]");
    expect(row(markdown, "## Results", "adapter seeds 1, 2")[7]).toStartWith("26/32 0.81 [");
  });

  test("has lifts with paired intervals and McNemar's exact p", () => {
    const cells = row(markdown, "| lift |", "adapter seed 1 less base");
    // 14 to 0: 2 / 2^14; 7 to 0: 2 / 2^7.
    expect(cells[7]).toBe("+0.88 [0.57, 0.97] p \\<0.001");
    expect(cells[5]).toBe("+0.44 [0.13, 0.66] p 0.016");
    expect(row(markdown, "| lift |", "told less base")[7]).toBe("+0.06 [-0.14, 0.28] p 1.000");
  });

  test("leaves arms of predictions to their own section", () => {
    const results = markdown.slice(markdown.indexOf("## Results"), markdown.indexOf("## By archetype"));
    expect(results).not.toContain("renamed");
    expect(results).not.toContain("further");
    expect(row(markdown, "### Kinds of work", "further-adapter")[7]).toStartWith("10/16");
    expect(row(markdown, "### The terminal token", "adapter-renamed")[7]).toStartWith("13/16");
    expect(row(markdown, "### The terminal token", "adapter-weight-4 less adapter seed 1")[7]).toStartWith(
      "+0.06",
    );
    expect(row(markdown, "### Primed", "told")[7]).toStartWith("1/16");
    const ranking = markdown.slice(markdown.indexOf("### Bases ranked"));
    expect(ranking.indexOf("| other | -4.25")).toBeLessThan(ranking.indexOf("| small | -9.50"));
    expect(row(markdown, "### Bases ranked", "other")[6]).toBe("no trained arm was measured");
  });

  test("is shown on a narrow terminal without cutting a name", () => {
    const lines = reportTable(whole.sets, 80);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join("\n")).toContain("adapter seeds 1, 2 less base");
    expect(lines.join("\n")).toContain("[0.64, 0.97]");
    expect(reportTable(whole.sets, 250)[1]).toMatch(/^base +16 +0\/16 0\.00 \[0\.00, 0\.19\]/);
  });
});

describe("seeds together", () => {
  const seeds = (values: readonly (readonly number[])[]): EpisodeRecord[] =>
    values.flatMap((own, i) =>
      own.map((value) => episode("adapter", `edit-${i}`, value ? "success" : "premature_exit")),
    );

  test("have Wilson's interval at the sample size that clustering by scenario leaves", () => {
    const { x, n, low, high } = pooledRate(
      seeds([
        [1, 1],
        [1, 1],
        [0, 0],
        [1, 0],
      ]),
      "clean",
    );
    // By hand: se^2 = 4/3 * 2.75 / 64, effective n = 0.234375 / se^2 = 4.0909.
    expect([x, n]).toEqual([5, 8]);
    expect(low).toBeCloseTo(0.2222, 3);
    expect(high).toBeCloseTo(0.9068, 3);
  });

  test("that do the same tell no more than one of them", () => {
    const same = [1, 1, 0, 1, 0, 1, 1, 1].map((value) => [value, value, value]);
    const { low, high } = pooledRate(seeds(same), "clean");
    expect([low, high]).toEqual([wilson(6, 8).low, wilson(6, 8).high]);
    const all = pooledRate(seeds(same.map(() => [1, 1, 1])), "clean");
    expect([all.low, all.high]).toEqual([wilson(8, 8).low, 1]);
  });

  test("differ by whole scenarios", () => {
    const base = scenarioIds(["edit"]).map((id) => episode("base", id, "premature_exit"));
    const tuned = scenarioIds(["edit"]).map((id, i) =>
      episode("adapter", id, i < 6 ? "success" : "premature_exit"),
    );
    const pairs = [...pairsOf(base, tuned), ...pairsOf(base, tuned)];
    const { delta, interval, p } = pooledDifference(pairs, "clean", 0);
    expect(delta).toBe(0.75);
    // 6 scenarios to 0, not 12 pairs to 0.
    expect(p).toBe(2 / 2 ** 6);
    // t of 7 degrees of freedom, 2.3646, times sqrt(8/7 * (6 * 0.25^2 + 2 * 0.75^2) * 4) / 16.
    expect(interval!.low).toBeCloseTo(0.75 - 2.3646 * 0.16366, 3);
    expect(interval!.high).toBe(1);
    const certain = pooledDifference(pairsOf(base, base), "clean", 0);
    expect([certain.delta, certain.p]).toEqual([0, 1]);
    expect(certain.interval!.high).toBeGreaterThan(0.1);
  });
});

describe("a report", () => {
  test("has the same bytes when it is made again, and somewhere else", async () => {
    const before = files(join(folder, "report"));
    // Of an earlier report, and somebody's own.
    writeFileSync(join(folder, "report/cards/gone.md"), "old");
    await writeReport(folder);
    expect(files(join(folder, "report"))).toEqual(before);
    const copy = join(scratch(), "elsewhere");
    cpSync(folder, copy, { recursive: true });
    rmSync(join(copy, "report"), { recursive: true });
    await writeReport(copy);
    expect(files(join(copy, "report"))).toEqual(before);
    expect(before.size).toBeGreaterThan(20);
  });

  test("says nothing of where things lay on somebody's machine", () => {
    for (const file of whole.files.filter((name) => /\.(md|html|svg)$/.test(name))) {
      const text = read(file);
      expect(text).not.toContain("somebody");
      expect(text).not.toContain(folder);
    }
    expect(markdown).toContain("small (small-base)");
  });

  test("names flips in both directions", async () => {
    const { markdown: text } = await changed((copy) =>
      writeEval(copy, "eval/base", scenarioIds(["permissions", "text_replace"]).reverse(), 3),
    );
    expect(text).toContain("- lost 2: text_replace-7 (success -\\> premature_exit)");
    expect(markdown).toContain("- gained 14: permissions-1 (premature_exit -\\> success)");
  });

  test("shows one session of each arm for the first flip, and the others in the page", () => {
    const sessions = markdown.slice(markdown.indexOf("## Sessions"), markdown.indexOf("## Predictions"));
    expect(sessions).toContain("**base**: premature_exit");
    expect(sessions).toContain("**adapter seed 1**: success");
    expect(sessions).toContain("op@sek:~$ work permissions-1\n");
    // Three backticks in an output do not end the block.
    expect(sessions).toContain("\n````\n");
    for (const [, anchor] of page.matchAll(/href="#(t\d+)"/g)) expect(page).toContain(`id="${anchor}"`);
    expect([...page.matchAll(/href="#t\d+"/g)].length).toBe(13);
    expect(page).not.toContain(hostile.slice(10, 40));
  });

  test("tells data, holdout check, training and cost from the files", () => {
    expect(markdown).toContain("sessions finished: 25; kept: 20 (80.0 %)");
    expect(markdown).toContain("rows that training saw: 25: 20 trajectories and 5 of replay");
    expect(markdown).toContain("check of the holdout: passed; no row is of permissions, text_replace");
    // Losses of the run in test/golden.
    expect(row(markdown, "## Training", "adapter seed 1").slice(7, 10)).toEqual(["9.234", "8.891", "7.926"]);
    expect(row(markdown, "### Options in which", "learning_rate")[3]).toBe("0.004");
    expect(row(markdown, "## Truncation", "adapter seed 1").slice(5, 8)).toEqual(["1", "40", "exit 25"]);
    expect(row(markdown, "## Cost", "eval/base")[4]).toBe("prompt 160, completion 32");
  });

  test("has a model card of every adapter, with its own eval and its base's", () => {
    const card = read(folder, "report/cards/adapter-seed-2.md");
    expect(card).toContain("| adapter seed 2 | 16 |");
    expect(card).toContain("12/16 (75.0 %");
    expect(card).toContain("| base | 16 |");
    expect(card).not.toContain("adapter seed 1");
  });

  test("as JSON has files, warnings, arms and comparisons", async () => {
    const said: string[] = [];
    await experimentReport.run(
      { folder, out: undefined },
      { ...silent, json: true, out: (line: string) => void said.push(line) },
    );
    const { files: written, sets, warnings } = JSON.parse(said.join(""));
    expect(written).toEqual([...whole.files]);
    expect(warnings).toEqual([]);
    expect(sets[0].arms[1]).toMatchObject({ arm: "adapter", seed: 1, clean: { x: 14, n: 16 } });
    expect(sets[0].compare[0].arms).toEqual(["base", "adapter seed 1"]);
  });
});

describe("what a reader is warned of", () => {
  test("nothing, where all is well", () => {
    expect(whole.warnings).toEqual([]);
    expect(markdown).not.toContain("Before you read");
  });

  test("stages that are missing or half done: the rest is shown", async () => {
    const { markdown: text, warnings } = await changed((copy) => {
      rmSync(join(copy, "eval/told"), { recursive: true });
      rmSync(join(copy, "models/adapter/seed-2"), { recursive: true });
      const log = join(copy, "eval/adapter/seed-2/episodes.jsonl");
      writeFileSync(log, read(log).split("\n").slice(0, 5).join("\n").concat("\n"));
      writeRecord(copy, {
        ...record,
        stages: record.stages
          .filter(({ id }) => id !== "eval/told" && id !== "models/adapter/seed-2")
          .map((stage) => (stage.id === "eval/adapter/seed-2" ? { ...stage, state: "begun" } : stage)),
      });
    });
    expect(row(text, "## Results", "told").slice(2, 4)).toEqual(["eval not begun", "eval not begun"]);
    expect(row(text, "## Results", "adapter seed 2")[2]).toBe("5 (eval unfinished: 5 of 16 episodes)");
    expect(row(text, "## Results", "adapter seed 1")[7]).toStartWith("14/16");
    expect(row(text, "## Training", "adapter seed 2")[2]).toBe("not begun");
    expect(warnings.join("\n")).toContain("Unfinished stages: eval/adapter/seed-2 (begun).");
    expect(text).toContain("No model card of adapter seed 2: there is no adapter yet.");
  });

  test("an experiment that has only begun still has a report", async () => {
    const copy = join(scratch(), "begun");
    writeRecord(copy, { ...record, stages: [] });
    const { warnings } = await writeReport(copy);
    expect(warnings.join("\n")).toContain("eval not begun");
    expect(read(copy, "report/report.md")).toContain("No stage has begun.");
  });

  test("damaged logs, by file and line; what is whole counts", async () => {
    const { markdown: text, warnings } = await changed(damage);
    const said = warnings.join("\n");
    expect(said).toContain("eval/adapter/seed-1/episodes.jsonl:2: ");
    expect(said).toContain("models/adapter/seed-2/log.jsonl: the last 15 bytes are no whole line");
    expect(row(text, "## Results", "adapter seed 1")[7]).toStartWith("13/15");
    expect(row(text, "## Training", "adapter seed 2")[7]).toBe("9.234");
    const { warnings: others, markdown: cards } = await changed((copy) => {
      writeFileSync(join(copy, "data/main/rows.json"), "{");
      writeFileSync(join(copy, "models/adapter/seed-1/adapter_model.safetensors"), "no");
    });
    expect(others.join("\n")).toContain("data/main/rows.json");
    expect(others.join("\n")).not.toContain("sekft-experiment-");
    expect(cards).toContain("No model card of adapter seed 1: adapter_model.safetensors");
    expect(cards).toContain("cards/adapter-seed-2.md");
  });

  test("versions, sandboxes and limits that are not the same", async () => {
    const { warnings } = await changed((copy) => {
      const file = join(copy, "eval/adapter/seed-1/manifest.json");
      const manifest = JSON.parse(read(file));
      manifest.sandbox.provider = "docker";
      manifest.limits.max_steps = 30;
      writeFileSync(file, JSON.stringify(manifest));
      writeRecord(copy, {
        ...record,
        stages: record.stages.map((stage) =>
          stage.id === "eval/adapter/seed-1" ? { ...stage, sekft: "0.2.0 (def)" } : stage,
        ),
      });
    });
    const said = warnings.join("\n");
    expect(said).toContain("Stages were made by different versions: 0.1.0 (abc)");
    expect(said).toContain("0.2.0 (def) (eval/adapter/seed-1)");
    expect(said).toContain(
      'base and adapter seed 1 were not measured alike: limits.max_steps 14 and 30, sandbox.provider "bubblewrap" and "docker".',
    );
  });

  test("sessions that the machinery broke, which count nowhere else", async () => {
    const { markdown: text, warnings } = await changed((copy) => {
      const file = join(copy, "eval/base/episodes.jsonl");
      const lines = read(file).trim().split("\n");
      const broken = episode("base", "permissions-1", "infrastructure_error");
      writeFileSync(file, `${[JSON.stringify(broken), ...lines.slice(1)].join("\n")}\n`);
    });
    expect(row(text, "## Results", "base")[2]).toBe("15, 1 broken by the machinery");
    expect(row(text, "## Outcomes", "base").at(-2)).toBe("1 (oom 1)");
    expect(row(text, "| lift |", "adapter seed 1 less base")[2]).toBe("15");
    expect(warnings.join("\n")).toContain("Not scored, because the machinery failed: base 1.");
  });

  test("a folder that is no experiment, and a record that cannot be read", async () => {
    const empty = scratch();
    expect(writeReport(empty)).rejects.toThrow("expected the folder of an experiment");
    writeFileSync(join(empty, "experiment.json"), '{"version": 1,\n "spec": 3}');
    expect(writeReport(empty)).rejects.toThrow("experiment.json: spec: expected an object, got 3");
  });
});

const inWorlds = need("bubblewrap", bubblewrap !== undefined);

inWorlds(
  "an experiment that was really run has a report whose numbers are those of its record",
  async () => {
    const out = join(scratch(), "out");
    const base = tinyBase(join(scratch(), "base"));
    const text = `name: small
base: ${base}
holdout: [text_replace, permissions]
sandbox: bubblewrap
data: { main: { author: { n: 2, seed: 1, samples: 1, archetypes: [file_create] } } }
training: { max_steps: 1 }
seeds: [1, 2]
scenarios: { heldout: { folder: ${join(import.meta.dir, "../golden/corpus/holdout")}, n: 2 } }
eval: { max_steps: 2 }
arms: { base: {}, adapter: { data: main } }
`;
    const { stages } = await runExperiment(
      parseSpec(text, "exp.yaml"),
      out,
      fakeMachinery().machinery,
      silent,
    );
    const { warnings } = await writeReport(out);
    expect(warnings).toEqual([]);
    const report = read(out, "report/report.md");
    for (const [label, id] of [
      ["base", "eval/base"],
      ["adapter seed 2", "eval/adapter/seed-2"],
    ] as const) {
      const { facts } = stages.find((stage) => stage.id === id)!;
      const cells = row(report, "## Results", label);
      expect(cells[2]).toBe(String(facts.episodes));
      for (const [i, metric] of ["operate", "discover", "terminate", "verified", "clean"].entries())
        expect(cells[3 + i]).toStartWith(`${facts[metric]}/${facts.episodes} `);
      expect(row(report, "## Cost", id)[4]).toBe(
        `prompt ${facts.prompt_tokens}, completion ${facts.completion_tokens}`,
      );
    }
    expect(report).toContain("rows that training saw: 2: 2 trajectories and 0 of replay");
  },
  60_000,
);
