// A training process that is really interrupted and really killed.

import { describe, expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { testDevice } from "../gpu.ts";
import { adapterBytes, numeric, readLog, scratchFolder, withoutTimes } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile } = scratchFolder();

const cli = join(import.meta.dir, "..", "..", "cli.ts");

/** 60 steps with dropout, a checkpoint every 7, mid-epoch. */
function start(out: string, ...more: string[]) {
  const base = join(numeric, "models", "tiny-llama");
  const options = `--lora-r 4 --lora-dropout 0.3 --learning-rate 5e-3 --gradient-accumulation-steps 3 --max-steps 60 --save-steps 7 --seed 5`;
  return Bun.spawn(
    [
      process.execPath,
      cli,
      "train",
      "--base",
      base,
      "--tokenized",
      trainFile,
      "--out",
      out,
      ...options.split(" "),
      ...more,
    ],
    { stdout: "ignore", stderr: "pipe", env: { ...process.env, XDG_RUNTIME_DIR: "/tmp" } },
  );
}

async function logged(out: string, steps: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  const file = join(out, "log.jsonl");
  while (!existsSync(file) || readFileSync(file, "utf8").split("\n").length <= steps) {
    if (Date.now() > deadline) throw new Error(`${out}: no ${steps} steps within a minute`);
    await Bun.sleep(5);
  }
}

const whole = join(scratch, "whole");
let wholeRun: Promise<unknown> | undefined;
const runWhole = () => (wholeRun ??= start(whole).exited);

describe("a training process", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    gpuTest(`saves on ${signal}, exits with 130, and goes on bit for bit`, async () => {
      await runWhole();
      const out = join(scratch, signal);
      const child = start(out);
      await logged(out, 10);
      child.kill(signal);
      expect(await child.exited).toBe(130);
      const said = await new Response(child.stderr).text();
      const [, step] = /interrupted after step (\d+); .*checkpoint-\1 is saved/.exec(said)!;
      expect(Number(step)).toBeGreaterThanOrEqual(10);
      expect(said).toContain("hint: the same command with --resume goes on from there");
      expect(existsSync(join(out, "adapter_model.safetensors"))).toBe(false);
      expect(await start(out, "--resume").exited).toBe(0);
      expect(adapterBytes(out)).toEqual(adapterBytes(whole));
      expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
    });

  // A process of its own: in this one the collector still holds what other tests left.
  gpuTest("takes no more memory after 500 steps than after 20, and learns", async () => {
    const out = join(scratch, "long");
    const flags = "--max-steps 500 --gradient-accumulation-steps 1 --lora-dropout 0.1 --save-strategy no";
    expect(await start(out, ...flags.split(" ")).exited).toBe(0);
    const log = readLog(out).filter((entry) => entry.loss !== undefined);
    expect(log.length).toBe(500);
    expect(new Set(log.map((entry) => entry.device_memory_bytes)).size).toBe(1);
    const host = log.map((entry) => entry.host_memory_bytes! / 2 ** 20);
    // The collector's own swing; a leak of 64 KiB a step would exceed it.
    expect(Math.max(...host.slice(-100)) - Math.max(...host.slice(20, 120))).toBeLessThan(24);
    const mean = (from: number) => log.slice(from, from + 42).reduce((sum, { loss }) => sum + loss!, 0) / 42;
    expect(mean(450)).toBeLessThan(0.9 * mean(0));
  });

  gpuTest("in stages survives kill -9 around their ends", async () => {
    const stages = [
      { until: 12, groups: ["attention", "norms"], learning_rate: 1e-3 },
      { until: 31, groups: ["layers:1", "lora"] },
      { until: 60, groups: ["embeddings", "lm_head", "lora"], learning_rate: 5e-4 },
    ];
    // The options above, without a length of their own.
    const more = ["--stages", JSON.stringify(stages), "--max-steps", "60"];
    const straight = join(scratch, "staged");
    expect(await start(straight, ...more).exited).toBe(0);
    const out = join(scratch, "staged-killed");
    for (const steps of [5, 12, 13, 31, 40]) {
      const child = start(out, ...more, "--resume");
      await logged(out, steps);
      await Bun.sleep(steps);
      child.kill("SIGKILL");
      await child.exited;
    }
    expect(await start(out, ...more, "--resume").exited).toBe(0);
    const weights = (folder: string) => readFileSync(join(folder, "model.safetensors"));
    for (const name of ["model-12", "model-31", "model"])
      expect([name, weights(join(out, name)).equals(weights(join(straight, name)))]).toEqual([name, true]);
    expect(adapterBytes(out)).toEqual(adapterBytes(straight));
    expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(straight)));
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  });

  gpuTest("survives kill -9 again and again", async () => {
    await runWhole();
    const out = join(scratch, "killed");
    for (const steps of [1, 9, 30, 44]) {
      const child = start(out, "--resume");
      await logged(out, steps);
      // A moment of its own each time: in a step, in a checkpoint, in a log line.
      await Bun.sleep(steps * 3);
      // Nobody else may go on with it, or start anew, as long as it runs.
      if (steps === 1)
        for (const flag of ["--resume", "--overwrite"]) {
          const second = start(out, flag);
          expect(await second.exited).toBe(2);
          expect(await new Response(second.stderr).text()).toContain("a folder that no run uses");
        }
      child.kill("SIGKILL");
      await child.exited;
    }
    expect(await start(out, "--resume").exited).toBe(0);
    expect(adapterBytes(out)).toEqual(adapterBytes(whole));
    expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
