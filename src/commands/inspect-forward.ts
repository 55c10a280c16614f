// `sekft inspect forward`: logits, hidden states, losses and gradients in a file that other programs can compare with.

import { defineCommand } from "../base/command.ts";
import { tiers } from "../gpu/facts.ts";

export const inspectForward = defineCommand({
  name: "inspect forward",
  summary: "Saves logits, hidden states, losses and gradients of given ids",
  description:
    'Input: a JSON list of {"input_ids": [...], "labels": [...]}; -100 is not trained, labels are shifted inside. Output, f32: <i>.logits [T, V], <i>.hidden.<k> [T, C] (0 the embedding, the last after the final norm), <i>.loss, loss (over all labelled positions), grad.<name in adapter_model.safetensors>, and with --full grad.<name of the weight>.',
  options: {
    base: {
      type: "string",
      value: "DIR|FILE.gguf",
      required: true,
      aliases: ["model-name-or-path"],
      help: "base model: a Hugging Face directory or a GGUF file",
    },
    ids: { type: "string", value: "FILE.json", required: true, help: "sequences as token ids" },
    adapter: { type: "string", value: "DIR", help: "PEFT adapter to put on the base" },
    load4bit: {
      type: "flag",
      aliases: ["load-in-4bit"],
      help: "hold the base in 4 bits (NF4, double quantisation)",
    },
    tier: { type: "string", choices: ["auto", ...tiers], default: "auto", help: "kernels to use" },
    requireGpu: { type: "flag", help: "refuse a CPU adapter" },
    hidden: { type: "flag", help: "save hidden states" },
    grads: { type: "flag", help: "save the gradient of loss for each adapter tensor" },
    full: {
      type: "list",
      value: "GROUPS",
      help: "with --grads: also for the base's own weights, in groups as `sekft train --full` takes them",
    },
    out: { type: "string", value: "FILE.safetensors", required: true, help: "where the tensors go" },
  },
  examples: [
    {
      line: "sekft inspect forward --base ./SmolLM2-135M-Instruct --ids ids.json --out ours.safetensors",
      does: "saves logits and losses",
    },
    {
      line: "sekft inspect forward --base ./base --ids ids.json --adapter ./ckpt --hidden --grads --out ours.safetensors",
      does: "adds hidden states and the adapter's gradients",
    },
  ],
  async run(options, terminal) {
    const { computeForward, saveForward } = await import("../train/forward-tensors.ts");
    const { startProgress } = await import("../base/progress.ts");
    const bar = startProgress(terminal, { label: "forward", total: 1, unit: "inputs" });
    const result = await computeForward(options, (done, total) => bar.update(done / total)).finally(() =>
      bar.end(),
    );
    saveForward(options.out, result);
    if (terminal.json) {
      const { loss, tier, device, tensors } = result;
      const names = [...tensors.keys()];
      terminal.out(
        JSON.stringify({ out: options.out, loss: Number.isNaN(loss) ? null : loss, tier, device, names }),
      );
    } else
      terminal.note(
        `${options.out}: ${result.tensors.size} tensors, loss ${result.loss}, tier ${result.tier} on ${result.device}`,
      );
  },
});
