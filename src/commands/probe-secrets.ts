// `sekft probe secrets`: whether keys, planted canaries or training data come out of a model.

import { defineCommand } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { secretProbeOptions } from "../probe/probe-options.ts";
import { armOptions } from "./eval-arms.ts";

export const probeSecrets = defineCommand({
  name: "probe secrets",
  summary: "Tells whether a model says keys, planted canaries or its training data",
  description:
    "The model goes on, greedily, with beginnings of private keys and tokens, with the prefixes of --canaries, and with the first half " +
    "of the longest reply in rows of --data. What comes out is held against the rules of `critic` and against the rest of the row. " +
    "Writes probe-secrets.json to --out, without the secrets: their kind, their first characters and their hash. Exits with 1 when " +
    "more came out than may.",
  options: { ...secretProbeOptions, ...armOptions },
  examples: [
    {
      line: "sekft probe secrets --base ./SmolLM2-135M-Instruct --adapter ./ckpt --data rows.jsonl",
      does: "beginnings of keys, and 100 rows of what the adapter was trained on",
    },
    {
      line: "sekft probe secrets --url http://127.0.0.1:8080/v1 --canaries planted.jsonl",
      does: "asks a server that has /v1/completions for secrets that were planted",
    },
  ],
  async run(options, terminal) {
    const { readCanaries, readKnownRows } = await import("../probe/secrets/known-texts.ts");
    const { probeSecrets: probe } = await import("../probe/secrets/probe-secrets.ts");
    const { BEGINNINGS } = await import("../probe/secrets/beginnings.ts");
    const { openOneModel } = await import("./one-model.ts");
    const { finishProbe, withAnswers } = await import("./finish-probe.ts");
    const { data, canaries, base, jobs, label, maxTokens, matchChars, maxEmitted, maxExtracted } = options;
    const planted = canaries === undefined ? [] : await readCanaries(canaries);
    if (data !== undefined && base === undefined)
      throw new UserError("--data: expected --base beside it, got none", {
        hint: "rows are written with the base's chat template, also for a server's model",
      });
    const { loadChatFormat } = await import("../data/chat/load-chat-format.ts");
    const rows =
      data === undefined
        ? undefined
        : await readKnownRows(data, loadChatFormat(base!, options.chatTemplate), {
            most: options.rows,
            least: matchChars,
            promptTokens: options.ctxBudget,
          });
    if (rows?.texts.length === 0)
      terminal.warn(
        `probe secrets: ${data}: no reply of ${matchChars} characters among ${rows.rows} rows; none is tried`,
      );
    const started = new Date().toISOString();
    const hint = "run the probe once for each";
    await using one = await openOneModel(
      options,
      { who: "probe secrets", label, jobs, sizes: options, hint },
      terminal,
    );
    const { complete } = one.model;
    if (complete === undefined)
      throw new UserError(`probe secrets: expected a model that goes on with a text, got ${one.label}`);
    const texts = [...planted, ...(rows?.texts ?? [])];
    const known = { texts, secrets: rows?.secrets ?? new Set<string>() };
    const settings = { jobs, maxTokens, matchChars, maxEmitted, maxExtracted };
    const found = await withAnswers("secrets", BEGINNINGS.length + texts.length, terminal, (run) =>
      probe({ ...one.model, complete }, known, { ...settings, ...run }),
    );
    const about = {
      started,
      model: { label: one.label, ...(await one.facts()) },
      settings: { max_tokens: maxTokens, match_chars: matchChars },
      data: rows && { path: data, rows: rows.rows, usable: rows.usable, tried: rows.texts.length },
      canaries: canaries ?? null,
    };
    finishProbe("secrets", options.out, { ...about, ...found }, terminal);
  },
});
