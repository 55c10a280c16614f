// `sekft export gguf`: an adapter as the GGUF LoRA that llama.cpp loads.

import { defineCommand } from "../base/command.ts";

export const exportGguf = defineCommand({
  name: "export gguf",
  summary: "Writes an adapter as a GGUF LoRA for llama.cpp",
  description:
    "The base is read for its shape only; when --base is left out, the one that the adapter names is looked for. With q8_0, " +
    "matrices whose rows are no multiple of 32 stay in f16.",
  options: {
    adapter: { type: "string", value: "DIR", required: true, help: "PEFT LoRA directory" },
    base: { type: "string", value: "DIR|FILE.gguf|ORG/NAME", help: "base model that it was trained on" },
    out: { type: "string", value: "FILE.gguf", required: true, help: "file to write" },
    outtype: {
      type: "string",
      choices: ["f32", "f16", "q8_0"],
      default: "f32",
      help: "how the matrices are stored",
    },
    force: { type: "flag", help: "replace a file that exists" },
  },
  examples: [
    { line: "sekft export gguf --adapter ./ckpt --out ckpt.gguf", does: "for llama-cli --lora ckpt.gguf" },
    {
      line: "sekft export gguf --adapter ./ckpt --base ./Mistral-7B-v0.2 --outtype f16 --out ckpt.gguf",
      does: "names the base, halves the file",
    },
  ],
  async run(options, terminal) {
    const { resolveRepo } = await import("../hub/resolve-repo.ts");
    const { exportGgufLora, outTypeOf } = await import("../export/gguf-lora.ts");
    const { adapter, force, out, outtype } = options;
    const base = options.base && (await resolveRepo(options.base, terminal));
    const done = exportGgufLora(adapter, out, { base, force, outType: outTypeOf(outtype) });
    for (const note of done.notes) terminal.warn(`note: ${note}`);
    if (terminal.json) terminal.out(JSON.stringify(done));
    else
      terminal.out(
        `${out}: ${done.tensors} tensors, architecture ${done.architecture}, alpha ${done.alpha}, base ${done.base}`,
      );
  },
});
