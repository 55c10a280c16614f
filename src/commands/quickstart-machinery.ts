// What a quickstart borrows: an experiment's machinery, and a look at the device before anything is begun.

import type { Terminal } from "../base/command.ts";
import { GpuError } from "../base/errors.ts";
import { resolveOptions } from "../base/resolve.ts";
import type { Appraisal, QuickstartMachinery } from "../quickstart/machinery.ts";
import type { Recipe } from "../quickstart/recipe.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";
import { type TrainOptions, trainOptions } from "../train/options.ts";
import { experimentMachinery } from "./experiment-machinery.ts";

/** A share of the tokens that is labelled, as in sessions of the built-in operator. */
const labelShare = 0.2;

/** The machinery of this program. */
export function quickstartMachinery(): QuickstartMachinery {
  const machinery = experimentMachinery();
  return {
    ...machinery,
    appraise: async (base, recipe) => appraise(await machinery.base(base), recipe),
    chooseSandbox,
  };
}

async function chooseSandbox(wanted: string, terminal: Terminal): Promise<string> {
  const { openProvider } = await import("../sandbox/open-provider.ts");
  const options = resolveOptions(sandboxOptions, { sandbox: wanted }, {});
  await using provider = await openProvider(options, (line) => terminal.note(line));
  return provider.name;
}

async function appraise(base: string, recipe: Recipe): Promise<Appraisal> {
  const { Device } = await import("../gpu/device.ts");
  const { budgetBytes } = await import("../gpu/memory.ts");
  const { planMemory } = await import("../model/memory-plan.ts");
  const { planInputFor } = await import("../model/plan-input.ts");
  const { quickSpeed } = await import("../doctor/quick-speed.ts");
  const { planBase } = await import("../doctor/plan-base.ts");
  const { loraParameters } = await import("../doctor/work.ts");
  const { setUpAdapter, withLoraSettings } = await import("../train/adapter-setup.ts");
  const { withMethodSettings } = await import("../train/preference/settings.ts");
  const { checkMemory } = await import("../train/memory-check.ts");
  const { modelSizes } = await import("../train/model-sizes.ts");
  const { source } = planBase(base);
  const given = withMethodSettings(trainingOptions(base, recipe));
  const setup = setUpAdapter(given, source.config);
  const options = withLoraSettings(given, setup.config);
  using device = await Device.open({ tier: "auto", software: true });
  const sizes = modelSizes({ options, setup, data: undefined }, budgetBytes(device.facts));
  checkMemory(source, sizes, device);
  const speed = await quickSpeed(device, {
    config: source.config,
    load4bit: source.config.quantization !== undefined,
    lora: setup.config,
    rowTokens: recipe.expected.sessionTokens,
    labelShare,
  });
  if (typeof speed === "string") throw new GpuError(`quickstart: ${speed}`);
  return {
    name: device.facts.name,
    software: device.facts.software,
    tokensPerSecond: speed.tokensPerSecond,
    parameters: [...source.tensors.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1),
      0,
    ),
    trained: loraParameters(setup.targets),
    bytes: planMemory(planInputFor(source, sizes, device)).totalBytes,
  };
}

/** The recipe as a command line of `sekft train` would have it. */
function trainingOptions(base: string, recipe: Recipe): TrainOptions {
  return resolveOptions(trainOptions, { base }, { ...recipe.training });
}
