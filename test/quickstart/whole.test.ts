import { afterAll, describe, expect } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEpisodes } from "../../src/eval/episode-log.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";

const { device, gpuTest } = await testDevice();
// The processes open devices of their own.
const inWorlds = bubblewrap === undefined ? need("bubblewrap", false) : gpuTest;
if (inWorlds === gpuTest && bubblewrap !== undefined) afterAll(() => device[Symbol.dispose]?.());

const scratch = mkdtempSync(join(tmpdir(), "sekft-quickstart-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const program = join(import.meta.dir, "run-tiny.ts");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs it; once `stopAt` says so of what stands on stderr, the process gets `signal`. */
async function run(
  folder: string,
  more: {
    readonly minutes?: number;
    readonly json?: boolean;
    readonly signal?: "SIGINT" | "SIGKILL";
    readonly stopAt?: (err: string) => boolean;
  } = {},
): Promise<Ended> {
  const { minutes = 30, json = false, signal, stopAt } = more;
  const child = Bun.spawn([process.execPath, program, folder, String(minutes), ...(json ? ["--json"] : [])], {
    env: { ...process.env, LC_ALL: "C.UTF-8", COLUMNS: "100" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let err = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) err += decoder.decode(bytes, { stream: true });
  })();
  const watching = setInterval(() => {
    if (signal && stopAt?.(err)) {
      clearInterval(watching);
      child.kill(signal);
    }
  }, 20);
  const out = await new Response(child.stdout).text();
  await child.exited;
  clearInterval(watching);
  await reading;
  return { code: child.exitCode, out, err };
}

describe("a quickstart", () => {
  inWorlds(
    "stopped, killed in each stage and started again ends with the table, is shown again at once, and keeps its settings",
    async () => {
      const folder = join(scratch, "quick");
      const stopped = await run(folder, {
        signal: "SIGINT",
        stopAt: (err) => err.includes("[2/5]"),
      });
      expect(stopped.code).toBe(130);
      expect(stopped.err).toMatch(
        /sekft: quickstart: stopped in \[2\/5\] sessions; the same command goes on\nhint: what is done is in /,
      );
      const scenarios = readdirSync(join(folder, "scenarios", "heldout")).sort();

      const killed: string[] = [];
      const model = join(folder, "models", "adapter", "seed-1");
      for (const stopAt of [
        (err: string) => err.includes("[3/5]"),
        () => existsSync(model) && readdirSync(model).some((name) => /^checkpoint-\d+$/.test(name)),
        (err: string) => err.includes("[5/5]"),
      ])
        killed.push((await run(folder, { signal: "SIGKILL", stopAt })).err);
      expect(killed[0]).toContain("[1/5] scenarios     done before: in ");
      expect(killed[1]).toContain("[2/5] sessions      done before: 6 kept of ");
      expect(killed[2]).toContain("[4/5] training      ");

      const ended = await run(folder);
      expect(ended.err).toContain("[4/5] training      done before: ");
      expect(ended.code).toBe(0);
      for (const metric of ["operate", "discover", "terminate", "verified", "clean"])
        expect(ended.out).toMatch(new RegExp(`^${metric} +\\d/2 `, "m"));
      expect(ended.out).toContain("it has never seen `exit`");
      expect(ended.out).toMatch(/[\u2800-\u28ff]/);
      expect(ended.out).toContain(`view ${folder}`);
      expect(ended.out).toContain(join(folder, "report", "report.html"));
      expect(readdirSync(join(folder, "scenarios", "heldout")).sort()).toEqual(scenarios);

      // Six sessions and a row of replay, two a step; nothing of it is of the two kinds that are asked for.
      const state = JSON.parse(readFileSync(join(model, "trainer_state.json"), "utf8"));
      expect(state.global_step).toBe(4);
      const rows = readFileSync(join(folder, "data", "main", "rows.jsonl"), "utf8");
      expect(rows.trim().split("\n")).toHaveLength(7);
      const archetypes = readEpisodes(join(folder, "eval", "base")).map(({ archetype }) => archetype);
      expect(archetypes.sort()).toEqual(["permissions", "text_replace"]);
      expect(rows).not.toMatch(/text_replace|permissions-|chmod|\bsed\b/);

      const again = await run(folder, { json: true });
      expect(again.code).toBe(0);
      expect(again.err).toMatch(/^quickstart: .* is finished; this is its result$/m);
      expect(again.err).not.toContain("timing");
      const facts = JSON.parse(again.out);
      expect(facts).toMatchObject({ out: folder, sessions: 6, replay: 1, sandbox: "bubblewrap" });
      expect(facts.comparison.n).toBe(2);
      expect(facts.loss.steps).toBe(4);
      for (const file of facts.report) expect(existsSync(file)).toBe(true);

      const other = await run(folder, { minutes: 31 });
      expect(other.code).toBe(2);
      expect(other.err).toContain(`hint: keep it and take another folder: --out ${folder}-2`);
    },
    600_000,
  );

  inWorlds(
    "says the least that --minutes may be on this device",
    async () => {
      const folder = join(scratch, "hasty");
      const ended = await run(folder, { minutes: 0.1 });
      expect(ended.code).toBe(2);
      expect(ended.err).toMatch(/^sekft: --minutes: expected at least \d+ on this device/m);
      expect(existsSync(folder)).toBe(false);
    },
    60_000,
  );
});
