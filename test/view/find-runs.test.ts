import { describe, expect, test } from "bun:test";
import { appendFileSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockFolder } from "../../src/base/folder-lock.ts";
import { Library } from "../../src/view/library.ts";
import { episode, lines, scratch, writeEval, writeTrain } from "./sample-runs.ts";

const golden = join(import.meta.dir, "../golden/corpus/shapes");

describe("the list of runs", () => {
  test("finds training, evals, rollouts and data at any depth, and nothing inside of them", () => {
    const root = scratch();
    writeTrain(join(root, "a/ckpt"), 5, true);
    writeTrain(join(root, "a/ckpt/checkpoint-5"), 5);
    writeEval(join(root, "b/results"));
    mkdirSync(join(root, "roll/scenarios"), { recursive: true });
    writeFileSync(join(root, "roll/trajectories.jsonl"), "");
    writeFileSync(join(root, "roll/episodes.jsonl"), "");
    copyFileSync(join(golden, "messages.jsonl"), join(root, "roll/scenarios/messages.jsonl"));
    copyFileSync(join(golden, "messages.jsonl"), join(root, "messages.jsonl"));
    copyFileSync(join(golden, "messages.parquet"), join(root, "messages.parquet"));
    writeFileSync(join(root, "notes.jsonl"), '{"note": 1}\n');
    mkdirSync(join(root, "node_modules/x"), { recursive: true });
    copyFileSync(join(golden, "messages.jsonl"), join(root, "node_modules/x/messages.jsonl"));
    symlinkSync(root, join(root, "a/loop"));
    const { runs } = new Library([root], false, undefined).list();
    expect(runs.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      "data messages.jsonl",
      "data messages.parquet",
      "eval b/results",
      "rollout roll",
      "train a/ckpt",
    ]);
  });

  test("says what a run has come to: live while its lock is held, stopped after a kill, finished, damaged", () => {
    const root = scratch();
    writeTrain(join(root, "live"), 5);
    writeTrain(join(root, "killed"), 5);
    writeFileSync(join(root, "killed/.lock"), "");
    writeTrain(join(root, "finished"), 5, true);
    writeTrain(join(root, "damaged"), 5, true);
    appendFileSync(join(root, "damaged/log.jsonl"), "nonsense\n");
    const held = lockFolder(join(root, "live"));
    const states = new Library([root], false, undefined).list().runs.map(({ name, state }) => [name, state]);
    held[Symbol.dispose]();
    expect(Object.fromEntries(states)).toEqual({
      live: "live",
      // Where the kernel lists no locks, a fresh lock file counts as held for two minutes.
      killed: process.platform === "linux" ? "stopped" : "live",
      finished: "finished",
      damaged: "damaged",
    });
  });

  test("shows the last figures, and the clean share of an eval that has no result yet", async () => {
    const root = scratch();
    writeTrain(join(root, "ckpt"), 20);
    writeEval(join(root, "results"));
    const library = new Library([root], false, undefined);
    library.list();
    await Bun.sleep(50);
    const runs = Object.fromEntries(library.list().runs.map((run) => [run.name, run]));
    expect(runs.ckpt!.figures).toEqual([
      ["loss", "0.6000"],
      ["step", "20 of 100"],
    ]);
    expect(runs.ckpt!.spark).toHaveLength(20);
    expect(runs.results!.arms).toEqual([
      { name: "base", x: 0, n: 16 },
      { name: "tuned", x: 14, n: 16 },
    ]);
  });

  test("takes a file for its run, and refuses a folder that is not there", () => {
    const root = scratch();
    writeEval(join(root, "results"));
    writeFileSync(join(root, "rows.jsonl"), lines([{ turns: episode("a", "b", "success").turns }]));
    const kinds = (path: string) =>
      new Library([join(root, path)], false, undefined)
        .list()
        .runs.map(({ kind, name }) => `${kind} ${name}`);
    expect(kinds("results/episodes.jsonl")).toEqual(["eval results"]);
    expect(kinds("rows.jsonl")).toEqual(["data rows.jsonl"]);
    expect(() => kinds("nowhere")).toThrow("nowhere: expected a folder of runs, got nothing there");
    expect(new Library([join(root, "nowhere")], true, undefined).list().runs).toEqual([]);
  });
});
