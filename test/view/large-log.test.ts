// A long log through the program itself: what it costs in memory must not follow the length of the log.

import { expect } from "bun:test";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { EpisodePage, RunList } from "../../src/view/shapes.ts";
import { need } from "../setup.ts";
import { episode, lines, scratch } from "./sample-runs.ts";

const BYTES = 30 << 20;

need("a list of processes", existsSync("/proc/self/status"))(
  "30 MB of episodes open at once, to the last one, in little memory, and end with Ctrl-C",
  async () => {
    const folder = join(scratch(), "results");
    mkdirSync(folder);
    const file = openSync(join(folder, "episodes.jsonl"), "w");
    let rows = 0;
    for (let bytes = 0; bytes < BYTES; rows += 2) {
      const id = `edit-${rows / 2}`;
      const output = Array.from({ length: 60 }, (_, i) => `line ${i} of "${id}"\tücht\n`).join("");
      bytes += writeSync(
        file,
        lines([episode("base", id, "incomplete", output), episode("tuned", id, "success", output)]),
      );
    }
    closeSync(file);
    const program = Bun.spawn([process.execPath, "cli.ts", "view", folder, "--json", "--no-open"], {
      cwd: join(import.meta.dir, "../.."),
      stdout: "pipe",
      stderr: "pipe",
    });
    try {
      const reader = program.stdout.getReader();
      const { url } = JSON.parse(new TextDecoder().decode((await reader.read()).value)) as { url: string };
      const memory = (name: string) =>
        Number(
          new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${program.pid}/status`, "utf8"))![1],
        ) * 1024;
      const before = memory("VmRSS");
      const ask = async <T>(path: string) => (await (await fetch(`${url}${path}`)).json()) as T;
      const { runs } = await ask<RunList>("api/runs");
      const page = (more: string) => ask<EpisodePage>(`api/runs/${runs[0]!.id}/episodes?count=60${more}`);
      let answer = await page("");
      // The first page is there long before the whole log is read.
      while (answer.groups.length < 60) answer = await page("");
      expect(answer.index.bytesRead).toBeLessThan(BYTES / 2);
      while (!answer.index.done) {
        await Bun.sleep(20);
        answer = await page("");
      }
      expect(answer.index).toMatchObject({ rows, damaged: 0, tornBytes: 0 });
      const last = await page(`&from=${rows / 2 - 1}`);
      expect(last.groups.map(({ name }) => name)).toEqual([`edit-${rows / 2 - 1}`]);
      do answer = await page(`&text=${encodeURIComponent(`59 of "edit-${rows / 2 - 1}"`)}`);
      while (answer.searched! < rows);
      expect(answer.matched).toBe(1);
      expect(memory("VmHWM") - before).toBeLessThan(160 << 20);
    } finally {
      program.kill("SIGINT");
      rmSync(folder, { recursive: true });
    }
    expect(await program.exited).toBe(0);
    expect(await new Response(program.stderr).text()).toBe("");
  },
  60_000,
);
