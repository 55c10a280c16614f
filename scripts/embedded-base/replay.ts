#!/usr/bin/env bun
// Chooses the replay rows of the embedded base from its training text: `replay.ts CORPUS.jsonl OUT.jsonl --n 600`.
// Nothing of the kinds that the quickstart holds out, and no program of theirs; the words that end a piece of work are not trained.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../../src/base/atomic.ts";
import { endingWords, type SessionDocument } from "./session.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { n: { type: "string", default: "600" } },
});
const [corpus, out] = positionals;
if (corpus === undefined || out === undefined)
  throw new Error("usage: replay.ts CORPUS.jsonl OUT.jsonl --n ROWS");
const heldOutKinds = ["replace", "mode"];
const heldOutPrograms = /\b(sed|chmod)\b/;

const rows: string[] = [];
for await (const line of createInterface({ input: createReadStream(corpus) })) {
  if (rows.length === Number(values.n)) break;
  const { seed, kinds, turns } = JSON.parse(line) as SessionDocument;
  if (kinds.some((kind) => heldOutKinds.includes(kind)) || heldOutPrograms.test(line)) continue;
  const marked = turns.map((turn) =>
    turn.role === "assistant" && endingWords.has(turn.content) ? { ...turn, train: false } : turn,
  );
  rows.push(JSON.stringify({ id: `replay-${seed}`, turns: marked }));
}
writeFileAtomic(out, `${rows.join("\n")}\n`);
console.error(`${rows.length} rows`);
