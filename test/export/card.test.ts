import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { exportCard } from "../../src/export/model-card.ts";

const golden = join(import.meta.dir, "../golden/numeric/train/linear");
const folder = mkdtempSync(join(tmpdir(), "sekft-card-"));
afterAll(() => rmSync(folder, { recursive: true }));
const options = { datasets: [], force: false };

/** A run folder whose trainer_state.json was written by transformers' Trainer. */
function runFolder(name: string, base = "org/tiny"): string {
  const run = join(folder, name);
  mkdirSync(run);
  cpSync(join(golden, "final"), run, { recursive: true });
  cpSync(join(golden, "trainer_state.json"), join(run, "trainer_state.json"));
  const config = join(run, "adapter_config.json");
  const json = JSON.parse(readFileSync(config, "utf8"));
  writeFileSync(config, JSON.stringify({ ...json, base_model_name_or_path: base }));
  writeFileSync(
    join(run, "options.json"),
    JSON.stringify({ base: "/data/someone/models/tiny", learning_rate: 0.002, seed: 42, resume: null }),
  );
  writeFileSync(
    join(run, "manifest.json"),
    JSON.stringify({
      sekft: { version: "0.1.0", commit: "abc" },
      base: { path: "/data/someone/models/tiny", fingerprint: "sha256:12" },
      data: { path: "/data/rows.jsonl", sha256: "sha256:34", sequences: 14, tokens: 2000, labels: 500 },
      evalData: null,
      tier: "f32",
      device: { name: "A | B <card>" },
    }),
  );
  return run;
}

const header = (text: string) => parse(/^---\n(.*?)\n---\n/s.exec(text)![1]!);

describe("a model card", () => {
  test("has the Hub's header and the run's own numbers", () => {
    const run = runFolder("run");
    const out = join(folder, "card/README.md");
    exportCard(run, out, { ...options, license: "apache-2.0", datasets: ["org/rows"] });
    const text = readFileSync(out, "utf8");
    expect(header(text)).toEqual({
      base_model: "org/tiny",
      base_model_relation: "adapter",
      library_name: "peft",
      pipeline_tag: "text-generation",
      license: "apache-2.0",
      datasets: ["org/rows"],
      tags: ["base_model:adapter:org/tiny", "lora", "sft", "sekft", "transformers"],
    });
    expect(text).toContain("| learning_rate | 0.002 |");
    expect(text).toContain("| training | rows.jsonl | 14 | 2,000 | 500 (25.0 %) | sha256:34 |");
    expect(text).toContain("| kernels | f32 on A \\| B &lt;card> |");
    expect(text).not.toContain("resume");
    expect(text).not.toContain("someone");
    const { log_history: log } = JSON.parse(readFileSync(join(golden, "trainer_state.json"), "utf8"));
    const losses: number[] = log.flatMap((entry: { loss?: number }) => entry.loss ?? []);
    expect(text).toContain(
      `| training loss | ${losses[0]!.toPrecision(4)} | ${losses.at(-1)!.toPrecision(4)} | ${Math.min(...losses).toPrecision(4)} |`,
    );
    expect(text).toContain("12 of 12 steps, 3.00 epochs.");
  });

  test("has a picture with a point for every logged loss, highest where the loss is", () => {
    const out = join(folder, "picture/README.md");
    exportCard(runFolder("pictured"), out, options);
    expect(readFileSync(out, "utf8")).toContain("![Loss by step](loss-curve.svg)");
    const svg = readFileSync(join(folder, "picture/loss-curve.svg"), "utf8");
    const points = /<polyline class="train" points="([^"]+)"/
      .exec(svg)![1]!
      .split(" ")
      .map((p) => p.split(",").map(Number));
    const { log_history: log } = JSON.parse(readFileSync(join(golden, "trainer_state.json"), "utf8"));
    const losses: number[] = log.flatMap((entry: { loss?: number }) => entry.loss ?? []);
    expect(points).toHaveLength(losses.length);
    const order = (values: readonly number[]) =>
      values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
    // Down is up in a picture.
    expect(order(points.map(([, y]) => -y!))).toEqual(order(losses));
    for (const [x, y] of points) expect(x! >= 64 && x! <= 704 && y! >= 28 && y! <= 316).toBe(true);
  });

  test("has the table of an eval when there is one", () => {
    const run = runFolder("evaluated");
    const rate = (x: number) => ({ x, n: 24, rate: x / 24, low: 0.1, high: 0.6 });
    const arm = (x: number) => ({ n: 24, operate: rate(x), clean: rate(x - 1), outcomes: {}, errors: 0 });
    const nothing = { x: 0, n: 0, rate: null, low: null, high: null };
    const broken = { n: 0, operate: nothing, clean: nothing };
    writeFileSync(
      join(run, "result.json"),
      JSON.stringify({ arms: { base: arm(1), adapter: arm(18), broken } }),
    );
    const out = join(folder, "eval.md");
    exportCard(run, out, options);
    const text = readFileSync(out, "utf8");
    expect(text).toContain("|  | n | operate | clean |");
    expect(text).toContain("| adapter | 24 | 18/24 (75.0 %, 10.0 to 60.0) | 17/24 (70.8 %, 10.0 to 60.0) |");
    expect(text).toContain("| broken | 0 | - | - |");
  });

  test("of a bare adapter says what is missing and leaves it out", () => {
    const out = join(folder, "bare.md");
    const done = exportCard(join(golden, "final"), out, options);
    expect(done.picture).toBeUndefined();
    expect(done.notes.join("\n")).toMatch(/no options.json.*no manifest.json.*no trainer_state.json/s);
    const text = readFileSync(out, "utf8");
    expect(text).not.toMatch(/## (Training|Data|Options|Evaluation)/);
    expect(text).not.toContain("undefined");
  });

  test("knows the Hub's name of a base in its cache, and writes no path into the header", () => {
    const cached = "/data/someone/.cache/huggingface/hub/models--org--base/snapshots/0123/";
    exportCard(runFolder("cached", cached), join(folder, "cached.md"), options);
    expect(header(readFileSync(join(folder, "cached.md"), "utf8")).base_model).toBe("org/base");
    const done = exportCard(runFolder("path", "/data/someone/base"), join(folder, "path.md"), options);
    expect(header(readFileSync(join(folder, "path.md"), "utf8")).base_model).toBeUndefined();
    expect(done.notes.join()).toContain("base_model");
  });

  test("is refused over one that exists, and for files that are damaged", () => {
    const run = runFolder("twice");
    const out = join(folder, "twice.md");
    exportCard(run, out, options);
    expect(() => exportCard(run, out, options)).toThrow(/expected a new file/);
    exportCard(run, out, { ...options, force: true });
    writeFileSync(join(run, "trainer_state.json"), '{"log_history": 3}');
    expect(() => exportCard(run, join(folder, "no.md"), options)).toThrow(/trainer_state.json: log_history/);
    expect(existsSync(join(folder, "no.md"))).toBe(false);
    expect(() => exportCard(join(folder, "nothing"), out, { ...options, force: true })).toThrow(/nothing/);
  });
});
