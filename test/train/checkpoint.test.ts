import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Adapter } from "../../src/formats/peft-adapter.ts";
import { plainLora } from "../../src/formats/peft-config.ts";
import {
  type Checkpoint,
  checkpointPath,
  checkpointSteps,
  lastCheckpoint,
  readCheckpoint,
  removeLeftovers,
  rotateCheckpoints,
  saveCheckpoint,
} from "../../src/train/checkpoint.ts";
import { startOfRun } from "../../src/train/progress.ts";

const root = mkdtempSync(join(tmpdir(), "sekft-checkpoint-"));
let folder = "";
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const names = ["A", "B"].map(
  (which) => `base_model.model.model.layers.0.self_attn.q_proj.lora_${which}.weight`,
);

// Values that text would lose: a denormal, a negative zero, a third.
const values = () => Float32Array.of(1e-45, -0, 1 / 3, -7);

function checkpoint(step: number): Checkpoint {
  const adapter: Adapter = {
    config: plainLora({
      r: 2,
      alpha: 4,
      dropout: 0.1,
      targetModules: ["q_proj"],
      baseModel: "base",
    }),
    tensors: new Map(names.map((name) => [name, { shape: [2, 2], data: values() }])),
  };
  const progress = { ...startOfRun({ scale: 4, growthTracker: 3 }), step, lossTotal: 0.1 + 0.2 };
  return {
    adapter,
    moments: new Map(names.map((name) => [name, { m: values(), v: values().reverse() }])),
    progress,
    logs: [{ path: "log.jsonl", bytes: 17 }],
  };
}

describe("a checkpoint", () => {
  test("comes back bit for bit", async () => {
    const saved = checkpoint(3);
    const path = await saveCheckpoint(folder, saved, "{}\n");
    expect(path).toBe(join(folder, "checkpoint-3"));
    expect(readCheckpoint(path)).toEqual(saved);
    expect(Object.is(readCheckpoint(path).moments.get(names[0]!)!.m[1], -0)).toBe(true);
  });

  test("replaces one of the same step", async () => {
    await saveCheckpoint(folder, checkpoint(3), "old");
    await saveCheckpoint(folder, checkpoint(3), "new");
    expect(readFileSync(join(folder, "checkpoint-3", "trainer_state.json"), "utf8")).toBe("new");
  });

  for (const file of ["adapter_model.safetensors", "optimizer.safetensors", "training_state.json"])
    test(`is passed over when ${file} is cut off, and the one before it is used`, async () => {
      await saveCheckpoint(folder, checkpoint(3), "{}");
      await saveCheckpoint(folder, checkpoint(6), "{}");
      truncateSync(join(folder, "checkpoint-6", file), 40);
      const told: string[] = [];
      expect(lastCheckpoint(folder, (path) => told.push(path))!.progress.step).toBe(3);
      expect(told).toEqual([join(folder, "checkpoint-6")]);
    });

  test("that was changed by hand is refused by name", async () => {
    const path = await saveCheckpoint(folder, checkpoint(3), "{}");
    appendFileSync(join(path, "trainer_state.json"), " ");
    expect(() => readCheckpoint(path)).toThrow(/trainer_state\.json: expected the content sha256:/);
  });

  test("that was never finished is no checkpoint, and is cleared away", () => {
    for (const name of [".checkpoint-9.part", ".checkpoint-2.old"]) mkdirSync(join(folder, name));
    mkdirSync(join(folder, "checkpoint-x"));
    expect(checkpointSteps(folder)).toEqual([]);
    expect(lastCheckpoint(folder, () => undefined)).toBeUndefined();
    removeLeftovers(folder);
    expect(existsSync(join(folder, ".checkpoint-9.part"))).toBe(false);
    expect(existsSync(join(folder, "checkpoint-x"))).toBe(true);
  });

  test("that was about to be replaced still counts", async () => {
    await saveCheckpoint(folder, checkpoint(3), "{}");
    renameSync(join(folder, "checkpoint-3"), join(folder, ".checkpoint-3.replaced"));
    mkdirSync(join(folder, ".checkpoint-3.part"));
    expect(lastCheckpoint(folder, () => undefined)).toEqual(checkpoint(3));
  });

  test("is kept when it is new or the best, as transformers keeps them", async () => {
    const keep = async (limit: number, best: number | null) => {
      for (const step of [5, 10, 15, 20]) await saveCheckpoint(folder, checkpoint(step), "{}");
      rotateCheckpoints(folder, limit, best);
      return checkpointSteps(folder);
    };
    expect(await keep(2, null)).toEqual([15, 20]);
    expect(await keep(2, 5)).toEqual([5, 20]);
    expect(await keep(1, 5)).toEqual([5, 20]);
    expect(await keep(0, null)).toEqual([5, 10, 15, 20]);
  });

  test("that cannot be written leaves the one before it alone", async () => {
    await saveCheckpoint(folder, checkpoint(3), "{}");
    const broken = { ...checkpoint(6), moments: new Map() };
    await expect(saveCheckpoint(folder, broken, "{}")).rejects.toThrow();
    expect(checkpointSteps(folder)).toEqual([3]);
    expect(existsSync(checkpointPath(folder, 6))).toBe(false);
    expect(existsSync(join(folder, ".checkpoint-6.part"))).toBe(false);
  });
});
