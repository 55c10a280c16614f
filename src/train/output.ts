// The end of a run: --out as a PEFT directory that PeftModel.from_pretrained loads, with tokenizer files and a model card.

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { formatCount, formatNumber } from "../base/format.ts";
import { showLayers } from "../formats/layer-list.ts";
import { type Adapter, type LoraConfig, writeAdapter } from "../formats/peft-adapter.ts";
import type { Manifest } from "./manifest.ts";
import type { Progress } from "./progress.ts";

/** What the output directory is made of. */
export interface RunOutput {
  /** undefined when none was trained. */
  readonly adapter: Adapter | undefined;
  /** Tokenizer files and chat template by name. */
  readonly tokenizerFiles: ReadonlyMap<string, string>;
  readonly trainerState: string;
  readonly manifest: Manifest;
  readonly progress: Progress;
}

/** Writes the adapter and everything that goes with it; the adapter's config last, so that it never stands for half an output.
 *  @throws UserError when the disk is full; the checkpoints stay. */
export function writeOutput(folder: string, output: RunOutput): void {
  for (const [name, text] of output.tokenizerFiles) writeFileAtomic(join(folder, name), text);
  writeFileAtomic(join(folder, "README.md"), modelCard(output));
  writeFileAtomic(join(folder, "trainer_state.json"), output.trainerState);
  if (output.adapter) writeAdapter(folder, output.adapter);
}

function modelCard(output: RunOutput): string {
  const { adapter, manifest, progress } = output;
  const { options, data } = manifest;
  const last = progress.logHistory.findLast((entry) => "loss" in entry)?.loss;
  const evaluated = progress.logHistory.findLast((entry) => "eval_loss" in entry)?.eval_loss;
  const rows: [string, string][] = [
    ["base", `${manifest.base.path} (${manifest.base.modelType}, ${manifest.base.fingerprint})`],
    [
      "data",
      `${formatCount(data.sequences)} sequences, ${formatCount(data.tokens)} tokens, ${formatCount(data.labels)} trained (${data.sha256})`,
    ],
    ...(adapter ? [["LoRA", describeLora(adapter.config)] as [string, string]] : []),
    ...describeFull(options),
    ["base held in", options.load_4bit === true ? "4 bits (NF4, double quantisation)" : "its own precision"],
    ...(options.method === "dpo"
      ? [["loss", `${options.loss_type}, beta ${options.beta}`] as [string, string]]
      : []),
    ["steps", `${progress.step} of ${manifest.totalSteps}, ${manifest.warmupSteps} of warmup`],
    ["learning rate", `${options.learning_rate}, ${options.lr_scheduler_type}`],
    ["batch", `${options.per_device_train_batch_size} x ${options.gradient_accumulation_steps} accumulation`],
    ["seed", String(options.seed)],
    ["last loss", last === undefined ? "-" : formatNumber(last, 4)],
    ...(evaluated === undefined ? [] : [["eval loss", formatNumber(evaluated, 4)] as [string, string]]),
    ["kernels", `${manifest.tier} on ${manifest.device.name}`],
    ["made with", `sekft ${manifest.sekft.version} (${manifest.sekft.commit})`],
  ];
  const front = [
    "---",
    `base_model: ${JSON.stringify(baseName(output) ?? "")}`,
    `library_name: ${adapter ? "peft" : "transformers"}`,
    "pipeline_tag: text-generation",
    "tags:",
    ...(adapter ? ["- lora"] : []),
    `- ${options.method}`,
    "- sekft",
    "---",
  ];
  return `${front.join("\n")}

# ${adapter ? "LoRA adapter of" : "Model trained from"} ${baseName(output)?.split(/[\\/]/).findLast(Boolean) ?? "a base model"}

| | |
|---|---|
${rows.map(([name, value]) => `| ${name} | ${value.replaceAll("|", "\\|")} |`).join("\n")}

\`\`\`python
${howToLoad(output)}
\`\`\`

\`options.json\` has every option, \`manifest.json\` the hashes of base and data, the versions and the device.
`;
}

/** What an adapter names as its base; of a base that was trained itself, the one it was. */
function baseName({ adapter, manifest }: RunOutput): string | undefined {
  return adapter?.config.baseModel ?? manifest.base.path;
}

function describeFull({ full, stages }: Manifest["options"]): [string, string][] {
  if (Array.isArray(full)) return [["trained of the base", full.join(", ")]];
  return typeof stages === "string" ? [["stages", stages]] : [];
}

function howToLoad({ adapter, manifest: { options } }: RunOutput): string {
  const base =
    Array.isArray(options.full) || typeof options.stages === "string" ? "THIS_FOLDER/model" : "BASE";
  if (!adapter)
    return `from transformers import AutoModelForCausalLM\n\nmodel = AutoModelForCausalLM.from_pretrained("${base}")`;
  return [
    "from peft import PeftModel",
    "from transformers import AutoModelForCausalLM",
    "",
    `model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("${base}"), "THIS_FOLDER")`,
  ].join("\n");
}

function describeLora(config: LoraConfig): string {
  const { r, alpha, dropout, useRslora, targetModules, layersToTransform: layers } = config;
  const names = typeof targetModules === "string" ? targetModules : targetModules.join(", ");
  const where = layers === undefined ? names : `${names} of layers ${showLayers(layers)}`;
  return `r ${r}, alpha ${alpha}${useRslora ? " (rank-stabilised)" : ""}, dropout ${dropout}, on ${where}`;
}
