// What the embedded base was trained on, read from the very text: none of what makes a self-directed session.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionDocument } from "../../scripts/embedded-base/session.ts";
import { composeScenario } from "../../src/factory/author/compose.ts";
import { archetypeNames, nouns } from "../../src/factory/taxonomy.ts";
import { hasBubblewrap } from "../sandbox/bubblewrap-machine.ts";
import { need } from "../setup.ts";

const recipe = join(import.meta.dir, "../../scripts/embedded-base");
const folder = join(recipe, "text");
const texts = readdirSync(folder).map((name) => ({
  name,
  text: Buffer.from(Bun.zstdDecompressSync(readFileSync(join(folder, name)))).toString("utf8"),
}));
const documents = texts.flatMap(({ text }) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as SessionDocument),
);
const turns = documents.flatMap((document) => document.turns);

test("it is the text that the training log names", () => {
  const log = readFileSync(join(recipe, "log.jsonl"), "utf8").trim().split("\n");
  const rows = log.map((line) => JSON.parse(line)).filter((row) => "sha256" in row);
  // The last text was gone through a second time.
  const named = [...new Map(rows.map((row) => [row.corpus, row])).values()];
  expect(texts.length).toBe(named.length);
  for (const { name, text } of texts)
    expect(named.find((row) => `${row.corpus}.zst` === name)?.sha256).toBe(
      createHash("sha256").update(text).digest("hex"),
    );
  expect(documents.length).toBeGreaterThan(20_000);
});

test("no command or text of it has a word that ends a session", () => {
  const ending = /\b(exit|panic|logout|quit)\b/i;
  // A made-up directory came out as a word: one of 55,000 sessions says its name.
  const found = turns.filter(({ content }) => ending.test(content.replaceAll("~/urlbum/quit", "")));
  expect(found).toEqual([]);
});

test("nothing of it is called a directive, an order, a task, an assignment or an instruction", () => {
  // "shell order" are two words drawn at random, in one of 67,000 sessions.
  const word = new RegExp(`\\b(${nouns.join("|")})s?\\b`, "i");
  const found = turns.filter(({ content }) =>
    word.test(content.replaceAll(/(this|reverse|sorted|shell) order|\/proc\/\d+\/task\//g, "")),
  );
  expect(found).toEqual([]);
});

test("no line of an announcement, a provider's help or a directive of the author is in it", () => {
  const screens = new Set(turns.flatMap(({ content }) => content.split("\n")));
  let lines = 0;
  for (const archetype of archetypeNames)
    for (let index = 0; index < 40; index++) {
      const { scenario } = composeScenario(9, archetype, index);
      const own = [scenario.announcement.login, scenario.provider.script, scenario.directive ?? ""].flatMap(
        (text) => text.split("\n"),
      );
      for (const line of own.filter((text) => text.length > 24)) {
        lines++;
        expect(screens.has(line)).toBe(false);
      }
    }
  expect(lines).toBeGreaterThan(1000);
});

need("bubblewrap", hasBubblewrap)("the recipe makes its last text again", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "corpus-"));
  try {
    const out = join(scratch, "again.jsonl");
    const last = texts.toSorted((a, b) => Number.parseInt(a.name, 10) - Number.parseInt(b.name, 10)).at(-1)!;
    const seed = /\d+/.exec(last.name)![0];
    const run = Bun.spawn(
      [process.execPath, join(recipe, "corpus.ts"), out, "--n", "100", "--seed", seed, "--jobs", "1"],
      { stderr: "ignore" },
    );
    expect(await run.exited).toBe(0);
    const again = readFileSync(out, "utf8").trim().split("\n");
    expect(again.length).toBeGreaterThan(90);
    // `ls -l` shows when a file was made.
    const timeless = (text: string) =>
      text.replaceAll(/ [A-Z][a-z]{2} [ \d]\d (\d\d:\d\d| \d{4}) /g, " then ");
    // Several workers write as they are done: documents are found by their seed.
    const bySeed = new Map(
      last.text
        .trim()
        .split("\n")
        .map((line) => [JSON.parse(line).seed, line]),
    );
    expect(again.map(timeless)).toEqual(
      again.map((line) => timeless(bySeed.get(JSON.parse(line).seed) ?? "")),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
