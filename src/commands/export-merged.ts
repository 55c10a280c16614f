// `sekft export merged`: base and adapter as one model.

import { defineCommand } from "../base/command.ts";

export const exportMerged = defineCommand({
  name: "export merged",
  summary: "Writes base and adapter merged, as a Hugging Face directory",
  description:
    "The weights are streamed: memory does not grow with the model. They keep the base's type unless --dtype says otherwise. " +
    "A quantised base is refused unless --dequantize is given, because its rounding would be kept for good.",
  options: {
    adapter: { type: "string", value: "DIR", required: true, help: "PEFT LoRA directory" },
    base: {
      type: "string",
      value: "DIR|FILE.gguf|ORG/NAME",
      required: true,
      help: "base model to merge into",
    },
    out: { type: "string", value: "DIR", required: true, help: "folder to write" },
    maxShardSize: { type: "string", value: "SIZE", default: "5GB", help: "largest file of weights" },
    dtype: {
      type: "string",
      choices: ["float32", "float16", "bfloat16"],
      help: "type of the merged weights; the base's own when left out",
    },
    dequantize: { type: "flag", help: "merge into a quantised base's dequantised weights" },
    force: { type: "flag", help: "replace the weights of an earlier export" },
  },
  examples: [
    {
      line: "sekft export merged --adapter ./ckpt --base ./SmolLM2-135M-Instruct --out ./merged",
      does: "writes a model that needs no adapter",
    },
    {
      line: "sekft export merged --adapter ./ckpt --base ./base-nf4 --dequantize --dtype bfloat16 --out ./merged",
      does: "merges into a 4-bit base, dequantised",
    },
  ],
  async run(options, terminal) {
    const { resolveRepo } = await import("../hub/resolve-repo.ts");
    const { describeMerge, exportMerged: merge, parseSize } = await import("../export/merged-directory.ts");
    const { startProgress } = await import("../base/progress.ts");
    const { adapter, dequantize, dtype, force, out } = options;
    const base = await resolveRepo(options.base, terminal);
    const mib = 2 ** 20;
    let progress: ReturnType<typeof startProgress> | undefined;
    const done = merge(adapter, base, out, {
      maxShardBytes: parseSize(options.maxShardSize),
      dequantize,
      dtype,
      force,
      onProgress(written, total) {
        progress ??= startProgress(terminal, { label: "merge", total: Math.ceil(total / mib), unit: "MiB" });
        progress.update(Math.ceil(written / mib));
      },
    });
    progress?.end();
    for (const note of done.notes) terminal.warn(`note: ${note}`);
    terminal.out(terminal.json ? JSON.stringify(done) : describeMerge(done));
  },
});
