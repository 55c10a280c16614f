// A program of two commands, run as a process by the tests beside it: it shows what a command receives and how it fails.

import { defineCommand } from "../../src/base/command.ts";
import { DataError, Interrupted } from "../../src/base/errors.ts";
import { serialiseOptions } from "../../src/base/options.ts";
import { runProgram } from "../../src/base/program.ts";
import { reportError } from "../../src/base/report.ts";
import { endOnSignals } from "../../src/base/signals.ts";
import { openTerminal } from "../../src/base/terminal.ts";

const table = {
  loraR: {
    type: "int",
    default: 16,
    min: 1,
    max: 256,
    help: "rank of the adapter",
    group: "LoRA",
    short: "r",
  },
  learningRate: {
    type: "float",
    default: 2e-4,
    min: 0,
    help: "peak rate",
    group: "Training",
    aliases: ["lr"],
  },
  load4bit: { type: "flag", help: "base in NF4", group: "Base" },
  cache: { type: "flag", default: true, help: "keep what was computed", group: "Base" },
  tier: { type: "string", default: "auto", choices: ["auto", "f32"], help: "kernels", group: "Base" },
  targetModules: { type: "list", default: ["q_proj", "v_proj"], help: "where LoRA goes", group: "LoRA" },
  maxLength: { type: "int", default: 4096, unit: "tokens", help: "longest sequence", group: "Training" },
  out: { type: "string", value: "DIR", help: "where to", required: true, group: "Training" },
  rankPattern: { type: "string", map: true, help: "ranks by module", group: "LoRA" },
  evalData: { type: "string", value: "PATH", help: "other data", group: "Training" },
  perDeviceTrainBatchSize: {
    type: "int",
    default: 1,
    help: "rows of a micro-batch; a long name and a long text together do not fit a line",
    group: "Training",
  },
} as const;
const examples = [
  { line: "sample show --out here", does: "shows the options" },
  { line: "sample show --out here --lora-r 8", does: "a smaller adapter" },
];

const show = defineCommand({
  name: "show",
  summary: "Shows the options it got",
  options: table,
  examples,
  run: async (options, terminal) => terminal.out(JSON.stringify(serialiseOptions(table, options))),
});

const pair = defineCommand({
  name: "show pair",
  summary: "Shows two words, below a command that stands for itself",
  options: {
    first: { type: "string", value: "FIRST", required: true, help: "one" },
    second: { type: "string", value: "SECOND", required: true, help: "two" },
    out: { type: "string", value: "DIR", help: "where to" },
    near: { type: "string", value: "URL", alone: "auto", help: "a server" },
  },
  operand: ["first", "second"],
  examples,
  run: async (options, terminal) => terminal.out(JSON.stringify(options)),
});

const fail = defineCommand({
  name: "fail now",
  summary: "Fails in the way it is told to",
  options: {
    how: {
      type: "string",
      default: "data",
      choices: ["data", "bug", "missing-file", "interrupt", "late", "endless", "slow", "careful"],
      help: "the failure",
    },
  },
  examples,
  run: async ({ how }, terminal) => {
    if (how === "data")
      throw new DataError(
        { file: "a\u001b[31m.jsonl", line: 3, field: "turns[0].role" },
        "expected a role, got 7",
        {
          hint: "see the docs",
        },
      );
    if (how === "bug") throw new TypeError("x is not a function");
    if (how === "missing-file") await Bun.file("/nowhere/at/all").text();
    if (how === "interrupt") throw new Interrupted("stopped");
    if (how === "late") setTimeout(() => Promise.reject(new Error("nobody waited")));
    if (how === "endless") for (let i = 0; ; i++) terminal.out(`line ${i}`);
    if (how === "slow" || how === "careful") {
      const stopped = Promise.withResolvers<void>();
      if (how === "careful") process.once("SIGINT", () => stopped.resolve());
      terminal.out("started");
      await Promise.race([Bun.sleep(20_000), stopped.promise]);
      throw new Interrupted("saved what there was");
    }
    await Bun.sleep(1000);
  },
});

const argv = process.argv.slice(2);
const terminal = openTerminal({
  json: argv.includes("--json"),
  quiet: argv.includes("--quiet"),
  color: !argv.includes("--no-color"),
});
const identity = {
  name: "sample",
  summary: "A sample.",
  groups: { fail: "Fails" },
  version: () => "sample 1",
};
const stop = (error: unknown) => process.exit(reportError(error, terminal, argv.includes("--trace")));
process.on("unhandledRejection", stop);
endOnSignals();
runProgram(argv, [show, pair, fail], identity, terminal).then((code) => process.exit(code), stop);
