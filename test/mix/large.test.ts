// A mix of files that are large beside its memory, run as a process: memory, shares, and what a signal leaves.

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { readLines } from "../../src/data/read-lines.ts";
import { at } from "./run-mix.ts";

const folder = at("large");
const sizes = { code: 56, edits: 25, tools: 19, administration: 13, chat: 13 };
const cli = join(import.meta.dir, "../../cli.ts");

beforeAll(() => {
  mkdirSync(folder);
  for (const [name, megabytes] of Object.entries(sizes)) {
    const file = openSync(join(folder, `${name}.jsonl`), "w");
    let bytes = 0;
    for (let row = 0; bytes < megabytes * 1e6; ) {
      let block = "";
      for (let i = 0; i < 500; i++, row++) {
        const said = Array.from({ length: 30 + (row % 170) }, (_, k) => `${name}${row * 211 + k}`).join(" ");
        block += `${JSON.stringify({
          messages: [
            { role: "user", content: said },
            { role: "assistant", content: "ok" },
          ],
        })}\n`;
      }
      bytes += writeSync(file, block);
    }
    closeSync(file);
  }
  const sources = Object.keys(sizes).map((name) => `  ${name}: { path: ${name}.jsonl }\n`);
  writeFileSync(join(folder, "mix.yaml"), `by: characters\nsources:\n${sources.join("")}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start() {
  return Bun.spawn(
    [process.execPath, cli, "mix", "--config", "mix.yaml", "--out", "out/train.jsonl", "--json"],
    {
      cwd: folder,
      stdout: "pipe",
      stderr: "pipe",
    },
  );
}

/** The most memory that a process had so far. What the system tells of a child that ended counts its parent's too. */
function peakBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return 1024 * Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

test("126 MB are mixed in less than 300 MB of memory, shares within half a percent", async () => {
  const child = start();
  const said = new Response(child.stdout).text();
  let peak = 0;
  while (child.exitCode === null) {
    peak = Math.max(peak, peakBytes(child.pid));
    await Bun.sleep(50);
  }
  expect(child.exitCode).toBe(0);
  const report = JSON.parse(await said);
  expect(peak).toBeLessThan(300e6);
  if (existsSync("/proc/self/status")) expect(peak).toBeGreaterThan(30e6);
  const characters: Record<string, number> = {};
  let all = 0;
  for (const { text } of readLines(join(folder, "out/train.jsonl"))) {
    const { source, messages } = JSON.parse(text) as { source: string; messages: { content: string }[] };
    const length = messages.reduce((sum, { content }) => sum + content.length, 0);
    characters[source] = (characters[source] ?? 0) + length;
    all += length;
  }
  expect(report.total.units).toBe(all);
  expect(statSync(join(folder, "out/train.jsonl")).size).toBeGreaterThan(100e6);
  for (const [name, share] of Object.entries({
    code: 0.45,
    edits: 0.2,
    tools: 0.15,
    administration: 0.1,
    chat: 0.1,
  }))
    expect(Math.abs(characters[name]! / all - share)).toBeLessThan(0.005);
}, 120_000);

test("Ctrl-C ends it with 130, the mix that was there stays, nothing else does", async () => {
  const out = join(folder, "out");
  const before = statSync(join(out, "train.jsonl")).mtimeMs;
  const child = start();
  while (!readdirSync(out).some((name) => name.includes(".part"))) await Bun.sleep(20);
  await Bun.sleep(300);
  child.kill("SIGINT");
  expect(await child.exited).toBe(130);
  expect(await new Response(child.stderr).text()).toContain("mix: stopped; nothing was written");
  expect(readdirSync(out).sort()).toEqual(["train.jsonl", "train.mix.json", "train.removed.jsonl"]);
  expect(statSync(join(out, "train.jsonl")).mtimeMs).toBe(before);
}, 120_000);
