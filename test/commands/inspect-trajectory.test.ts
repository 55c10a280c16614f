// `sekft inspect trajectory`: the corpus and what is wrong with its bad records, and output that attacks a terminal.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { UserError } from "../../src/base/errors.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { inspectTrajectory } from "../../src/commands/inspect-trajectory.ts";
import { trajectories } from "../agent/recorded-world.ts";

const folder = mkdtempSync(join(tmpdir(), "sekft-inspect-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const golden = join(import.meta.dir, "../golden/corpus");
const file = (name: string, rows: readonly unknown[]) => {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
};
const corpus = file("corpus.jsonl", trajectories);

async function run(options: Record<string, unknown>, more: Partial<Terminal> = {}) {
  const out: string[] = [];
  const notes: string[] = [];
  const say = (line: string) => void notes.push(line);
  const terminal = {
    note: say,
    warn: say,
    interactive: false,
    color: false,
    json: false,
    quiet: false,
    columns: 100,
  };
  await inspectTrajectory.run(resolveOptions(inspectTrajectory.options, options), {
    ...terminal,
    out: (line) => void out.push(line),
    ...more,
  });
  return { out: out.join("\n"), notes };
}
const json = async (options: Record<string, unknown>) =>
  JSON.parse((await run(options, { json: true })).out) as {
    trajectories: {
      id: string;
      outcome: string;
      steps: number;
      keep: boolean;
      defects: string[];
      turns?: unknown[];
    }[];
    outcomes: Record<string, number>;
    archetypes: Record<string, number>;
    [count: string]: unknown;
  };

describe("inspect trajectory", () => {
  test("counts the corpus as its own statistics do", async () => {
    const stats = JSON.parse(readFileSync(join(golden, "stats.json"), "utf8"));
    const all = await json({ path: corpus, limit: 1000 });
    expect(all.archetypes).toEqual(stats.trajectories);
    expect(all).toMatchObject({ total: 200, kept: 200, defective: 0 });
    expect(all.outcomes).toEqual({ success: stats.terminals.exit, correct_panic: stats.terminals.panic });
    expect(all.trajectories).toHaveLength(200);
  });

  test("filters by outcome, archetype and what is kept", async () => {
    const panics = await json({ path: corpus, outcome: ["correct_panic"], limit: 1000 });
    expect(panics.trajectories.map(({ id }) => id.split("-")[0])).toEqual(Array(30).fill("blocked"));
    const some = await json({ path: corpus, archetype: ["cleanup", "empty_queue"], limit: 2 });
    expect(some.archetypes).toEqual({ cleanup: 29, empty_queue: 25 });
    expect(some.trajectories).toHaveLength(2);
    expect((await json({ path: corpus, rejected: true })).trajectories).toEqual([]);
  });

  test("names the defect of each bad record of the corpus", async () => {
    const text = readFileSync(join(golden, "bad", "trajectories.jsonl"), "utf8");
    const rows = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; complaint: string });
    const { out } = await run({ path: file("bad.jsonl", rows) });
    for (const { id, complaint } of rows) expect(out).toContain(`${id}: ${complaint}`);
    expect(out).toContain("12 trajectories, 12 kept, 12 with defects");
  });

  test("shows one session as it stood on the screen", async () => {
    const { out } = await run({ path: corpus, id: "file_create-000.s1" });
    expect(out).toContain(
      "Welcome, alice. $SEK_TASKS says where your instructions are.\nalice@sek:~$ env | grep SEK_TASKS\nSEK_TASKS=run hupta --help\n",
    );
    expect(out).toContain(
      "alice@sek:/srv/willow$ exit\n\nscenario   file_create-000\narchetype  file_create\n",
    );
    await expect(run({ path: corpus, id: "file_create-9" })).rejects.toThrow(UserError);
  });

  test("spells out what a terminal or a page would obey", async () => {
    const evil = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e<script>alert(1)</script>\r\n";
    const row = {
      ...trajectories[0]!,
      turns: trajectories[0]!.turns.map((turn, i) => (i === 4 ? { ...turn, content: evil } : turn)),
    };
    const path = file("evil.jsonl", [row]);
    for (const color of [false, true]) {
      const { out } = await run({ path }, { color });
      expect(out).toContain("\\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{9b}31m\\u{202e}<script>");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      expect(out.replace(/\x1b\[[0-9;]*m/g, "")).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
    }
    const html = join(folder, "page.html");
    expect((await run({ path, html })).out).toBe(html);
    const page = readFileSync(html, "utf8");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    for (const forbidden of ["<script", "\u001b", "\u202e"]) expect(page).not.toContain(forbidden);
    expect(page).toEndWith("</html>\n");
  });
});
