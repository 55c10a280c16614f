// What the pages tell people to type is held against the parser itself.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { kernels } from "../../kernels/index.ts";
import { notices, noticesPath } from "../../scripts/notices.ts";
import { optionsPage, pagePath } from "../../scripts/options-page.ts";
import { readConfig } from "../../src/base/config-file.ts";
import { findKey, type OptionTable } from "../../src/base/options.ts";
import { globalFlags, runProgram } from "../../src/base/program.ts";
import { commands } from "../../src/commands/index.ts";
import { parseSpec } from "../../src/experiment/read-spec.ts";
import { gateNames } from "../../src/factory/gates/gate.ts";
import { parseMix } from "../../src/mix/read-spec.ts";
import { silent } from "../base/silent-terminal.ts";
import { codeOf, commandLines, pages, root, shellBlocks, wordsOf } from "./documents.ts";

const folder = mkdtempSync(join(tmpdir(), "sekft-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the parser, and nothing behind it. */
function parse(line: string, config: string | undefined): Promise<number> {
  const argv = wordsOf(line).slice(1);
  const at = argv.indexOf("--config");
  if (at >= 0 && config !== undefined) argv[at + 1] = config;
  const idle = commands.map((command) => ({ ...command, run: () => Promise.resolve() }));
  const identity = { name: "sekft", summary: "", groups: {}, version: () => "" };
  return runProgram(argv, idle, identity, silent);
}

const optionTables = commands.map(({ options }) => options as OptionTable);
const isFlag = (name: string) =>
  ["help", "config", "version", ...globalFlags.map(({ flag }) => flag as string)].includes(name) ||
  optionTables.some(
    (table) => (findKey(table, name) ?? findKey(table, name.replace(/^no-/, ""))) !== undefined,
  );

for (const page of pages)
  describe(page, () => {
    const { blocks, spans } = codeOf(page);
    const files = blocks.filter(({ language }) => language === "yaml").map(({ text }) => text);
    const config = join(folder, `${page.replaceAll("/", "-")}.yaml`);
    for (const [i, text] of files.entries()) {
      // Experiments have arms, mixes have sources; a file without them is one of options.
      if (/^arms:/m.test(text))
        test(`its experiment ${i + 1} is one`, () => {
          expect(Object.keys(parseSpec(text, page).arms).length).toBeGreaterThan(1);
        });
      else if (/^sources:/m.test(text))
        test(`its mix ${i + 1} is one`, () => {
          expect(parseMix(text, page).sources.length).toBeGreaterThan(1);
        });
      else {
        writeFileSync(config, text);
        test("its config file has options of train", () => {
          const { options } = commands.find(({ name }) => name === "train")!;
          expect(Object.keys(readConfig(config, options)).length).toBeGreaterThan(3);
        });
      }
    }
    for (const line of shellBlocks(page).flatMap(({ text }) => commandLines(text)))
      test(`\`${line}\` is a command line`, async () => {
        expect(await parse(line, existsSync(config) ? config : undefined)).toBe(0);
      });
    test("names no option that no command has", () => {
      const named = spans
        .filter((span) => /^(sekft |--)/.test(span))
        .flatMap((span) => [...span.matchAll(/--([a-z][\w-]*)/g)].map(([, name]) => name!));
      expect(named.filter((name) => !isFlag(name))).toEqual([]);
    });
    test("names scripts that exist", () => {
      const text = blocks.map((block) => block.text).join("\n");
      const scripts = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;
      for (const [, path] of text.matchAll(/(?:^|\s)(?:\.\/)?((?:scripts|test)\/[\w./-]+\.(?:sh|ts|mjs))/g))
        expect({ path, there: existsSync(join(root, path!)) }).toEqual({ path, there: true });
      for (const [, name] of text.matchAll(/bun run ([a-z]+)(?:\s|$)/g))
        expect(Object.keys(scripts)).toContain(name!);
    });
  });

/** A heading as GitHub makes an anchor of it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replaceAll(" ", "-");

test("links into a page lead to one of its headings", () => {
  const anchors = (page: string) =>
    [...readFileSync(join(root, page), "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      anchorOf(heading!),
    );
  const lost = pages.flatMap((page) => {
    const links = readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g);
    return [...links]
      .filter(([, path, anchor]) => {
        const target = path === "" ? page : join(dirname(page), path!);
        return !existsSync(join(root, target)) || !anchors(target).includes(anchor!);
      })
      .map(([link]) => `${page}: ${link}`);
  });
  expect(lost).toEqual([]);
});

describe("the examples that --help shows", () => {
  for (const { name, examples } of commands)
    test(`of ${name} are command lines of it`, async () => {
      for (const { line } of examples)
        for (const one of commandLines(line)) {
          expect(one).toStartWith(`sekft ${name}`);
          const config = join(folder, "example.yaml");
          writeFileSync(config, "");
          expect(await parse(one, one.includes("--config") ? config : undefined)).toBe(0);
        }
    });
});

test("every path of the project that a page names is there", () => {
  const gone = pages.flatMap((page) =>
    codeOf(page)
      .spans.filter((span) => /^(src|test|kernels|scripts|docs|docker|examples)\/[\w./-]+$/.test(span))
      // Upper case stands for a name of one's own.
      .filter((span) => !/\b(NAME|TOPIC)\b/.test(span) && !existsSync(join(root, span)))
      .map((span) => `${page}: ${span}`),
  );
  expect(gone).toEqual([]);
});

test("the page of options is what `bun run docs` writes", () => {
  expect(readFileSync(pagePath, "utf8")).toBe(optionsPage());
});

test("the third-party notices are those of the installed packages (bun run notices makes them)", () => {
  const page = notices();
  expect(readFileSync(noticesPath, "utf8")).toBe(page);
  for (const name of Object.keys(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).dependencies))
    if (!/typings|typescript-api/.test(name)) expect(page).toContain(`| ${name} `);
});

test("the page on the factory lists every gate, in the order in which they are asked", () => {
  const table = /\| gate \|.*\n\|.*\n((?:\|.*\n)+)/.exec(
    readFileSync(join(root, "docs/factory.md"), "utf8"),
  )![1]!;
  expect([...table.matchAll(/^\| (\w+) \|/gm)].map(([, name]) => name!)).toEqual([...gateNames]);
});

test("the page on the engine lists every kernel", () => {
  const { spans } = codeOf("docs/engine.md");
  expect(Object.keys(kernels).filter((name) => !spans.includes(name))).toEqual([]);
});

test("troubleshooting quotes messages as the program has them, each from one file", () => {
  const sources = [...new Bun.Glob("src/**/*.ts").scanSync(root)].map((path) =>
    readFileSync(join(root, path), "utf8"),
  );
  const rows = readFileSync(join(root, "docs/troubleshooting.md"), "utf8").match(/^\| `.*?(?= \| )/gm) ?? [];
  const quotes = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, quote]) => quote!));
  expect(quotes.length).toBeGreaterThan(70);
  const parts = (quote: string) =>
    quote
      .split("...")
      .map((part) => part.trim().replace(/^, |,$/g, ""))
      .filter((part) => part.length > 3);
  const made = quotes.filter(
    (quote) => !sources.some((source) => parts(quote).every((part) => source.includes(part))),
  );
  expect(made).toEqual([]);
});

test("a command line that is wrong is found", async () => {
  expect(commandLines("sekft train --data a \\\n  --base b # note\nls\n./dist/sekft doctor | head")).toEqual([
    "sekft train --data a    --base b",
    "sekft doctor",
  ]);
  expect(parse("sekft train --base b --lora-rank 3", undefined)).rejects.toThrow("--lora-rank");
  expect(parse("sekft train --base b --lora-r many", undefined)).rejects.toThrow("--lora-r");
  expect(parse("sekft inspect mask --base b", undefined)).rejects.toThrow("--data");
  expect(parse("sekft teach", undefined)).rejects.toThrow("teach");
  expect(isFlag("no-normalise-it")).toBe(false);
});
