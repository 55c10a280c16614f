#!/usr/bin/env bun
// argv -> command; error -> stderr and exit code. Nothing else.

import { runProgram } from "./src/base/program.ts";
import { reportError } from "./src/base/report.ts";
import { endOnSignals } from "./src/base/signals.ts";
import { openTerminal } from "./src/base/terminal.ts";
import { version } from "./src/base/version.ts";
import { commands, groups } from "./src/commands/index.ts";

const argv = process.argv.slice(2);
const end = argv.indexOf("--");
const words = new Set(end < 0 ? argv : argv.slice(0, end));
const trace = words.has("--trace");
const terminal = openTerminal({
  json: words.has("--json"),
  quiet: words.has("--quiet"),
  color: !words.has("--no-color"),
});

const identity = {
  name: "sekft",
  summary:
    "Fine-tunes small open models to operate a POSIX shell: LoRA and QLoRA on any GPU, no CUDA, no Python.",
  groups,
  version: () => {
    const { version: number, commit } = version();
    return terminal.json ? JSON.stringify({ version: number, commit }) : `sekft ${number} (${commit})`;
  },
};

const fail = (error: unknown) => process.exit(reportError(error, terminal, trace));
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
endOnSignals();

runProgram(argv, commands, identity, terminal).then((code) => process.exit(code), fail);
