// What experiments borrow: bases, worlds, training and models, each as the command has it that is made for it.

import type { Terminal } from "../base/command.ts";
import { resolveOptions } from "../base/resolve.ts";
import { openTerminal } from "../base/terminal.ts";
import { evalOptions } from "../eval/eval-options.ts";
import type { Machinery, ModelRequest, OpenedModel } from "../experiment/machinery.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";
import { armOptions, openArms } from "./eval-arms.ts";
import { resolveInputs } from "./resolve-inputs.ts";

/** Sessions at whose ends a base is asked for the terminal. */
const TERMINAL_SESSIONS = 100;

const QUIET = openTerminal({ json: false, quiet: true, color: false });

/** The machinery of this program.
 *  @param terminal told of downloads */
export function experimentMachinery(terminal: Terminal = QUIET): Machinery {
  const fingerprints = new Map<string, string>();
  return {
    async base(path) {
      return (await resolveInputs({ base: path }, terminal)).base;
    },
    async replay(file) {
      const { embeddedName } = await import("../embedded/name.ts");
      if (file !== embeddedName) return file;
      const { replayFile } = await import("../embedded/embedded-base.ts");
      return replayFile();
    },
    async fingerprint(base) {
      const { openBase } = await import("../formats/base-weights.ts");
      const known = fingerprints.get(base);
      if (known !== undefined) return known;
      using weights = openBase(base);
      const print = weights.fingerprint();
      fingerprints.set(base, print);
      return print;
    },
    async openSandbox(given, told) {
      const { openProvider } = await import("../sandbox/open-provider.ts");
      return openProvider(resolveOptions(sandboxOptions, {}, given), (line) => told.note(line));
    },
    async train(options, told) {
      const { train } = await import("../train/session.ts");
      await train(options, told);
    },
    openModel,
    async inspectTerminals({ name, base, data, options }, told) {
      const { measureTerminals } = await import("../train/terminals/measure.ts");
      const { terminalsOptions } = await import("../train/terminals/terminals-options.ts");
      const given = { ...options, base: [`${name}=${base}`], data, limit: TERMINAL_SESSIONS };
      return { ...(await measureTerminals(resolveOptions(terminalsOptions, {}, given), told)) };
    },
  };
}

async function openModel(
  { name, base, adapter, options }: ModelRequest,
  terminal: Terminal,
): Promise<OpenedModel> {
  // The base is an arm of that name already.
  const called = name === "base" ? "tuned" : name;
  const flags = resolveOptions(
    armOptions,
    {},
    {
      ...options,
      base,
      adapter: adapter === null ? undefined : [`${called}=${adapter}`],
    },
  );
  const { jobs, ctxBudget, maxTokens } = resolveOptions(evalOptions, {}, { scenarios: "", ...options });
  const models = await openArms(flags, jobs, { ctxBudget, maxTokens }, terminal);
  const arm = models.arms.at(-1)!;
  const { reported } = await arm.facts();
  const device = reported?.device;
  return {
    arm: { ...arm, name },
    device: typeof device === "string" ? device : undefined,
    [Symbol.asyncDispose]: () => models[Symbol.asyncDispose](),
  };
}
