// `sekft probe format`: whether a model's answers can be used as they are.

import { defineCommand } from "../base/command.ts";
import { formatProbeOptions } from "../probe/probe-options.ts";
import { armOptions } from "./eval-arms.ts";

export const probeFormat = defineCommand({
  name: "probe format",
  summary: "Tells whether answers have the form that was asked for, to the letter",
  description:
    "Prompts for one command without fences, JSON of a schema, a unified diff that applies strictly and a Python function of a name. " +
    "Each share comes with Wilson's interval, and so does the share of answers that end by themselves. Writes probe-format.json to " +
    "--out, and beside the adapter, where `sekft resident` looks before it serves it. Exits with 1 below a threshold.",
  options: { ...formatProbeOptions, ...armOptions },
  examples: [
    {
      line: "sekft probe format --base ./SmolLM2-135M-Instruct --adapter ./ckpt",
      does: "32 prompts; the adapter's folder then says how it did",
    },
    {
      line: "sekft probe format --url http://127.0.0.1:8080/v1 --threshold 0.9 --least diff=0.5",
      does: "a model that a server holds, with thresholds of its own",
    },
  ],
  async run(options, terminal) {
    const { readPrompts } = await import("../probe/format/prompt-set.ts");
    const { probeFormat: probe, thresholdsOf } = await import("../probe/format/probe-format.ts");
    const { openOneModel } = await import("./one-model.ts");
    const { finishProbe, withAnswers } = await import("./finish-probe.ts");
    const { writeFormatProbe } = await import("../formats/format-probe.ts");
    const { namedAdapters } = await import("./local-model-options.ts");
    const { existsSync } = await import("node:fs");
    const thresholds = thresholdsOf(options.threshold, options.least);
    const set = await readPrompts(options.prompts);
    const started = new Date().toISOString();
    const hint = "run the probe once for each";
    const { jobs, label } = options;
    await using one = await openOneModel(
      options,
      { who: "probe format", label, jobs, sizes: options, hint },
      terminal,
    );
    const { maxTokens } = options;
    const found = await withAnswers("format", set.prompts.length, terminal, (run) =>
      probe(one.model, set, { jobs, maxTokens, thresholds, ...run }),
    );
    const about = {
      started,
      model: { label: one.label, ...(await one.facts()) },
      settings: { max_tokens: maxTokens },
    };
    const [adapter] = namedAdapters(options.adapter);
    if (adapter !== undefined && existsSync(adapter.directory))
      writeFormatProbe(adapter.directory, { ...found, ...about });
    finishProbe("format", options.out, { ...about, ...found }, terminal);
  },
});
