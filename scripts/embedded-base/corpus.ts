#!/usr/bin/env bun
// Writes the training text of the embedded base: `corpus.ts OUT.jsonl --n 20000 --seed 1`. One document a line: seed, kinds, turns.

import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { execute, makeUserland } from "./execute.ts";
import { makeScript, render, wentWell } from "./session.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    n: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
  },
});
const out = positionals[0];
if (out === undefined) throw new Error("usage: corpus.ts OUT.jsonl --n DOCUMENTS --seed SEED");
const total = Number(values.n);
const first = Number(values.seed) * 10_000_000;
const chunk = 100;
const longest = 2400;

const userland = await makeUserland();
const stream = createWriteStream(out);
let next = 0;
let written = 0;
let dropped = 0;
let failed = 0;
const began = Date.now();

async function worker(): Promise<void> {
  while (next < total) {
    const from = next;
    next += chunk;
    const scripts = Array.from({ length: Math.min(chunk, total - from) }, (_, i) =>
      makeScript(first + from + i),
    );
    const results = await execute(userland, scripts);
    for (const [i, script] of scripts.entries()) {
      if (!wentWell(script, results[i]!)) {
        failed++;
        if (process.env.SHOW)
          console.error(
            script.jobs.map(({ job }) => [job.kind, ...job.commands].join(" | ")).join("\n"),
            results[i],
          );
        continue;
      }
      const document = render(script, results[i]!);
      if (document.turns.reduce((sum, turn) => sum + turn.content.length, 0) > longest) dropped++;
      else {
        stream.write(`${JSON.stringify(document)}\n`);
        written++;
      }
    }
    if ((from / chunk) % 20 === 0)
      console.error(`${from} of ${total}, ${((Date.now() - began) / 1000).toFixed(0)} s`);
  }
}
await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
await new Promise((resolve) => stream.end(resolve));
await rm(userland, { recursive: true });
console.error(
  `${written} documents, ${dropped} too long, ${failed} with a failure, ${((Date.now() - began) / 1000).toFixed(0)} s`,
);
