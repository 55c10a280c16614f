// `sekft resident`: one base, loaded once, that answers and trains any number of adapters over HTTP.

import { defineCommand } from "../base/command.ts";
import { residentOptions } from "../serve/resident-options.ts";

export const resident = defineCommand({
  name: "resident",
  summary: "Keeps a base loaded: an OpenAI-compatible server that swaps, serves and trains adapters",
  description:
    "/v1/chat/completions, /v1/completions, /v1/models, /v1/files, /v1/fine_tuning/jobs, /v1/load_lora_adapter, " +
    "/v1/unload_lora_adapter, /lora-adapters, /health, /metrics. An adapter is asked for as model. Files and trained adapters lie in " +
    "--store. Ctrl-C ends it; a job that runs saves a checkpoint first.",
  options: residentOptions,
  examples: [
    {
      line: "sekft resident --base ./SmolLM2-135M-Instruct --adapter ops=./ckpt",
      does: "serves base and adapter on http://127.0.0.1:8080/v1",
    },
    {
      line: "sekft resident --base ./Mistral-7B-Instruct --load-4bit --host 0.0.0.0 --api-key-file keys.txt",
      does: "serves others on the network, who need a key",
    },
  ],
  async run(options, terminal) {
    const { serve } = await import("../serve/resident.ts");
    await serve(options, terminal);
  },
});
