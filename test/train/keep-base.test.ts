import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import rows from "../golden/keep-base/rows.json";
import golden from "../golden/keep-base/run.json";
import { testDevice } from "../gpu.ts";
import { expectAdapterNear, expectGoldenLog, goldenFlags } from "./golden-run.ts";
import { numeric, readLog, runTrain, scratchFolder } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile } = scratchFolder();
const goldens = join(import.meta.dir, "..", "golden");
const base = join(numeric, "models", "tiny-mistral");
/** Adam divides by the size of a gradient: where that is all but nothing, the last bits of float32 are seen. */
const nearby = 1.5e-3;
const keptFile = join(scratch, "kept.json");
writeFileSync(keptFile, JSON.stringify(rows));

/** A run as the golden one was, with other flags. */
function run(name: string, flags: Readonly<Record<string, string>> = {}) {
  return runTrain({
    base,
    tokenized: keptFile,
    keepBase: String(golden.weight),
    initAdapter: join(goldens, "layers", "init"),
    out: join(scratch, name),
    ...goldenFlags(golden),
    ...flags,
  });
}

/** That run ended where PEFT's did. */
const expectFinal = (name: string) =>
  expectAdapterNear(join(scratch, name), join(goldens, "keep-base", "final"), nearby);

describe("--keep-base", () => {
  gpuTest(
    "labels taken from the base without its adapter give PEFT's losses, gradient norms and weights",
    async () => {
      await run("kept");
      expectGoldenLog(join(scratch, "kept"), golden);
      expectFinal("kept");
    },
  );

  gpuTest("and the same with several rows at once, and with layers that are computed again", async () => {
    await run("several", { perDeviceTrainBatchSize: "4", gradientAccumulationSteps: "1" });
    expectFinal("several");
    await run("again", { gradientCheckpointing: "full" });
    expectFinal("again");
  });

  gpuTest("with noise on the embeddings the base is asked without it", async () => {
    const said = await run("noise", { neftuneNoiseAlpha: "5", maxSteps: "1" });
    const [{ loss }] = readLog(join(scratch, "noise")) as [{ loss: number }];
    expect(said.join("\n")).not.toContain("NaN");
    expect(Math.abs(loss / golden.log[0]!.loss - 1)).toBeGreaterThan(1e-4);
  });

  test("labels of -101 need it, and it needs something to keep", async () => {
    await expect(run("needs", { keepBase: "0" })).rejects.toThrow("found -101 (which needs --keep-base)");
    await expect(run("nothing", { tokenized: trainFile })).rejects.toThrow(
      "--keep-base: expected turns of weight 0, got none",
    );
  });

  test("a base that is trained itself, and preferences, refuse it", async () => {
    await expect(run("full", { full: "norms,lora" })).rejects.toThrow(
      "--keep-base: expected an adapter, got --full or stages",
    );
    await expect(run("dpo", { method: "dpo" })).rejects.toThrow(
      "--keep-base: expected --method sft, got dpo",
    );
  });
});
