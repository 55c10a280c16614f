// `sekft export ollama`: an adapter as a folder for `ollama create`.

import { defineCommand } from "../base/command.ts";

export const exportOllamaCommand = defineCommand({
  name: "export ollama",
  summary: "Writes a folder for `ollama create`: Modelfile, GGUF LoRA, translated chat template",
  description:
    "The chat template is translated to Go by asking it what it writes around turns; one that cannot be repeated is refused by " +
    "name, and --template takes one written by hand.",
  options: {
    adapter: { type: "string", value: "DIR", required: true, help: "PEFT LoRA directory" },
    base: { type: "string", value: "DIR|FILE.gguf|ORG/NAME", help: "base model that it was trained on" },
    out: { type: "string", value: "FOLDER", required: true, help: "folder to write" },
    from: { type: "string", value: "NAME", help: "what FROM says; the path of the base when left out" },
    template: { type: "string", value: "FILE", help: "a Go template, taken as it is" },
    bos: {
      type: "string",
      choices: ["auto", "write", "omit"],
      default: "auto",
      help: "whether the template writes the bos token; auto leaves it out where Ollama adds it",
    },
    outtype: {
      type: "string",
      choices: ["f32", "f16", "q8_0"],
      default: "f16",
      help: "type of the matrices",
    },
    force: { type: "flag", help: "replace the files of an earlier export" },
  },
  examples: [
    {
      line: "sekft export ollama --adapter ./ckpt --base ./base.gguf --out ./citizen",
      does: "then: cd citizen && ollama create citizen -f Modelfile",
    },
    {
      line: "sekft export ollama --adapter ./ckpt --base ./base --from llama3:8b-instruct-fp16 --out ./citizen",
      does: "puts the adapter on a model that Ollama has already",
    },
  ],
  async run(options, terminal) {
    const { resolveRepo } = await import("../hub/resolve-repo.ts");
    const { exportOllama } = await import("../export/ollama.ts");
    const { outTypeOf } = await import("../export/gguf-lora.ts");
    const { adapter, from, out, template, force } = options;
    const base = options.base && (await resolveRepo(options.base, terminal));
    const done = exportOllama(adapter, out, {
      base,
      from,
      templateFile: template,
      bos: options.bos as "auto" | "write" | "omit",
      outType: outTypeOf(options.outtype),
      force,
    });
    for (const note of done.notes) terminal.warn(`note: ${note}`);
    terminal.out(terminal.json ? JSON.stringify(done) : `${done.modelfile}: ollama create NAME -f Modelfile`);
  },
});
