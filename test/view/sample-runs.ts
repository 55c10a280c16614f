// Runs as the commands write them, small, and a server over them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EpisodeRecord } from "../../src/eval/record.ts";
import { episodeRecord } from "../eval/episode-record.ts";

/** A folder that is gone when the process ends. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "sekft-view-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a hostile world may print. */
export const hostile =
  "\u001b[31mred\u001b[0m <script>window.hacked=1</script><img src=x onerror='window.hacked=1'> \u202etxt";

/** One episode; clean when its outcome is success. */
export function episode(arm: string, id: string, outcome: string, output = "done\n"): EpisodeRecord {
  const broken = outcome === "infrastructure_error";
  return episodeRecord(arm, id, {
    outcome,
    verified: broken ? null : outcome === "success",
    terminal: broken ? null : "exit",
    operated: true,
    discovered: outcome === "success",
    turns: [
      { role: "system", content: "Operate this host." },
      { role: "user", content: "login\n" },
      { role: "user", content: "op@sek:~$ " },
      { role: "assistant", content: `work ${id}` },
      { role: "user", content: output },
      { role: "user", content: "op@sek:~$ " },
      { role: "assistant", content: "exit" },
    ],
    error: broken ? { kind: "oom", message: "gone" } : null,
  });
}

/** An eval of two arms whose clean shares are the published 0/16 and 14/16. */
export function writeEval(folder: string, output = hostile): EpisodeRecord[] {
  const ids = Array.from(
    { length: 16 },
    (_, i) => `${i < 8 ? "edit" : "count"}-${String(i).padStart(2, "0")}`,
  );
  const episodes = ids.flatMap((id, i) => [
    episode("base", id, "premature_exit", output),
    episode("tuned", id, i < 14 ? "success" : "budget_overrun", output),
  ]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "episodes.jsonl"), lines(episodes));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(evalManifest(ids)));
  return episodes;
}

function evalManifest(ids: readonly string[]): object {
  const arm = {
    kind: "endpoint",
    model: "m",
    base_hash: null,
    adapter_hash: null,
    chat_template_hash: null,
    reported: null,
  };
  return {
    version: 1,
    sekft: { version: "0.1.0", commit: "abc" },
    started: "2026-01-01T00:00:00.000Z",
    arms: { base: arm, tuned: arm },
    scenarios: ids.map((id) => ({ id, archetype: id.split("-")[0], hash: `sha256:${id}` })),
    sampling: { temperature: 0, top_p: 1, seed: 0, samples: 1 },
    limits: { max_steps: 30 },
    sandbox: { provider: "bubblewrap", version: "0.8.0", image: "sha256:1", properties: {}, limits: {} },
    prime_hash: null,
  };
}

/** One line of a training log. */
export function logLine(step: number): string {
  const loss = 0.5 + 2 / step;
  return `${JSON.stringify({ step, epoch: step / 10, loss, grad_norm: 1, learning_rate: 2e-4, tokens: 90 * step, tokens_per_second: 850, seconds: step })}\n`;
}

/** A training run with some steps of 100. */
export function writeTrain(folder: string, steps: number, finished = false): void {
  mkdirSync(folder, { recursive: true });
  const options = { learning_rate: 0.0002, lora_r: 16 };
  const manifest = {
    format: 1,
    started: "2026-01-02T00:00:00.000Z",
    totalSteps: 100,
    base: { path: "/nowhere" },
    options,
  };
  writeFileSync(join(folder, "options.json"), JSON.stringify(options));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  const log = Array.from({ length: steps }, (_, i) => logLine(i + 1)).join("");
  const end = finished ? `${JSON.stringify({ step: steps, train_runtime: steps, train_loss: 0.7 })}\n` : "";
  writeFileSync(join(folder, "log.jsonl"), log + end);
}

/** JSON lines. */
export function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}
