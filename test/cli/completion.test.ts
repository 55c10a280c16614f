import { describe, expect } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "../../src/base/command.ts";
import { completionScript, type Shell } from "../../src/base/completion.ts";
import { need } from "../setup.ts";

const commands = [
  {
    name: "train",
    summary: "Trains it's adapter: yes",
    options: {
      loraR: { type: "int", help: "rank" },
      tier: {
        type: "string",
        choices: ["auto", "f32", "f16"],
        help: "kernels, the user's choice: $(touch x)",
      },
      out: { type: "string", help: "where" },
      packing: { type: "flag", help: "pack" },
    },
  },
  { name: "inspect mask", summary: "Masks", options: { limit: { type: "int", help: "how many" } } },
  { name: "inspect data", summary: "Data", options: {} },
].map((command) => ({ ...command, examples: [], run: async () => {} })) as unknown as Command[];

const globals = ["--json", "--quiet", "--no-color", "--trace", "--help"];

/** What the shell offers after `line`, in any order. */
type Complete = (line: string) => string[];

function suite(shell: Shell, complete: Complete): void {
  const it = need(shell, Bun.which(shell) !== null);
  describe(`in ${shell}`, () => {
    it("words of commands are offered one by one", () => {
      expect(complete("sekft ")).toEqual(["inspect", "train"]);
      expect(complete("sekft tr")).toEqual(["train"]);
      expect(complete("sekft inspect ")).toEqual(["data", "mask"]);
    });

    it("options of the command are offered, and no others", () => {
      const own = ["--config", "--lora-r", "--out", "--packing", "--tier"];
      expect(complete("sekft train --")).toEqual([...own, ...globals].sort());
      expect(complete("sekft inspect mask --l")).toEqual(["--limit"]);
      expect(complete("sekft inspect data --")).toEqual([...globals].sort());
      expect(complete("sekft train --packing --lo")).toEqual(["--lora-r"]);
    });

    it("values are offered where there is a choice, files elsewhere", () => {
      expect(complete("sekft train --tier ")).toEqual(["auto", "f16", "f32"]);
      expect(complete("sekft train --tier f")).toEqual(["f16", "f32"]);
      expect(complete("sekft train --out ad")).toEqual(["adapter one"]);
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), "sekft-completion-"));
writeFileSync(join(folder, "adapter one"), "");
for (const shell of ["bash", "zsh", "fish"] as const)
  writeFileSync(join(folder, shell), completionScript(shell, commands));

function answers(command: string[], input = ""): string[] {
  const run = Bun.spawnSync(command, { cwd: folder, stdin: new TextEncoder().encode(input) });
  expect(run.stderr.toString()).toBe("");
  return run.stdout.toString().split("\n").filter(Boolean).sort();
}

// Fills in what bash sets up before it calls a completion function.
suite("bash", (line) =>
  answers([
    "bash",
    "-c",
    `source ./bash; compopt() { :; }; COMP_WORDS=(${line.replace(/ $/, ' ""')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _sekft; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ]));
suite("fish", (line) =>
  answers([
    "fish",
    "--no-config",
    "-c",
    `source ./fish; complete -C ${JSON.stringify(line)} | string split -f1 \\t | string replace -a '\\\\ ' ' '`,
  ]));
// Stands in for the widgets of an interactive zsh: each prints what it would offer.
suite("zsh", (line) => {
  const words = line.replace(/ $/, ' ""');
  const last = line.split(" ").at(-1)!;
  return answers([
    "zsh",
    "-f",
    "-c",
    `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print -l -- *; }
    _describe() { print -l -- "\${(@)list%%:*}"; }
    source ./zsh; words=(${words}); CURRENT=\${#words}; _sekft`,
  ]).filter((word) => word.startsWith(last));
});
