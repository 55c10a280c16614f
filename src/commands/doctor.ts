// `sekft doctor`: what this machine can do, and with --bench how fast.

import { defineCommand, type Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import type { Examination } from "../doctor/examine.ts";
import type { Device } from "../gpu/device.ts";
import { type Tier, tiers } from "../gpu/facts.ts";

const bench = "Measuring";

export const doctor = defineCommand({
  name: "doctor",
  summary: "Says what this machine can do and what is missing; with --bench, how fast it is",
  description:
    "Looks at adapter, driver, kernel tiers, limits, memory, disk and sandboxes, and says what to do about each problem. " +
    "--bench measures the device and a training step with random weights: nothing is downloaded. Shapes that do not fit are " +
    "measured with fewer layers and extrapolated.",
  options: {
    tier: { type: "string", choices: ["auto", ...tiers], default: "auto", help: "kernels to use" },
    bench: { type: "flag", group: bench, help: "measure peaks, matrix products and a training step" },
    shape: {
      type: "string",
      group: bench,
      value: "NAME",
      help: "model shape, e.g. mistral-7b; bench-small on a CPU adapter, else mistral-7b; list shows all",
    },
    load4bit: {
      type: "flag",
      group: bench,
      aliases: ["load-in-4bit"],
      help: "hold the base in 4 bits (QLoRA)",
    },
    tokens: {
      type: "int",
      min: 16,
      max: 32768,
      group: bench,
      unit: "tokens",
      help: "length of the sequence; 256 on a CPU adapter, else 2048",
    },
    layers: { type: "int", min: 1, group: bench, unit: "layers", help: "measure this many and extrapolate" },
    patience: {
      type: "float",
      min: 1,
      default: 120,
      group: bench,
      unit: "s",
      help: "all layers are measured only if their steps take no longer",
    },
  },
  examples: [
    { line: "sekft doctor", does: "shows adapter, tiers, limits and problems" },
    {
      line: "sekft doctor --bench --shape mistral-7b --load-4bit --tokens 2048",
      does: "measures what QLoRA of a 7B model would take here",
    },
  ],
  async run(options, terminal) {
    const { shapeNames, shapeOf } = await import("../doctor/named-shapes.ts");
    const { shape } = options;
    if (shape === "list") return printShapes(shapeNames, terminal);
    // A wrong name is said before anything is measured.
    if (shape !== undefined) shapeOf(shape);
    const { examine } = await import("../doctor/examine.ts");
    const { sandboxState } = await import("../sandbox/sandbox-state.ts");
    const { examination, device } = await examine(options.tier as Tier | "auto", await sandboxState());
    if (!terminal.json) {
      const { examinationLines } = await import("../doctor/examination-lines.ts");
      for (const line of examinationLines(examination, terminal.columns)) terminal.out(line);
    }
    const result = options.bench ? await measure(options, examination, device, terminal) : undefined;
    if (terminal.json) terminal.out(JSON.stringify({ ...examination, ...(result && { bench: result }) }));
    device?.[Symbol.dispose]();
  },
});

interface BenchFlags {
  readonly shape: string | undefined;
  readonly load4bit: boolean;
  readonly tokens: number | undefined;
  readonly layers: number | undefined;
  readonly patience: number;
}

async function measure(
  flags: BenchFlags,
  { budgetBytes }: Examination,
  device: Device | undefined,
  terminal: Terminal,
) {
  if (!device)
    throw new UserError("--bench: expected an adapter to measure, got none", {
      hint: "`sekft doctor` says how to get one",
    });
  const { shapeOf } = await import("../doctor/named-shapes.ts");
  const { runBench } = await import("../doctor/bench.ts");
  const { software } = device.facts;
  const name = flags.shape ?? (software ? "bench-small" : "mistral-7b");
  const config = shapeOf(name);
  const { load4bit, layers, patience: patienceSeconds } = flags;
  const tokens = flags.tokens ?? (software ? 256 : 2048);
  const result = await runBench(
    device,
    { name, config, load4bit, tokens, layers, budgetBytes, patienceSeconds },
    (phase) => terminal.note(`measuring: ${phase}`),
  );
  if (!terminal.json) {
    const { benchLines } = await import("../doctor/bench-lines.ts");
    terminal.out("");
    for (const line of benchLines(result, config.layers, terminal.columns)) terminal.out(line);
  }
  return result;
}

function printShapes(names: readonly string[], terminal: Terminal): void {
  if (terminal.json) terminal.out(JSON.stringify(names));
  else for (const name of names) terminal.out(name);
}
