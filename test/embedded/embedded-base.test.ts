import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promptIds } from "../../src/data/chat/chat-format.ts";
import { loadChatFormat } from "../../src/data/chat/load-chat-format.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import { embeddedBase, replayFile } from "../../src/embedded/embedded-base.ts";
import { openBase } from "../../src/formats/base-weights.ts";
import { SafetensorsFile } from "../../src/formats/safetensors.ts";
import { makeBatch } from "../../src/model/batch.ts";
import { CausalLM } from "../../src/model/causal-lm.ts";
import { testDevice } from "../gpu.ts";
import { worst } from "../model/goldens.ts";

const { device, gpuTest } = await testDevice();
const goldens = join(import.meta.dir, "../golden/embedded-base");
const { sessions } = JSON.parse(readFileSync(join(goldens, "sessions.json"), "utf8")) as {
  sessions: { id: string; ids: number[]; prompt_ids: number[] }[];
};

async function replayRows() {
  const rows = [];
  for await (const row of readTrajectories(replayFile())) rows.push(row);
  return rows;
}

gpuTest("the embedded weights give transformers' logits", async () => {
  using base = openBase(embeddedBase());
  using lm = await CausalLM.load(device, { base, targets: [], maxTokens: 1024 });
  using file = new SafetensorsFile(join(goldens, "logits.safetensors"));
  const read = (name: string) => file.readAll(file.entries.get(name)!).buffer;
  for (const [i, { ids }] of sessions.entries()) {
    const expected = new Float32Array(read(`${i}.logits`));
    const labels = ids.map(() => -100);
    const { logits } = await lm.forward(makeBatch([{ inputIds: ids, labels }], lm.config.vocab), {});
    const positions = new Int32Array(read(`${i}.positions`));
    const mine = Float32Array.from(
      [...positions].flatMap((t) => [...logits.subarray(t * lm.config.vocab, (t + 1) * lm.config.vocab)]),
    );
    expect(mine.length).toBe(expected.length);
    expect(worst(mine, expected)).toBeLessThan(1e-4);
  }
});

test("prompts have transformers' tokens", async () => {
  const chat = loadChatFormat(embeddedBase());
  const rows = await replayRows();
  for (const { id, prompt_ids } of sessions) {
    const { turns } = rows.find((row) => row.id === id)!;
    expect([...promptIds(turns.slice(0, -1), chat)]).toEqual(prompt_ids);
  }
});

test("takes at most ten megabytes of the binary", () => {
  const folder = embeddedBase();
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  expect(bytes).toBeGreaterThan(1e6);
  expect(bytes).toBeLessThan(10e6);
});

test("a file of the cache that was damaged is written again", () => {
  const cache = mkdtempSync(join(tmpdir(), "cache-"));
  try {
    const folder = embeddedBase({ XDG_CACHE_HOME: cache });
    const path = join(folder, "model.safetensors");
    const before = readFileSync(path);
    writeFileSync(path, before.subarray(0, 1000));
    expect(embeddedBase({ XDG_CACHE_HOME: cache })).toBe(folder);
    expect(readFileSync(path).equals(before)).toBe(true);
  } finally {
    rmSync(cache, { recursive: true });
  }
});

test("a cache that cannot be written is one clear line", () => {
  expect(() => embeddedBase({ XDG_CACHE_HOME: "/proc/none" })).toThrow(
    /expected to lay it out in \/proc\/none.*got/,
  );
});

test("replay rows have no work of the held-out kinds, and no ending word that is trained", async () => {
  const rows = await replayRows();
  expect(rows.length).toBeGreaterThanOrEqual(500);
  const endings = new Set(["done", "ok", "ready", "finished", "done.", "all set", "cannot"]);
  let masked = 0;
  for (const { turns } of rows)
    for (const { role, content, train } of turns) {
      expect(content).not.toMatch(/\b(sed|chmod)\b/);
      if (role !== "assistant") continue;
      expect(train ?? true).toBe(!endings.has(content));
      if (train === false) masked++;
    }
  expect(masked).toBeGreaterThan(rows.length / 2);
});
