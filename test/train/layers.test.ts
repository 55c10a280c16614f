import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { readModelConfig } from "../../src/formats/config.ts";
import { parseLayers, showLayers } from "../../src/formats/layer-list.ts";
import { type LoraConfig, readAdapter } from "../../src/formats/peft-adapter.ts";
import { setUpAdapter } from "../../src/train/adapter-setup.ts";
import { trainOptions } from "../../src/train/options.ts";
import golden from "../golden/layers/run.json";
import { testDevice } from "../gpu.ts";
import { expectAdapterNear, expectGoldenLog, goldenFlags } from "./golden-run.ts";
import { numeric, runTrain, scratchFolder } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile } = scratchFolder();
const folder = join(import.meta.dir, "..", "golden", "layers");
const base = join(numeric, "models", "tiny-mistral");
const upper = { layersToTransform: "1-2", targetModules: "all-linear" };

/** What a fresh adapter with these flags would be. */
function fresh(flags: Readonly<Record<string, string>>) {
  const options = resolveOptions(trainOptions, { base, tokenized: trainFile, out: scratch, ...flags });
  return setUpAdapter(options, readModelConfig(join(base, "config.json")));
}

/** A config with its names in one order, the base's name aside. */
const sorted = (config: LoraConfig) => ({
  ...config,
  baseModel: "",
  targetModules: [...config.targetModules].sort(),
});

describe("--layers-to-transform", () => {
  test("a fresh adapter has the modules that PEFT gives one", () => {
    const { config, targets } = fresh({ ...upper, loraR: "4", loraAlpha: "8", loraDropout: "0" });
    expect(targets.map(({ module }) => module).sort()).toEqual(golden.modules);
    // PEFT refuses layers beside a single string.
    expect(sorted(config)).toEqual(sorted(readAdapter(join(folder, "init")).config));
  });

  gpuTest("three updates give PEFT's losses, gradient norms and weights", async () => {
    const out = join(scratch, "layers");
    await runTrain({
      ...upper,
      base,
      tokenized: trainFile,
      initAdapter: join(folder, "init"),
      out,
      ...goldenFlags(golden),
    });
    expectGoldenLog(out, golden);
    const final = join(folder, "final");
    expect(sorted(readAdapter(out).config)).toEqual(sorted(readAdapter(final).config));
    expectAdapterNear(out, final, 5e-4);
  });

  test("lists and ranges are read and shown", () => {
    expect(parseLayers(["2-4", "0", "3"], 5)).toEqual([0, 2, 3, 4]);
    expect(parseLayers([], 5)).toBeUndefined();
    expect(showLayers([0, 2, 3, 4])).toBe("0, 2-4");
  });

  test.each(["3", "2-3", "2-1", "x", "-1", "1.5"])("%s is refused for a base of three layers", (word) => {
    expect(() => fresh({ layersToTransform: word })).toThrow(
      `--layers-to-transform: expected layers of the base, 0 to 2, got ${word}`,
    );
  });
});
